"""Folders that appear whole, and logs that are read for people."""

from pathlib import Path

from generator.workspace.files import sync_path


def publish(partial: Path, final: Path) -> None:
    """Make a finished folder appear under its name: its files are synced first, then one rename."""
    for path in (*partial.iterdir(), partial):
        sync_path(path)
    partial.rename(final)
    sync_path(final.parent)


def tail(path: Path, lines: int) -> list[str]:
    """The last printable lines of a log, none when it does not exist. Terminal escapes are taken out."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16384))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    clean = (_plain(line) for line in text.replace("\r", "\n").splitlines())
    return [line for line in clean if line][-lines:]


def _plain(line: str) -> str:
    """A line without terminal escapes and control characters."""
    import re  # noqa: PLC0415 - only after a failure

    without = re.sub(r"\x1b(\[[0-9;?=]*[A-Za-z]|.)", "", line)
    return "".join(character for character in without if character.isprintable()).strip()
