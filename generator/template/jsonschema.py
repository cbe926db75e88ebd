"""The format as a JSON Schema (2020-12), for editors: made from the models, open to placeholders and expressions."""

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from generator.template.schema import ImageTemplate
from generator.template.schema.words import WORDS

DIALECT = GenerateJsonSchema.schema_dialect
# What stands where a value does and is one only later: `<name>` anywhere in it, or an ARM expression.
LATER = {
    "type": "string",
    "pattern": r"^\[[^\[].*\]$|<[A-Za-z][\w .-]*>",
    "description": "A placeholder or expression.",
}
REFERENCE = {"$ref": "#/$defs/Later"}
NULL = {"type": "null"}


def schema() -> str:
    """The schema as text; the same in each run."""
    made: dict[str, Any] = TypeAdapter(ImageTemplate).json_schema(by_alias=True)
    definitions = {name: _section(section) for name, section in made.pop("$defs").items()}
    top = _section(made) | {
        "$schema": DIALECT,
        "title": "Azure VM Image Builder template",
        "$defs": definitions | {"Later": LATER},
    }
    return json.dumps(top, indent=2, sort_keys=True, ensure_ascii=False)


def _section(section: dict[str, Any]) -> dict[str, Any]:
    """An object of the format: each of its members may also be a placeholder or an expression, or null."""
    members = section.get("properties", {})
    required = section.get("required", [])
    discriminating = {"type"} & set(required)
    return _plain(section) | {
        "properties": {
            name: {"description": WORDS[name]}
            | (_named(member) if name in discriminating else _open(member, nullable=name not in required))
            for name, member in members.items()
        }
    }


def _named(member: dict[str, Any]) -> dict[str, Any]:
    """A member without what its name and its type say already."""
    return {key: value for key, value in member.items() if key not in ("title", "description")}


def _plain(section: dict[str, Any]) -> dict[str, Any]:
    """What a section says of itself; docstrings are for programmers, so only their first sentence stays."""
    text = str(section.get("description", "")).split("\n\n")[0].replace("`", "").replace("\n", " ")
    return {key: value for key, value in section.items() if key != "description"} | (
        {"description": text} if text else {}
    )


def _open(member: dict[str, Any], *, nullable: bool) -> dict[str, Any]:
    """A member that may also be something that becomes its value later."""
    member = _named(member)
    kept = {"default": member.pop("default")} if "default" in member else {}
    if "anyOf" in member:  # pydantic's way to say that null is allowed; here it is where nothing is required
        (member,) = (choice for choice in member["anyOf"] if choice != NULL)
    if "items" in member:
        member = member | {"items": _later(member["items"])}
    return kept | _later(member, nullable=nullable)


def _later(kind: dict[str, Any], *, nullable: bool = False) -> dict[str, Any]:
    """A type, or text that becomes one. With if and else, editors tell what is wrong inside and not just that it is."""
    if not kind:
        return kind
    if kind.get("type") != "string":
        text = {"anyOf": [REFERENCE, NULL]} if nullable else REFERENCE
        return {"if": {"type": ["string", "null"] if nullable else "string"}, "then": text, "else": kind}
    choices = [kind, REFERENCE] if "enum" in kind else [kind]
    return {"anyOf": [*choices, NULL]} if nullable else {"anyOf": choices} if len(choices) > 1 else kind
