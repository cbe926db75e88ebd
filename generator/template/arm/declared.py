"""What a template declares of a parameter, and whether a value keeps to it.

Source: docs, «Parameters in ARM templates» and «Type definitions in ARM templates».
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.template.arm.bounds import ExpressionError
from generator.template.arm.values import MISSING, a_kind, find, from_json, integer, kind, same, spelled
from generator.template.document import Path

KINDS = {
    "string": "string", "securestring": "string", "int": "int", "bool": "bool", "object": "object",
    "secureobject": "object", "array": "array",
}  # fmt: skip
WHOLE = re.compile(r"-?[0-9]{1,20}\Z", re.ASCII)
MOST_HOPS = 20
MOST_LISTED = 10


@dataclass(frozen=True)
class Declaration:
    """A parameter as the template declares it; `says` has what its `$ref` says too."""

    name: str
    path: Path
    says: Mapping[str, Any]

    @property
    def type(self) -> str:
        """Its type in small letters."""
        return str(self.says.get("type", "")).lower()

    @property
    def secure(self) -> bool:
        """Whether its value is a secret."""
        return self.type.startswith("secure")

    @property
    def has_default(self) -> bool:
        """Whether it has a value where none is given."""
        return "defaultValue" in self.says or self.says.get("nullable") is True

    @property
    def way(self) -> str:
        """How to give it a value."""
        example = {"int": "5", "bool": "true", "array": "[…]", "object": "{…}"}.get(KINDS.get(self.type, ""), "VALUE")
        allowed = self.says.get("allowedValues")
        if isinstance(allowed, list) and allowed and not self.secure:
            return f"--set {self.name}=VALUE, one of {_listed(allowed)}"
        return f"--set {self.name}={example}" if example == "VALUE" else f"--set '{self.name}={example}'"


def section(template: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """A part of a template by its name in any case: how it is spelled, and what it is, or MISSING."""
    key = spelled(template, name) or name
    return key, template.get(key, MISSING)


def members(template: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """A part of a template that is an object; empty where there is none."""
    key, value = section(template, name)
    return key, value if isinstance(value, dict) else {}


def declaration(template: Mapping[str, Any], path: Path, name: str) -> Declaration | None:
    """What a template at a path declares of a parameter."""
    key, parameters = members(template, "parameters")
    own = spelled(parameters, name)
    if own is None:
        return None
    return Declaration(own, (*path, key, own), _resolved(template, parameters[own]))


def _resolved(template: Mapping[str, Any], says: Any) -> dict[str, Any]:
    """A declaration together with the definitions that it refers to; its own words win."""
    whole: dict[str, Any] = {}
    for _ in range(MOST_HOPS):
        if not isinstance(says, dict):
            break
        whole = {**says, **whole}
        whole.pop("$ref", None)
        reference = str(says.get("$ref", ""))
        if not reference.lower().startswith("#/definitions/"):
            break
        says = find(members(template, "definitions")[1], reference.split("/", 2)[2])
    return whole


def from_text(text: str, declared: Declaration) -> Any:
    """The value that a text of `--set` means. Raises ExpressionError."""
    wanted = KINDS.get(declared.type, "string")
    if wanted == "string":
        return text
    if wanted == "int" and WHOLE.match(text.strip()):
        return integer(int(text))
    if wanted == "bool" and text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    if wanted in ("array", "object"):
        value = _json(text)
        if kind(value) == wanted or (value is None and declared.says.get("nullable") is True):
            return value
    needs = {"int": "a whole number", "bool": "true or false"}.get(wanted, f"{wanted} in JSON")
    raise ExpressionError(f"the value of `{declared.name}` must be {needs}", declared.way)


def _json(text: str) -> Any:
    try:
        return from_json(text)
    except ExpressionError:
        return MISSING


def check(value: Any, declared: Declaration) -> None:
    """Raises ExpressionError when a value is not what the parameter may be. A secret is never said."""
    if value is None and declared.says.get("nullable") is True:
        return
    wanted = KINDS.get(declared.type)
    if wanted is None and declared.type:
        raise ExpressionError(f"there is no parameter type `{declared.type[:40]}`")
    if wanted and kind(value) != wanted:
        raise ExpressionError(f"the value of `{declared.name}` is {a_kind(value)}, not {_article(wanted)}")
    _allowed(value, declared)
    _within(value, declared)


def _allowed(value: Any, declared: Declaration) -> None:
    """Source: docs. Of an array, each item may be an allowed value, or the whole."""
    allowed = declared.says.get("allowedValues")
    if not isinstance(allowed, list):
        return
    parts = value if isinstance(value, list) and not any(_alike(value, one) for one in allowed) else [value]
    if not all(any(_alike(part, one) for one in allowed) for part in parts):
        message = f"the value of `{declared.name}` is not allowed"
        raise ExpressionError(message, None if declared.secure else f"allowed are {_listed(allowed)}")


def _alike(one: Any, other: Any) -> bool:
    """Azure Resource Manager compares texts with allowed values in any case."""
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return same(one, other)


def _within(value: Any, declared: Declaration) -> None:
    """minValue and maxValue of integers, minLength and maxLength of texts and arrays."""
    if kind(value) == "int":
        size, least, most, what = value, "minValue", "maxValue", "it is"
    elif isinstance(value, str | list):
        size, least, most, what = len(value), "minLength", "maxLength", "its length is"
    else:
        return
    low, high = declared.says.get(least), declared.says.get(most)
    said = "" if declared.secure else f"; {what} {size}"
    if kind(low) == "int" and size < low:
        raise ExpressionError(f"the value of `{declared.name}` is below its {least} {low}{said}")
    if kind(high) == "int" and size > high:
        raise ExpressionError(f"the value of `{declared.name}` is above its {most} {high}{said}")


def _listed(values: list[Any]) -> str:
    listed = ", ".join(str(value)[:60] for value in values[:MOST_LISTED])
    return listed + (", …" if len(values) > MOST_LISTED else "")


def _article(wanted: str) -> str:
    return f"{'an' if wanted[0] in 'aoi' else 'a'} {wanted}"
