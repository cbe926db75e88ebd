"""Parameters that an image template needs and nobody gave: all of them at once, before anything is evaluated."""

import re
from collections.abc import Iterator
from typing import Any

from generator.errors import Problem
from generator.template.arm.declared import members
from generator.template.arm.deployment import Resource, has_image_template, is_inner, nested, resources
from generator.template.arm.parts import Template
from generator.template.arm.values import find, spelled

NAMED = re.compile(r"\b(parameters|variables)\s*\(\s*'([^']{1,200})'\s*\)", re.IGNORECASE)


def missing(template: Template) -> Iterator[Problem]:
    """A problem for each parameter without value and default that the image template may need.

    What other resources need does not matter. A name that is itself computed is found when it is evaluated.
    """
    texts = [text for one in resources(template.value, template.place, ()) if has_image_template(one)
             for text in _texts(_own(one))]  # fmt: skip
    for name in sorted(_needed(template, texts)):
        declared = template.declaration(name)
        if declared and name not in template.given and not declared.has_default:
            message = f"the parameter `{declared.name}` has no value"
            yield template.run.document.problem(declared.path, message, declared.way, at_key=True)


def _needed(template: Template, texts: list[str]) -> set[str]:
    """The parameters named in some texts, in the variables named there, in the defaults of those, and so on."""
    variables = members(template.value, "variables")[1]
    parameters = members(template.value, "parameters")[1]
    seen: set[tuple[str, str]] = set()
    waiting = texts
    while waiting:
        text = waiting.pop()
        for kind, name in NAMED.findall(text):
            one = (kind.lower(), name.lower())
            if one in seen:
                continue
            seen.add(one)
            if one[0] == "variables":
                waiting.extend(_texts(_definition(variables, name)))
            elif one[1] not in template.given:
                waiting.extend(_texts(find(parameters, name)))
    return {name for kind, name in seen if kind == "parameters"}


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
