"""Functions of arrays, and those that arrays share with texts and objects.

Source: docs, «Array functions for ARM templates» and «Array functions for Bicep».
"""

from typing import Any

from generator.template.arm.bounds import MAX_RANGE, ExpressionError, fits
from generator.template.arm.functions.signature import Table, define
from generator.template.arm.values import MISSING, find, identity, kind, same, spelled, take_out, text

ARRAYS: Table = {}


@define(ARRAYS, "array(value: any)")
def array(value: Any) -> list[Any]:
    """An array of the value; an array stays as it is."""
    return value if isinstance(value, list) else [value]


@define(ARRAYS, "createArray(...items: any)", light=True)
def create_array(*items: Any) -> list[Any]:
    """An array of the arguments."""
    return list(items)


@define(ARRAYS, "concat(first: string|array|int|bool, ...more: string|array|int|bool)")
def concat(*parts: Any) -> Any:
    """One array of arrays, or one text of texts; as the service does, a text also takes numbers and booleans."""
    arrays = [isinstance(part, list) for part in parts]
    if all(arrays):
        return [item for part in parts for item in part]
    if any(arrays):
        raise ExpressionError("`concat` joins arrays with arrays or texts with texts, not both")
    texts = [text(part) for part in parts]
    fits(sum(map(len, texts)))
    return "".join(texts)


@define(ARRAYS, "contains(container: string|array|object, item: any)")
def contains(container: Any, item: Any) -> bool:
    """Whether a text has a text in it, an array an item, or an object a key (in any case)."""
    if isinstance(container, list):
        return any(same(one, item) for one in container)
    if isinstance(container, str):
        return text(item) in container
    return spelled(container, text(item)) is not None


@define(ARRAYS, "empty(value: string|array|object|null)", light=True)
def empty(value: Any) -> bool:
    """Whether there is nothing in a value; null counts as empty."""
    return not value


@define(ARRAYS, "length(value: string|array|object)", light=True)
def length(value: Any) -> int:
    """Number of characters, items or keys."""
    return len(value)


@define(ARRAYS, "first(value: string|array)", light=True)
def first(value: Any) -> Any:
    """The first item or character; of nothing, null or the empty text."""
    return value[0] if value else _nothing(value)


@define(ARRAYS, "last(value: string|array)", light=True)
def last(value: Any) -> Any:
    """The last item or character; of nothing, null or the empty text."""
    return value[-1] if value else _nothing(value)


def _nothing(value: Any) -> Any:
    return "" if isinstance(value, str) else None


@define(ARRAYS, "indexOf(value: string|array, item: any)")
def index_of(value: Any, item: Any) -> int:
    """Where a text (in any case) or an item stands first; -1 when it does not."""
    if isinstance(value, str):
        return value.lower().find(text(item).lower())
    return next((index for index, one in enumerate(value) if same(one, item)), -1)


@define(ARRAYS, "lastIndexOf(value: string|array, item: any)")
def last_index_of(value: Any, item: Any) -> int:
    """Where a text (in any case) or an item stands last; -1 when it does not."""
    if isinstance(value, str):
        return value.lower().rfind(text(item).lower())
    return max((index for index, one in enumerate(value) if same(one, item)), default=-1)


@define(ARRAYS, "take(value: string|array, count: int)")
def take(value: Any, count: int) -> Any:
    """The first items or characters, all when there are fewer."""
    return value[: max(count, 0)]


@define(ARRAYS, "skip(value: string|array, count: int)")
def skip(value: Any, count: int) -> Any:
    """What follows the first items or characters."""
    return value[max(count, 0) :]


@define(ARRAYS, "range(start: int, count: int)")
def range_(start: int, count: int) -> list[int]:
    """Numbers that follow each other."""
    if not 0 <= count <= MAX_RANGE or start + count > 2**31 - 1:
        raise ExpressionError(f"`range` counts from 0 to {MAX_RANGE:,} numbers, up to 2147483647")
    return list(range(start, start + count))


@define(ARRAYS, "join(items: array, delimiter: string)")
def join(items: list[Any], delimiter: str) -> str:
    """The items as one text with a delimiter between them."""
    texts = [text(item) for item in items]
    fits(sum(map(len, texts)) + len(delimiter) * len(texts))
    return delimiter.join(texts)


@define(ARRAYS, "flatten(arrays: array)")
def flatten(arrays: list[Any]) -> list[Any]:
    """The items of the arrays in an array."""
    if not all(isinstance(one, list) for one in arrays):
        raise ExpressionError("`flatten` takes an array of arrays")
    return [item for one in arrays for item in one]


@define(ARRAYS, "distinct(items: array)")
def distinct(items: list[Any]) -> list[Any]:
    """The items, each once, in their order. Source: Bicep, SystemNamespaceType."""
    kept: dict[str, Any] = {}
    for item in items:
        kept.setdefault(identity(item), item)
    return list(kept.values())


@define(ARRAYS, "max(first: int|array, ...more: int)")
def max_(*values: Any) -> int:
    """The largest of some integers, or of an array of them."""
    return max(_integers("max", values))


@define(ARRAYS, "min(first: int|array, ...more: int)")
def min_(*values: Any) -> int:
    """The smallest of some integers, or of an array of them."""
    return min(_integers("min", values))


def _integers(name: str, values: tuple[Any, ...]) -> list[int]:
    numbers = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
    if not numbers or any(kind(number) != "int" for number in numbers):
        raise ExpressionError(f"`{name}` takes integers, or an array with at least one, and nothing else")
    return list(numbers)


@define(ARRAYS, "indexFromEnd(items: array, index: int)")
def index_from_end(items: list[Any], index: int) -> Any:
    """An item counted from the end, the last being 1."""
    if not 1 <= index <= len(items):
        raise ExpressionError(f"there is no item {index} from the end in an array of {len(items)}")
    return items[-index]


@define(ARRAYS, "tryIndexFromEnd(items: array|null, index: int, ...path: string|int|object)")
def try_index_from_end(items: list[Any] | None, index: int, *path: Any) -> Any:
    """An item counted from the end, null when there is none; then a path into it that must exist."""
    if items is None or not 1 <= index <= len(items):
        return None
    return _follow(items[-index], path)


@define(ARRAYS, "tryGet(value: object|array|null, key: string|int, ...path: string|int|object)")
def try_get(value: Any, key: Any, *path: Any) -> Any:
    """A property or item, null when there is none; then a path into it that must exist.

    Bicep writes `a.?b.c` as `tryGet(a, 'b', 'c')`: only the first step is safe.
    """
    if isinstance(value, dict):
        found = find(value, key) if isinstance(key, str) else MISSING
    elif isinstance(value, list):
        found = value[key] if kind(key) == "int" and 0 <= key < len(value) else MISSING
    else:
        found = MISSING
    return None if found is MISSING else _follow(found, path)


def _follow(value: Any, path: tuple[Any, ...]) -> Any:
    """A path of keys; `{"value": 2, "fromEnd": true}` counts from the end."""
    for key in path:
        if isinstance(key, dict):
            plain, from_end = take_out(key, "value"), key.get("fromEnd")
            count = len(value) if isinstance(value, list) and from_end and kind(plain) == "int" else None
            value = take_out(value, plain if count is None else count - plain)
        else:
            value = take_out(value, key)
    return value
