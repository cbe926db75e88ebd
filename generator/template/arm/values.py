"""The values of expressions: plain JSON values, never changed once made. Names, texts and comparisons of them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from generator.template.arm.bounds import MAX_NODES, ExpressionError, fits, measure
from generator.template.arm.syntax import INT64
from generator.template.lenient_json import loads_leniently
from generator.template.tokens import SURROGATE

ARTICLES = {"array": "an array", "object": "an object", "int": "an integer", "null": "null"}
MISSING = object()
Lambda = Callable[..., Any]


def kind(value: Any) -> str:
    """The type of a value as templates name it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):  # also what was given for a placeholder
        return "string"
    names = {int: "int", float: "float", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), "lambda")


def a_kind(value: Any) -> str:
    """The type of a value in a sentence. The value itself is never said: it may be a secret."""
    return ARTICLES.get(kind(value), f"a {kind(value)}")


def text(value: Any) -> str:
    """A value as `string()` and `concat()` write it: as .NET does, JSON for arrays and objects."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    return as_json(value)


def as_json(value: Any) -> str:
    """Compact JSON."""
    measure(value, MAX_NODES, 4_000_000)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def from_json(written: str) -> Any:
    """The value of a JSON text. Raises ExpressionError."""
    fits(len(written))
    try:
        value = json.loads(written, parse_constant=_refuse, parse_int=_int, parse_float=_float)
    except (ValueError, RecursionError):
        value = _from_lenient_json(written)
    measure(value, MAX_NODES, len(written) + 1)
    if "\\u" in written and SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise ExpressionError("the text is not JSON: it has half a surrogate pair")
    return value


def _from_lenient_json(written: str) -> Any:
    """The value of a JSON text with comments, single quotes and the like, which Azure Resource Manager takes too."""
    try:
        return loads_leniently(written)
    except (ValueError, RecursionError):
        raise ExpressionError("the text is not JSON") from None


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _int(digits: str) -> int:
    return integer(int(digits[:40]))


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(digits)
    return value


def integer(value: int) -> int:
    """The number, when it has 64 bits. Raises ExpressionError."""
    if value not in INT64:
        raise ExpressionError("the number does not fit into 64 bits")
    return value


def find(members: Mapping[str, Any], name: str) -> Any:
    """A member by its name: as it is written, else in any case, as Azure Resource Manager does; MISSING."""
    if name in members:
        return members[name]
    low = name.lower()
    return next((value for key, value in members.items() if key.lower() == low), MISSING)


def spelled(members: Mapping[str, Any], name: str) -> str | None:
    """How a name is spelled among the keys; None when it is not there."""
    if name in members:
        return name
    low = name.lower()
    return next((key for key in members if key.lower() == low), None)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal; `true` is not 1, the order of keys does not matter."""
    if type(one) is not type(other):
        return False
    return identity(one) == identity(other) if isinstance(one, list | dict) else bool(one == other)


def identity(value: Any) -> str:
    """A text that equal values share and others do not."""
    if isinstance(value, str):
        return '"' + value  # no other JSON begins so
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def take_out(base: Any, key: Any) -> Any:
    """A property of an object or an item of an array. Raises ExpressionError when it is not there."""
    if isinstance(base, dict) and isinstance(key, str):
        value = find(base, key)
        if value is MISSING:
            known = ", ".join(list(base)[:10]) or "none"
            raise ExpressionError(f"there is no property `{key[:80]}`", f"there are: {known[:200]}")
        return value
    if isinstance(base, list) and kind(key) == "int":
        if not 0 <= key < len(base):
            raise ExpressionError(f"there is no item {key} in an array of {len(base)}")
        return base[key]
    wanted = {"object": "a property name", "array": "an index"}.get(kind(base))
    if wanted is None:
        raise ExpressionError(f"{a_kind(base)} has no properties and no items")
    raise ExpressionError(f"{a_kind(base)} needs {wanted} here, not {a_kind(key)}")
