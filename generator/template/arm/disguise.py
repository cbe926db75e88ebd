"""What a deployment makes of its secrets: whatever in its result would be another if the secrets were others."""

import re
import string
from collections.abc import Iterable
from typing import Any

from generator.template.document import Document

_OTHERS = str.maketrans(
    string.ascii_letters + string.digits,
    string.ascii_lowercase[13:] + string.ascii_lowercase[:13] + string.ascii_uppercase[13:]
    + string.ascii_uppercase[:13] + string.digits[5:] + string.digits[:5],
)  # fmt: skip
_LITERAL = re.compile("'((?:[^']|'')*)'")  # in an expression


def disguised(value: Any) -> Any:
    """Another value of the same form and length: what asks only for those finds no difference."""
    if isinstance(value, str):
        return value.translate(_OTHERS)
    if isinstance(value, list):
        return [disguised(one) for one in value]
    if isinstance(value, dict):
        return {name: disguised(one) for name, one in value.items()}
    return value + 1 if isinstance(value, int) and not isinstance(value, bool) else value


def differing(value: Any, other: Any) -> set[str]:
    """The texts and numbers of a value that another has not."""
    return _leaves(value) - _leaves(other)


def public(document: Document, values: Iterable[Any]) -> set[str]:
    """What may be chosen by a secret without telling it: the texts of the file and of these values, and the literals of
    its expressions."""
    found = _leaves(document.value)
    for value in values:
        found |= _leaves(value)
    literals = (one.replace("''", "'") for text in found for one in _LITERAL.findall(text))
    return found.union(literals)


def _leaves(value: Any) -> set[str]:
    """All texts in a value, names too, and all numbers as such."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found.update(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str | int | float) and not isinstance(one, bool):
            found.add(str(one))
    return found
