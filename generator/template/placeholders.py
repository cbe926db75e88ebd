"""`<name>` placeholders: filled from `--set NAME=VALUE` wherever they stand, or listed with what to give."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from generator.errors import Problem
from generator.template.document import Document, Path, Place, duplicate
from generator.template.tokens import Bare

PLACEHOLDER = re.compile(r"<([A-Za-z][\w .-]{0,80})>")
# Where `<…>` may well be meant: scripts are full of it; names and tags are text, so only a whole one counts.
SCRIPT_KEYS = {"inline", "restartCommand", "restartCheckCommand", "searchCriteria", "filters"}
# What Azure answered, and what is for people: nobody fills these.
ANSWERED = [("lastRunStatus",), ("provisioningError",)]
FOR_PEOPLE = {"comments", "metadata", "systemData"}
TEXT_KEYS = {"tags", "artifactTags", "managedResourceTags", "name"}


class Given(str):
    """A value that was given for a whole placeholder: text, or the number or truth that is wanted in its place."""

    __slots__ = ()


class Filled(NamedTuple):
    """A document with its placeholders filled, and the names that were used for it."""

    document: Document
    used: set[str]


def fill(document: Document, sets: Mapping[str, str]) -> Filled:
    """Put the given values in the place of their placeholders: in values, in keys, inside longer text, in scripts.

    Keys of an object that become the same are duplicates like others.
    """
    if not sets:
        return Filled(document, set())
    filling = _Filling(document, sets)
    value, places = filling.value(document.value, document.places, ())
    duplicates = [*document.duplicates, *filling.duplicates]
    return Filled(replace(document, value=value, places=places, duplicates=duplicates), filling.used)


class _Filling:
    """One pass over a document."""

    def __init__(self, document: Document, sets: Mapping[str, str]) -> None:
        self.document = document
        self.sets = sets
        self.used: set[str] = set()
        self.duplicates: list[Problem] = []

    def value(self, value: Any, place: Place, path: Path) -> tuple[Any, Place]:
        """A value with what it holds filled."""
        if isinstance(value, dict):
            return self.object(value, place, path)
        if isinstance(value, list) and isinstance(place.inside, list):
            pairs = [
                self.value(item, inside, (*path, index))
                for index, (item, inside) in enumerate(zip(value, place.inside, strict=True))
            ]
            return [item for item, _ in pairs], place._replace(inside=[inside for _, inside in pairs])
        return (self.text(value) if isinstance(value, str) else value), place

    def object(self, value: dict[str, Any], place: Place, path: Path) -> tuple[dict[str, Any], Place]:
        """An object, its keys filled too."""
        filled: dict[str, Any] = {}
        inside: dict[str, Place] = {}
        given = place.inside if isinstance(place.inside, dict) else {}
        for key, item in value.items():
            name = str(self.text(key))
            at = given.get(key, place)
            if name in filled:
                file, lines, first = self.document.file, self.document.lines, inside[name].key
                self.duplicates.append(duplicate(file, lines, (*path, name), at.key, first))
            filled[name], inside[name] = self.value(item, at, (*path, key))
        return filled, place._replace(inside=inside)

    def text(self, text: str) -> str:
        """A text with its placeholders filled; what fills all of it may be a number."""
        if "<" not in text:
            return text
        whole = PLACEHOLDER.fullmatch(text)
        if whole and whole[1] in self.sets:
            self.used.add(whole[1])
            return Given(self.sets[whole[1]])
        return PLACEHOLDER.sub(self._one, text)

    def _one(self, found: re.Match[str]) -> str:
        if found[1] not in self.sets:
            return found[0]
        self.used.add(found[1])
        return self.sets[found[1]]


def unfilled(document: Document, under: Collection[Path] | None = None) -> dict[str, list[tuple[Path, bool]]]:
    """The placeholders that are left: name => where each stands (path; whether it is in the key).

    `under`: look only at what stands at these paths and below.
    """
    left: dict[str, list[tuple[Path, bool]]] = {}
    for path, value, at_key in document.walk():
        if under is not None and not is_under(path, under):
            continue
        for name in _names(path, value) if isinstance(value, str) and "<" in value else ():
            left.setdefault(name, []).append((path, at_key))
    return left


def is_under(path: Path, places: Collection[Path]) -> bool:
    """Whether a path is one of some, or leads to something below one."""
    return any(path[:length] in places for length in range(len(path) + 1))


def _names(path: Path, text: str) -> list[str]:
    if isinstance(text, Bare):
        return PLACEHOLDER.findall(text)
    if SCRIPT_KEYS & set(path) or (path and path[0] in FOR_PEOPLE) or path[1:2] in ANSWERED:
        return []
    if TEXT_KEYS & {path[-1], *path[-2:-1]}:
        whole = PLACEHOLDER.fullmatch(text)
        return [whole[1]] if whole else []
    return PLACEHOLDER.findall(text)


def problems(document: Document, left: Mapping[str, list[tuple[Path, bool]]]) -> Iterator[Problem]:
    """One problem for each name that is left, at its first place; the hint says what to give and where else it is."""
    for name, places in left.items():
        found = sorted(
            (document.problem(path, "", at_key=at_key) for path, at_key in places),
            key=lambda one: (one.line, one.column),
        )
        lines = sorted({one.line for one in found} - {found[0].line})
        also = f"; it stands in line{'s' if len(lines) > 1 else ''} {_listed(lines)} too" if lines else ""
        value = f'"{name}=VALUE"' if " " in name else f"{name}=VALUE"
        hint = f"give --set {value}, or write the value in its place{also}"
        yield replace(found[0], message=f"the placeholder <{name}> is not filled in", hint=hint)


def _listed(lines: list[int]) -> str:
    """Line numbers, the first ten of them."""
    return ", ".join(map(str, lines[:10])) + (" …" if len(lines) > 10 else "")
