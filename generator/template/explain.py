"""What the models refuse, in plain words: pydantic's errors → Problems at their JSON path."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import reduce
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from generator.errors import Problem
from generator.template.document import Document, Path
from generator.template.schema.base import Section

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
        if members := _members(model):
            model = around = members.get(str(part))
            continue
        path, around = (*path, part), model
        model = _inside(model, part)
    return path, (model if _members(model) else around)


def names(model: Any) -> list[str]:
    """The names that a section has in JSON."""
    if not (isinstance(model, type) and issubclass(model, Section)):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def nearest(wrong: str, right: list[str]) -> str | None:
    """The right name that a wrong one probably means."""
    by_lower = {name.lower(): name for name in right}
    close = get_close_matches(wrong.lower()[:100], by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def _problem(document: Document, path: Path, place: Any, found: ErrorDetails) -> Problem:
    kind, last = found["type"], str(path[-1]) if path else ""
    if kind == "missing":
        return document.problem(path, f"`{last}` is missing", f'add "{last}"')
    if kind == "extra_forbidden":
        return document.problem(path, f"`{last}` is not known {_where(place)}", _known(last, names(place)), at_key=True)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_type(document, path, list(_members(place)))
    if kind == "literal_error":
        return document.problem(path, f"`{_shown(found['input'])}` is not allowed", f"use {found['ctx']['expected']}")
    if kind in KINDS:
        return document.problem(path, f"must be {KINDS[kind]}, not {_called(found['input'])}")
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
    kinds = _kinds(model)
    return f"in a {kinds[0]}" if kinds else "here"


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


def _bare(kind: Any) -> Any:
    """A type without Annotated and without `| None`."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        some = [member for member in get_args(kind) if member is not type(None)]
        return _bare(some[0]) if len(some) == 1 else kind
    return kind


def _members(kind: Any) -> dict[str, Any]:
    """The members of a union of sections by their `type`, empty for anything else."""
    kind = _bare(kind)
    if get_origin(kind) not in (Union, UnionType):
        return {}
    return {name: member for member in get_args(kind) for name in _kinds(member)}


def _kinds(model: Any) -> tuple[str, ...]:
    """The `type` that a section demands."""
    if isinstance(model, type) and issubclass(model, Section) and "type" in model.model_fields:
        annotation = model.model_fields["type"].annotation
        return get_args(annotation) if get_origin(annotation) is Literal else ()
    return ()


def _inside(kind: Any, part: str | int) -> Any:
    """The type of a member or an item of a type."""
    kind = _bare(kind)
    if get_origin(kind) in (tuple, dict):
        return get_args(kind)[0 if get_origin(kind) is tuple else 1]
    if isinstance(kind, type) and issubclass(kind, Section):
        found = [field.annotation for name, field in kind.model_fields.items() if part in (field.alias, name)]
        return found[0] if found else None
    return None
