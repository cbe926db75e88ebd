"""Problems as text: pure functions. Nothing of a template reaches the terminal but printable characters."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from generator.errors import Problem
from generator.template import plain
from generator.template.addresses import mask
from generator.template.load import MAX_BYTES

WIDTH = 100  # columns of a line that are shown
LONGEST_PATH = 300
TAB = "    "
COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "mark": "\x1b[1;32m", "dim": "\x1b[2m"}
RESET = "\x1b[0m"
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[^\s\[\]{},:"]++|.', re.DOTALL)


def render(problems: Sequence[Problem], sources: Mapping[str, bytes] | None = None, *, colour: bool = False) -> str:
    """All problems, one after the other, and a summary line. `sources`: the bytes of each file, to show its lines."""
    lines = _lines_of(sources)
    blocks = [_block(problem, lines.get(problem.file, []), colour) for problem in problems]
    return "\n\n".join([*blocks, summary(problems)]) + "\n"


def summary(problems: Sequence[Problem]) -> str:
    """How many errors and warnings there are, in how many files."""
    counts = [
        f"{count} {level}{'s' if count != 1 else ''}"
        for level in ("error", "warning")
        if (count := sum(problem.level == level for problem in problems))
    ]
    files = len({problem.file for problem in problems if problem.line})
    return f"{' and '.join(counts) or 'no problems'}{f' in {files} files' if files > 1 else ''}"


def as_json(problems: Sequence[Problem], sources: Mapping[str, bytes] | None = None) -> dict[str, Any]:
    """The same content for programs: `problems` and the counts.

    A problem has file, line, column, path, level, message and hint, a warning its code; where `sources` has its file,
    also the `text` of the line, as far as it is shown, and the `mark` that goes under it.
    """
    lines = _lines_of(sources)
    return {
        "problems": [_entry(problem, lines.get(problem.file, [])) for problem in problems],
        "errors": sum(problem.level == "error" for problem in problems),
        "warnings": sum(problem.level == "warning" for problem in problems),
    }


def _entry(problem: Problem, lines: list[str]) -> dict[str, Any]:
    """One problem for programs."""
    entry = asdict(problem)
    if not problem.code:
        del entry["code"]
    if entry.pop("quoted") and 0 < problem.line <= len(lines):
        entry["text"], entry["mark"] = _marked(lines[problem.line - 1], problem.column)
    return entry


def files_of(problems: Sequence[Problem]) -> dict[str, bytes]:
    """The bytes of the files that problems stand in, as far as they can be read a second time: pipes cannot."""
    found: dict[str, bytes] = {}
    for file in {problem.file for problem in problems if problem.line}:
        with suppress(OSError, ValueError):
            found[file] = plain.read(Path(file).resolve(), MAX_BYTES)
    return found


def all_valid(found: Mapping[Path, Sequence[Problem]]) -> bool:
    """Whether no template has an error."""
    return not any(problem.level == "error" for problems in found.values() for problem in problems)


def verdict(found: Mapping[Path, Sequence[Problem]]) -> dict[str, Any]:
    """Which of several templates are valid, for programs."""
    return {"templates": [{"file": str(path), "valid": all_valid({path: of_one})} for path, of_one in found.items()]}


def closing(found: Mapping[Path, Sequence[Problem]]) -> str:
    """How many of several templates are valid: the last line."""
    valid = sum(all_valid({path: of_one}) for path, of_one in found.items())
    of_all = f" of {len(found)}" if valid < len(found) else ""
    return f"{valid}{of_all} template{'s' if len(found) > 1 else ''} valid"


def printable(text: str) -> str:
    """Text with everything but printable characters written as escapes."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def _block(problem: Problem, lines: list[str], colour: bool) -> str:
    """One problem: place and message, JSON path, the line with its mark, hint."""
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    code = f" [{problem.code}]" if problem.code else ""
    parts = [
        f"{printable(place)}: {_painted(problem.level, problem.level, colour)}: {printable(problem.message)}{code}"
    ]
    if problem.path:
        path = printable(problem.path)
        parts.append(f"  at {path if len(path) <= LONGEST_PATH else path[: LONGEST_PATH - 1] + '…'}")
    if problem.quoted and 0 < problem.line <= len(lines):
        shown, mark = _marked(lines[problem.line - 1], problem.column)
        parts += [
            f"  {_painted('dim', '|', colour)} {shown}",
            f"  {_painted('dim', '|', colour)} {_painted('mark', mark, colour)}",
        ]
    if problem.hint:
        parts.append(f"  hint: {printable(problem.hint)}")
    return "\n".join(parts)


def _painted(kind: str, text: str, colour: bool) -> str:
    return f"{COLOURS[kind]}{text}{RESET}" if colour else text


def _lines_of(sources: Mapping[str, bytes] | None) -> dict[str, list[str]]:
    return {file: _lines(raw) for file, raw in (sources or {}).items()}


def _lines(raw: bytes) -> list[str]:
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return [line.removesuffix("\r") for line in text.split("\n")]


def _marked(line: str, column: int) -> tuple[str, str]:
    """The part of a line around a column, and the mark that goes under it."""
    start = min(column - 1, len(line))
    found = TOKEN.match(line, start)
    end = max(found.end() if found else start, start + 1)
    first = 0 if end <= WIDTH else max(0, start - WIDTH // 3)
    # Secrets are starred before the line is cut, since a cut address is no longer known as one.
    cells = [_cell(char) for char in _masked(line)[first : first + WIDTH]]
    before = sum(map(_width, cells[: start - first]))
    under = sum(map(_width, cells[start - first : end - first])) or 1
    cut, gap = ("…", 1) if first else ("", 0)
    shown = cut + "".join(cells) + ("…" if first + WIDTH < len(line) else "")
    return shown, " " * (before + gap) + "^" * under


@lru_cache(maxsize=4)
def _masked(line: str) -> str:
    """A line is shown for each of its problems, and may be long."""
    return mask(line)


def _cell(char: str) -> str:
    """How a character of a line is shown."""
    return TAB if char == "\t" else printable(char)


def _width(cell: str) -> int:
    """Terminal columns of shown text: East Asian wide ones take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in cell
    )
