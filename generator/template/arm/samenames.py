"""Names of a deployment template that differ in case only: the same to Azure Resource Manager, and the last one counts.

Source: docs, «Syntax and expressions in ARM templates»: names of parameters, variables, functions and resource types
are compared without case.
"""

from collections.abc import Iterator
from typing import Any

from generator.errors import Problem
from generator.template.arm.declared import members
from generator.template.arm.resources import nested, resources
from generator.template.document import LAST_COUNTS, Document, Path, Place
from generator.template.warnings import DUPLICATE_KEY

SECTIONS = ("parameters", "variables", "outputs", "definitions")


def drop_earlier(document: Document) -> list[Problem]:
    """Remove from a document, in place, every name that a later one of its object replaces; a warning for each."""
    if not isinstance(document.value, dict):
        return []
    return list(_of_template(document, document.value, document.places, ()))


def _of_template(document: Document, template: dict[str, Any], place: Place, path: Path) -> Iterator[Problem]:
    yield from _of_object(document, template, place, path)
    for section in SECTIONS:
        key, value = members(template, section)
        if value:
            yield from _of_object(document, value, _inside(place, key), (*path, key))
    for resource in resources(template, place, path):
        yield from _of_object(document, resource.value, resource.place, resource.path)
        outer, properties = members(resource.value, "properties")
        inner, given = members(properties, "parameters")
        if found := nested(resource):
            at = (*resource.path, outer, inner)
            yield from _of_object(document, given, _inside(resource.place, outer, inner), at)
            yield from _of_template(document, *found)


def _of_object(document: Document, value: dict[str, Any], place: Place, path: Path) -> Iterator[Problem]:
    last: dict[str, str] = {}
    for key in [*value]:
        earlier = last.get(key.lower())
        last[key.lower()] = key
        if earlier is None or not isinstance(place.inside, dict):
            continue
        line, column = document.lines.position(place.inside[earlier].key)
        hint = f"{LAST_COUNTS}the first is in line {line}, column {column}: keep one"
        what = f"`{earlier[:80]}` and `{key[:80]}` are the same name to Azure Resource Manager"
        yield document.problem((*path, key), what, hint, level="warning", at_key=True, code=DUPLICATE_KEY)
        del value[earlier], place.inside[earlier]


def _inside(place: Place, *path: str) -> Place:
    for part in path:
        place = place.inside[part] if isinstance(place.inside, dict) and part in place.inside else place
    return place
