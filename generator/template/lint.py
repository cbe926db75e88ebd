"""Rules that a model alone cannot hold, asked of every part of a template. The rules themselves stand in rules/."""

from collections.abc import Iterator

from generator.errors import Problem
from generator.template.document import Document, Path
from generator.template.rules import RULES, WHOLE, Finding, Part


def check(document: Document, parts: list[Part]) -> Iterator[Problem]:
    """Everything that the rules find."""
    for at, part in parts:
        for kinds, function in RULES:
            if isinstance(part, kinds):
                yield from (_problem(document, at, found) for found in function(part))
    for compare in WHOLE:
        yield from (_problem(document, (), found) for found in compare(parts))


def _problem(document: Document, at: Path, found: Finding) -> Problem:
    return document.problem((*at, *found.path), found.message, found.hint, level=found.level)
