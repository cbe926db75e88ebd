"""Parameters that an image template needs and nobody gave: all of them at once, before anything is evaluated."""

import re
from collections.abc import Container, Iterator
from typing import Any

from generator.errors import Problem
from generator.template.arm.declared import members
from generator.template.arm.parts import Template
from generator.template.arm.resources import Resource, has_image_template, is_inner, nested, resources
from generator.template.arm.values import find, spelled
from generator.template.document import Document, Path, Place

FOR_PEOPLE = {"comments", "metadata", "dependson"}
NAMED = re.compile(r"\b(parameters|variables)\s*\(\s*'([^']{1,200})'\s*\)", re.IGNORECASE)


def missing(template: Template) -> Iterator[Problem]:
    """A problem for each parameter without value and default that the image template may need.

    What other resources need does not matter. A name that is itself computed is found when it is evaluated.
    """
    for kind, name in sorted(_needed(template.value, template.place, template.given)):
        declared = template.declaration(name) if kind == "parameters" else None
        if declared and name not in template.given and not declared.has_default:
            message = f"the parameter `{declared.name}` has no value"
            yield template.run.document.problem(declared.path, message, declared.way, at_key=True)


def read_places(document: Document) -> set[Path]:
    """The paths of everything in a deployment template that may become a part of an image template, or decides whether
    there is one. What else is there, such as descriptions, types and other resources, is for people and for Azure."""
    return set(_read_places(document.value, document.places, ()))


def _read_places(template: dict[str, Any], place: Place, path: Path) -> Iterator[Path]:
    for resource in resources(template, place, path):
        if not has_image_template(resource):
            continue
        found = nested(resource)
        for key, value in resource.value.items():
            if found and isinstance(value, dict) and found[0] in value.values():
                yield from ((*resource.path, key, name) for name in value if value[name] is not found[0])
            elif key.lower() not in FOR_PEOPLE:
                yield (*resource.path, key)
        if found:
            yield from _read_places(*found)
    for kind, name in _needed(template, place, {}):
        key, entries = members(template, kind)
        own = spelled(entries, name)
        default = spelled(entries[own], "defaultValue") if own and isinstance(entries[own], dict) else None
        if kind == "parameters" and default:
            yield (*path, key, str(own), default)
        elif kind == "variables":
            yield (*path, key, own or spelled(entries, "copy") or "copy")


def _needed(template: dict[str, Any], place: Place, given: Container[str]) -> set[tuple[str, str]]:
    """The parameters and variables, as (section, name in small letters), that the image template may need: those named
    in its resource, in the variables named there, in the defaults of the parameters, and so on."""
    variables = members(template, "variables")[1]
    parameters = members(template, "parameters")[1]
    seen: set[tuple[str, str]] = set()
    waiting = [
        text for one in resources(template, place, ()) if has_image_template(one) for text in _texts(_own(one))
    ]  # fmt: skip
    while waiting:
        text = waiting.pop()
        for kind, name in NAMED.findall(text):
            one = (kind.lower(), name.lower())
            if one in seen:
                continue
            seen.add(one)
            if one[0] == "variables":
                waiting.extend(_texts(_definition(variables, name)))
            elif one[1] not in given:
                waiting.extend(_texts(find(parameters, name)))
    return seen


def _definition(variables: dict[str, Any], name: str) -> Any:
    """A variable, or all loops that make variables, since one of them may be it."""
    own = spelled(variables, name)
    return variables[own] if own else variables.get("copy")


def _own(resource: Resource) -> Any:
    """A resource without the nested template that has parameters of its own."""
    inside = nested(resource)
    if inside is None or not is_inner(resource):
        return resource.value
    outer, properties = members(resource.value, "properties")
    without = {key: value for key, value in properties.items() if value is not inside[0]}
    return resource.value | {outer: without}


def _texts(value: Any) -> Iterator[str]:
    """All strings in a value, keys too."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting.extend([*one, *one.values()])
        elif isinstance(one, list):
            waiting.extend(one)
