"""Files that are whole or not there: written under another name, synced, renamed."""

import os
from pathlib import Path


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Write a small text file in one step; a reader sees the old content or the new."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)


def sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(partial: Path, final: Path) -> None:
    """Make a finished folder appear under its name: its files are synced first, then one rename."""
    for path in (*partial.iterdir(), partial):
        sync(path)
    partial.rename(final)
    sync(final.parent)


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
