"""The resources of a deployment template as they stand in the file; nothing is evaluated."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from generator.template.arm.declared import members, section
from generator.template.arm.scope import inside
from generator.template.arm.values import find
from generator.template.document import Path, Place

IMAGE_TEMPLATES = ("microsoft.virtualmachineimages/imagetemplates", "microsoft.virtualmachineimages")
DEPLOYMENTS = "microsoft.resources/deployments"


class Resource(NamedTuple):
    """A resource as it stands in the file; `symbol` is its name in a template of language version 2.0."""

    value: dict[str, Any]
    place: Place
    path: Path
    symbol: str | None

    @property
    def type(self) -> str:
        """Its type in small letters."""
        return str(find(self.value, "type")).lower()


def resources(template: dict[str, Any], place: Place, path: Path, *, existing: bool = False) -> Iterator[Resource]:
    """The resources of a template, from its array or its object; `existing`: those too that it only refers to."""
    key, listed = section(template, "resources")
    named: Iterable[tuple[str | int, Any]] = ()
    if isinstance(listed, dict):
        named = listed.items()
    elif isinstance(listed, list):
        named = enumerate(listed)
    for at, value in named:
        symbol = at if isinstance(at, str) else None
        if isinstance(value, dict) and (existing or find(value, "existing") is not True):
            yield Resource(value, inside(place, key, at), (*path, key, at), symbol)


def nested(resource: Resource) -> tuple[dict[str, Any], Place, Path] | None:
    """The template inside a nested deployment, with its place."""
    outer, properties = members(resource.value, "properties")
    inner, template = members(properties, "template")
    if resource.type != DEPLOYMENTS or not template:
        return None
    return template, inside(resource.place, outer, inner), (*resource.path, outer, inner)


def has_image_template(resource: Resource) -> bool:
    """Whether a resource is an image template, or deploys one; nothing is evaluated."""
    if resource.type in IMAGE_TEMPLATES:
        return True
    template = nested(resource)
    return template is not None and any(has_image_template(one) for one in resources(*template))


def is_inner(resource: Resource) -> bool:
    """Whether the expressions of a nested template see only that template."""
    options = members(members(resource.value, "properties")[1], "expressionEvaluationOptions")[1]
    return str(find(options, "scope")).lower() == "inner"
