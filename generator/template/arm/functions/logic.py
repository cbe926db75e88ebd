"""Comparisons, numbers and truth values. `if`, `and`, `or` and `coalesce` are in evaluate.py: they choose what to do.

Source: docs, «Comparison functions», «Logical functions» and «Numeric functions for ARM templates».
"""

import re
from collections.abc import Callable
from operator import add, ge, gt, le, lt, mul, sub
from typing import Any

from generator.template.arm.bounds import ExpressionError
from generator.template.arm.functions.signature import Table, define
from generator.template.arm.values import integer, kind, same

LOGIC: Table = {}
WHOLE = re.compile(r"\s*[+-]?[0-9]{1,20}\s*\Z", re.ASCII)
NUMBER = re.compile(r"\s*[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,2})?\s*\Z", re.ASCII)


@define(LOGIC, "equals(one: any, other: any)")
def equals(one: Any, other: Any) -> bool:
    """Whether two values are equal; texts also in case."""
    return same(one, other)


def _comparison(name: str, compare: Callable[[Any, Any], bool]) -> None:
    def body(one: Any, other: Any) -> bool:
        if isinstance(one, str) != isinstance(other, str):
            raise ExpressionError(f"`{name}` compares two numbers or two texts")
        return compare(one, other)

    define(LOGIC, f"{name}(one: int|float|string, other: int|float|string)")(body)


for _name, _compare in {"less": lt, "lessOrEquals": le, "greater": gt, "greaterOrEquals": ge}.items():
    _comparison(_name, _compare)


def _arithmetic(name: str, compute: Callable[[int, int], int]) -> None:
    define(LOGIC, f"{name}(one: int, other: int)")(lambda one, other: integer(compute(one, other)))


for _name, _compute in {"add": add, "sub": sub, "mul": mul}.items():
    _arithmetic(_name, _compute)


@define(LOGIC, "div(one: int, other: int)")
def div(one: int, other: int) -> int:
    """The quotient, cut towards zero as in .NET."""
    _not_zero("div", other)
    quotient = abs(one) // abs(other)
    return integer(quotient if (one < 0) == (other < 0) else -quotient)


@define(LOGIC, "mod(one: int, other: int)")
def mod(one: int, other: int) -> int:
    """The remainder, with the sign of the first number as in .NET."""
    _not_zero("mod", other)
    return one - other * div(one, other)


def _not_zero(name: str, number: int) -> None:
    if number == 0:
        raise ExpressionError(f"`{name}` by zero")


@define(LOGIC, "int(value: string|int|float)")
def int_(value: Any) -> int:
    """An integer of a text."""
    if isinstance(value, str) and not WHOLE.match(value):
        raise ExpressionError("`int` takes a text of digits")
    return integer(int(value))


@define(LOGIC, "float(value: string|int|float)")
def float_(value: Any) -> float:
    """A floating point number of a text."""
    if isinstance(value, str) and not NUMBER.match(value):
        raise ExpressionError("`float` takes a text of digits")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if number in (float("inf"), float("-inf")):
        raise ExpressionError("the number is too large")
    return number


@define(LOGIC, "not(value: bool)", light=True)
def not_(value: bool) -> bool:
    """The opposite."""
    return not value


@define(LOGIC, "true()", light=True)
def true() -> bool:
    """True."""
    return True


@define(LOGIC, "false()", light=True)
def false() -> bool:
    """False."""
    return False


@define(LOGIC, "bool(value: string|int|bool)")
def bool_(value: Any) -> bool:
    """A truth value of `true` or `false` in any case, or of a number."""
    if kind(value) != "string":
        return bool(value)
    word = value.strip().lower()
    if word not in ("true", "false"):
        raise ExpressionError("`bool` takes the text true or false")
    return bool(word == "true")
