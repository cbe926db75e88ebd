"""How a rule is written: a small function that names its source, yields what it finds, and registers itself.

A rule looks at one well-formed part of the template (or, by `whole`, at all of them). Parts are judged one by one, so
that a mistake in one does not hide what is wrong with another.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

from generator.template.document import Path
from generator.template.schema.base import Section

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z", re.ASCII)
NAME_SHAPE = "use 1 to 64 of A-Z a-z 0-9 - _ ."

# Terraform keeps every text in this form of Unicode, an accent in one with its letter (go-cty, package ctystrings).
NOT_COMPOSED = "Terraform would change this text, which is not in Unicode's composed form"
COMPOSE = "write accented letters as one character each (NFC)"

Part = tuple[Path, Section]


class Finding(NamedTuple):
    """What a rule found: where (from the top of its part), what, and what to do."""

    path: Path
    message: str
    hint: str | None = None
    level: Literal["error", "warning"] = "error"


Rule = Callable[[Any], Iterator[Finding]]
WholeRule = Callable[[list[Part]], Iterator[Finding]]
RULES: list[tuple[tuple[type[Section], ...], Rule]] = []
WHOLE: list[WholeRule] = []
_Rule = TypeVar("_Rule", bound=Rule)


def rule(*kinds: type[Section]) -> Callable[[_Rule], _Rule]:
    """Register a rule for the parts of these kinds."""

    def register(function: _Rule) -> _Rule:
        RULES.append((kinds, function))
        return function

    return register


def whole(function: WholeRule) -> WholeRule:
    """Register a rule that compares parts; its paths are from the top of the template."""
    WHOLE.append(function)
    return function


def every(parts: Iterable[Part], *kinds: type[Section]) -> Iterator[tuple[Path, Any]]:
    """The parts of these kinds."""
    return ((at, part) for at, part in parts if isinstance(part, kinds))
