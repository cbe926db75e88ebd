"""Functions of objects, and set operations on arrays and objects.

Source: docs, «Object functions for ARM templates» and «Object functions for Bicep».
"""

from typing import Any

from generator.template.arm.bounds import ExpressionError
from generator.template.arm.functions.signature import Table, define
from generator.template.arm.values import from_json, identity, same

OBJECTS: Table = {}


@define(OBJECTS, "createObject(...members: any)", light=True)
def create_object(*members: Any) -> dict[str, Any]:
    """An object of keys and values that take turns."""
    keys = members[::2]
    if len(members) % 2:
        raise ExpressionError("`createObject` takes a value for each key")
    if not all(isinstance(key, str) for key in keys):
        raise ExpressionError("the keys of `createObject` are texts")
    return dict(zip(keys, members[1::2], strict=True))


@define(OBJECTS, "items(value: object)")
def items(value: dict[str, Any]) -> list[Any]:
    """An array of `{"key": …, "value": …}`, sorted by key as the service does."""
    return [{"key": key, "value": value[key]} for key in sorted(value, key=str.lower)]


@define(OBJECTS, "objectKeys(value: object)")
def object_keys(value: dict[str, Any]) -> list[str]:
    """The keys of an object."""
    return list(value)


@define(OBJECTS, "json(text: string)")
def json(text: str) -> Any:
    """The value of a JSON text."""
    return from_json(text)


@define(OBJECTS, "null()", light=True)
def null() -> None:
    """Null."""


@define(OBJECTS, "shallowMerge(objects: array)")
def shallow_merge(objects: list[Any]) -> dict[str, Any]:
    """One object of several; later ones replace the values of earlier ones."""
    merged: dict[str, Any] = {}
    for one in objects:
        if not isinstance(one, dict):
            raise ExpressionError("`shallowMerge` takes an array of objects")
        merged |= one
    return merged


@define(OBJECTS, "union(first: array|object, ...more: array|object)")
def union(first: Any, *more: Any) -> Any:
    """All items of some arrays, each once, or all members of some objects.

    Objects inside objects are merged too; of other values the last one counts.
    """
    _alike("union", (first, *more))
    if isinstance(first, list):
        kept: dict[str, Any] = {}
        for item in (item for items in (first, *more) for item in items):
            kept.setdefault(identity(item), item)
        return list(kept.values())
    merged = first
    for one in more:
        merged = _merged(merged, one)
    return merged


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for key, value in other.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


@define(OBJECTS, "intersection(first: array|object, second: array|object, ...more: array|object)")
def intersection(first: Any, *more: Any) -> Any:
    """The items that all arrays have, each once, or the members that all objects have with the same value."""
    _alike("intersection", (first, *more))
    if isinstance(first, list):
        common = set.intersection(*({identity(item) for item in items} for items in more))
        return list({identity(item): item for item in first if identity(item) in common}.values())
    return {key: value for key, value in first.items() if all(key in one and same(one[key], value) for one in more)}


def _alike(name: str, values: tuple[Any, ...]) -> None:
    if len({type(value) for value in values}) > 1:
        raise ExpressionError(f"`{name}` takes arrays only or objects only")
