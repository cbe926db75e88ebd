"""What the models refuse, in plain words: pydantic's errors → Problems at their JSON path."""

from collections.abc import Iterator
from functools import reduce
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from generator.errors import Problem
from generator.template.document import Document, Path
from generator.template.schema.base import Section
from generator.template.schema.shape import fields, inside, kinds, members, nearest

KINDS = {
    "string_type": "text in double quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "tuple_type": "a list: `[ … ]`",
    "dict_type": "an object: `{ … }`",
    "model_type": "an object: `{ … }`",
    "model_attributes_type": "an object: `{ … }`",
}


def problems(document: Document, error: ValidationError, model: type[Section]) -> Iterator[Problem]:
    """One Problem for each error that validating the document against `model` gave."""
    for found in error.errors(include_url=False):
        path, place = follow(model, found["loc"])
        yield _problem(document, path, place, found)


def follow(model: Any, loc: tuple[str | int, ...]) -> tuple[Path, Any]:
    """The JSON path of a pydantic location, and the type that stands around its last part.

    A location also names the chosen member of a union (`customize, 0, Shell, inline`); a JSON path does not.
    """
    path: Path = ()
    around = model
    for part in loc:
        if union := members(model):
            model = around = union.get(str(part))
            continue
        path, around = (*path, part), model
        model = inside(model, part)
    return path, (model if members(model) else around)


def _problem(document: Document, path: Path, place: Any, found: ErrorDetails) -> Problem:
    kind, last = found["type"], str(path[-1]) if path else ""
    if kind == "missing":
        return document.problem(path, f"`{last}` is missing", f'add "{last}"')
    if kind == "extra_forbidden":
        return document.problem(
            path, f"`{last}` is not known {_where(place)}", _known(last, list(fields(place))), at_key=True
        )
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_type(document, path, list(members(place)))
    if kind == "literal_error":
        return document.problem(path, f"`{_shown(found['input'])}` is not allowed", f"use {found['ctx']['expected']}")
    if kind in KINDS:
        given = found["input"]
        told = str(given) if kind == "int_type" and isinstance(given, float) else _called(given)
        return document.problem(path, f"must be {KINDS[kind]}, not {told}")
    return document.problem(path, _bound(found))


def _wrong_type(document: Document, path: Path, allowed: list[str]) -> Problem:
    """A union without `type`, or with one that is none of its members."""
    value = reduce(lambda inside, part: inside[part], path, document.value)
    path = (*path, "type")
    if not isinstance(value, dict) or value.get("type") is None:
        return document.problem(path, "`type` is missing", f"use one of {', '.join(allowed)}")
    wrong = value["type"]
    if not isinstance(wrong, str):
        return document.problem(path, f"must be {KINDS['string_type']}, not {_called(wrong)}")
    near = nearest(wrong, allowed)
    hint = f"did you mean `{near}`?" if near else f"use one of {', '.join(allowed)}"
    return document.problem(path, f"`{_shown(wrong)}` is not a type known here", hint)


def _where(model: Any) -> str:
    """A section in a message."""
    known = kinds(model)
    return f"in a {known[0]}" if known else "here"


def _known(wrong: str, right: list[str]) -> str | None:
    near = nearest(wrong, right)
    if near:
        return f"did you mean `{near}`?"
    return f"known are {', '.join(right)}" if right else "take it away"


def _bound(found: ErrorDetails) -> str:
    """A number out of its bounds, or what pydantic says of anything else."""
    bounds = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    said = [f"{words} {found['ctx'][name]}" for name, words in bounds.items() if name in found.get("ctx", {})]
    return f"must be {said[0]}, not {_shown(found['input'])}" if said else found["msg"]


def _called(value: Any) -> str:
    """A JSON value's kind in a message."""
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "null")


def _shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    text = str(value) if isinstance(value, str | int | float) else _called(value)
    return text if len(text) <= 60 else text[:59] + "…"
