"""A JSON document with a place for every value, and how a place in it is written."""

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from generator.errors import Problem
from generator.template import warnings

Path = tuple[str | int, ...]
"""Where a value stands: the keys and indexes that lead to it, from the top."""

PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*\Z")


class Place(NamedTuple):
    """Where a value stands in the text: offsets in characters of its start, its end and its key (or its start)."""

    start: int
    end: int
    key: int
    inside: "dict[str, Place] | list[Place] | None" = None


@dataclass(frozen=True)
class Document:
    """A parsed JSON text.

    `relaxed` holds what strict JSON forbids but some API versions let pass, as errors; `duplicates` the keys that an
    object has more than once, as warnings: their last value counts.
    """

    file: str
    text: str
    value: Any
    places: Place
    lines: "Lines"
    relaxed: list[Problem] = field(default_factory=list)
    duplicates: list[Problem] = field(default_factory=list)

    def problem(
        self,
        path: Path,
        message: str,
        hint: str | None = None,
        *,
        level: Literal["error", "warning"] = "error",
        at_key: bool = False,
        code: str = "",
    ) -> Problem:
        """A problem at a path; where nothing stands there, at the nearest thing around it. A warning without a code is
        named after the path."""
        place = self._place(path)
        line, column = self.lines.position(place.key if at_key else place.start)
        if level == "warning":
            code = code or warnings.name_of(path)
        return Problem(self.file, line, column, written(path), message, hint, level, code=code)

    def _place(self, path: Path) -> Place:
        """The place of a path, or of the nearest thing around it."""
        place = self.places
        for part in path:
            inside = place.inside
            if isinstance(inside, dict) and part in inside:
                place = inside[str(part)]
            elif isinstance(inside, list) and isinstance(part, int) and part < len(inside):
                place = inside[part]
            else:
                break
        return place

    def select(self, pattern: str) -> Iterator[tuple[Path, Any]]:
        """Path and value of everything that a pattern such as `properties.customize[*].type` meets."""
        steps = pattern.replace("[*]", ".*").split(".") if pattern else []
        return _select(self.value, steps, ())

    def walk(self) -> Iterator[tuple[Path, Any, bool]]:
        """Every key (True) and every plain value (False) of the document, with its path."""
        return _walk(self.value, ())


class Lines:
    """Turns an offset in a text into line and column, both from 1."""

    def __init__(self, text: str) -> None:
        self._ends = array("I", (found.start() for found in re.finditer("\n", text)))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (in characters) of an offset."""
        line = bisect_left(self._ends, offset)
        start = self._ends[line - 1] + 1 if line else 0
        return line + 1, offset - start + 1


LAST_COUNTS = "the last one counts; "


def duplicate(file: str, lines: "Lines", path: Sequence[str | int], offset: int, first: int) -> Problem:
    """The warning for a key at an offset that its object has already, first at another offset."""
    key = str(path[-1])[:80]
    line, column = lines.position(first)
    hint = f"{LAST_COUNTS}the first is in line {line}, column {column}: keep one"
    message = f"`{key}` is duplicated in this object"
    code = warnings.DUPLICATE_KEY
    return Problem(file, *lines.position(offset), written(path), message, hint, "warning", code=code)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems as they stand in the file, each once."""
    return sorted(set(problems), key=lambda one: (one.file, one.line, one.column, one.path, one.message))


def written(path: Sequence[str | int]) -> str:
    """A path as people write it: `properties.customize[2].inline`; odd keys are quoted: `tags["a b"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif PLAIN_KEY.match(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def _select(value: Any, steps: list[str], path: Path) -> Iterator[tuple[Path, Any]]:
    if not steps:
        yield path, value
    elif steps[0] == "*":
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _select(item, steps[1:], (*path, index))
    elif isinstance(value, dict) and steps[0] in value:
        yield from _select(value[steps[0]], steps[1:], (*path, steps[0]))


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any, bool]]:
    """Without recursion, so that the cost does not grow with the depth."""
    waiting: list[tuple[Path, Any]] = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                yield (*path, key), key, True
                waiting.append(((*path, key), item))
        elif isinstance(value, list):
            waiting.extend(((*path, index), item) for index, item in enumerate(value))
        else:
            yield path, value, False
