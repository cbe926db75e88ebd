"""What is shown to nobody: the values that the user marked as secret."""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

PIECE = 16384  # bytes that a machine cuts long lines into
SLACK = 8  # bytes, of characters that were cut in the middle
SHORTEST = 4  # of fewer characters too much else would be masked
_parts: list[str] = []


def mask(values: Iterable[str]) -> None:
    """From now on, these are masked, and each line of one, as programs usually spell them, and nothing else."""
    found = {spelt for value in values for part in _parts_of(value) for spelt in _spellings(part)}
    _parts[:] = sorted((spelt for spelt in found if len(spelt) >= SHORTEST), key=len, reverse=True)


def can_be_masked(value: str) -> bool:
    """Whether a value has a line that is long enough."""
    return any(len(line.strip()) >= SHORTEST for line in value.splitlines())


def _parts_of(value: str) -> Iterator[str]:
    """A value, its lines, and where it is JSON, the texts in it."""
    yield value
    yield from value.splitlines()
    try:
        waiting: list[Any] = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)


def _spellings(part: str) -> Iterator[str]:
    """As it is, without blanks around it, in JSON, Python, an address, a shell's trace, and in base64, wherever in a
    longer text it stands there."""
    yield from (part, part.strip(), " ".join(part.split()))
    yield from (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1], repr(part)[1:-1])
    yield from (quote(part), quote(part, safe=""), part.replace("'", "'\\''"))
    content = part.encode(errors="replace")
    for before in range(3):
        whole = base64.b64encode(bytes(before) + content).decode()
        first, last = -(-before * 8 // 6), (before + len(content)) * 8 // 6
        if last - first >= 2 * SHORTEST:
            yield whole[first:last]


def masked(text: str) -> str:
    """A text without what is masked."""
    for part in _parts:
        text = text.replace(part, "***")
    return text


def longest() -> int:
    """The characters of the longest of them; 0 where nothing is masked."""
    return len(_parts[0]) if _parts else 0


class Folded:
    """The lines of a step, whose long ones its machine has cut into pieces (modules/steps/shell/run.sh.tftpl): a secret
    that stands in two of them is masked too."""

    def __init__(self) -> None:
        self._held = ""

    def shown(self, piece: str) -> list[str]:
        """What is to be shown now that this has come: as much of it as cannot be the beginning of a secret."""
        text, self._held = self._held + piece, ""
        if not longest() or len(piece.encode()) < PIECE - SLACK:
            return [text]
        text = masked(text)
        self._held = text[len(text) - longest() + 1 :]
        return [text[: len(text) - len(self._held)]]

    def rest(self) -> list[str]:
        """What was held back, at the step's end."""
        held, self._held = self._held, ""
        return [held] if held else []
