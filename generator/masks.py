"""What is shown to nobody: the values that the user marked as secret."""

from collections.abc import Iterable

PIECE = 16384  # bytes that a machine cuts long lines into
SLACK = 8  # bytes, of characters that were cut in the middle
SHORTEST = 4  # of fewer characters too much else would be masked
_parts: list[str] = []


def mask(values: Iterable[str]) -> None:
    """From now on, these are masked, and each line of one, and nothing else."""
    found = {part for value in values for part in (value, *value.splitlines()) if len(part) >= SHORTEST}
    _parts[:] = sorted(found, key=len, reverse=True)


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
