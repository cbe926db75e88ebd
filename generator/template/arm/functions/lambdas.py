"""Functions that take lambdas. Source: docs, «Lambda functions for ARM templates» and «… for Bicep»."""

from functools import cmp_to_key
from typing import Any

from generator.template.arm.bounds import ExpressionError
from generator.template.arm.functions.signature import Table, define
from generator.template.arm.values import Lambda, a_kind

LAMBDAS: Table = {}


@define(LAMBDAS, "map(items: array, each: lambda)")
def map_(items: list[Any], each: Lambda) -> list[Any]:
    """Each item (and its index) through a lambda."""
    return [each(item, index) for index, item in enumerate(items)]


@define(LAMBDAS, "filter(items: array, keep: lambda)")
def filter_(items: list[Any], keep: Lambda) -> list[Any]:
    """The items (with their index) of which a lambda says true."""
    return [item for index, item in enumerate(items) if _truth("filter", keep(item, index))]


@define(LAMBDAS, "reduce(items: array, initial: any, step: lambda)")
def reduce(items: list[Any], initial: Any, step: Lambda) -> Any:
    """What a lambda makes of a value and each item (and its index) in turn."""
    for index, item in enumerate(items):
        initial = step(initial, item, index)
    return initial


@define(LAMBDAS, "sort(items: array, before: lambda)")
def sort(items: list[Any], before: Lambda) -> list[Any]:
    """The items in the order of a lambda that says whether one stands before another; equal ones keep theirs."""

    def compare(one: Any, other: Any) -> int:
        if _truth("sort", before(one, other)):
            return -1
        return 1 if _truth("sort", before(other, one)) else 0

    return sorted(items, key=cmp_to_key(compare))


@define(LAMBDAS, "toObject(items: array, key: lambda, value: lambda?)")
def to_object(items: list[Any], key: Lambda, value: Lambda | None = None) -> dict[str, Any]:
    """An object of the items, with keys and values that lambdas give."""
    return {_key("toObject", key(item)): value(item) if value else item for item in items}


@define(LAMBDAS, "groupBy(items: array, key: lambda, value: lambda?)")
def group_by(items: list[Any], key: Lambda, value: Lambda | None = None) -> dict[str, list[Any]]:
    """An object of arrays: the items with the same key, or what a lambda makes of them."""
    groups: dict[str, list[Any]] = {}
    for item in items:
        groups.setdefault(_key("groupBy", key(item)), []).append(value(item) if value else item)
    return groups


@define(LAMBDAS, "mapValues(value: object, each: lambda)")
def map_values(value: dict[str, Any], each: Lambda) -> dict[str, Any]:
    """An object with each value put through a lambda."""
    return {key: each(item) for key, item in value.items()}


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ExpressionError(f"the lambda of `{name}` gives {a_kind(value)}, not true or false")
    return value


def _key(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ExpressionError(f"the key that the lambda of `{name}` gives is {a_kind(value)}, not a string")
    return value
