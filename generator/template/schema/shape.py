"""What the models say of a place in the format: its type, its names, the members of a union."""

from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from generator.template.schema.base import Section


@cache
def bare(kind: Any) -> Any:
    """A type without Annotated and without `| None`."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        some = [member for member in get_args(kind) if member is not type(None)]
        return bare(some[0]) if len(some) == 1 else kind
    return kind


@cache
def members(kind: Any) -> dict[str, Any]:
    """The members of a union of sections by their `type`, empty for anything else."""
    kind = bare(kind)
    if get_origin(kind) not in (Union, UnionType):
        return {}
    return {name: member for member in get_args(kind) for name in kinds(member)}


@cache
def kinds(model: Any) -> tuple[str, ...]:
    """The `type` that a section demands."""
    return choices(model.model_fields["type"].annotation) if is_section(model) and "type" in model.model_fields else ()


@cache
def choices(kind: Any) -> tuple[str, ...]:
    """The texts that a place allows, empty where it allows any."""
    kind = bare(kind)
    return tuple(str(choice) for choice in get_args(kind)) if get_origin(kind) is Literal else ()


@cache
def fields(model: Any) -> dict[str, Any]:
    """The names that a section has in JSON, with the type of each."""
    if not is_section(model):
        return {}
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def inside(kind: Any, part: str | int) -> Any:
    """The type of a member or an item of a type."""
    kind = bare(kind)
    if get_origin(kind) in (tuple, dict):
        return get_args(kind)[0 if get_origin(kind) is tuple else 1]
    return fields(kind).get(str(part)) if is_section(kind) else None


def is_section(kind: Any) -> bool:
    """Whether a type is an object of the format."""
    return isinstance(kind, type) and issubclass(kind, Section)


def nearest(wrong: str, right: list[str], cutoff: float = 0.6) -> str | None:
    """The right name that a wrong one probably means. At 1.0 only the case may differ."""
    by_lower = {name.lower(): name for name in right}
    close = get_close_matches(wrong.lower()[:100], by_lower, n=1, cutoff=cutoff)
    return by_lower[close[0]] if close else None
