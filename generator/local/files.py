"""Folders that appear whole, files that stay while they are read, and logs that are read for people."""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.errors import to_paste
from generator.system.records import sync_path

_FLOCK = "hhqqi4x"  # fcntl(2): type, whence, start, length, process


def publish(partial: Path, final: Path) -> None:
    """Make a finished folder appear under its name: its files are synced first, then one rename."""
    for path in (*partial.iterdir(), partial):
        sync_path(path)
    partial.rename(final)
    sync_path(final.parent)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Within, `is_read` says that a file is needed. Raises FileNotFoundError, also when it goes in that moment.

    QEMU has locks of this kind on what it has open, from byte 100 on (block/file-posix.c): ours is in nobody's way.
    """
    with path.open("rb") as file:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 1, 0))
        if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise FileNotFoundError(path)
        yield


def is_read(path: Path) -> bool:
    """Whether somebody is `reading` a file, or a QEMU has it open."""
    with path.open("rb") as file:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind: int = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_OFD_GETLK, asked))[0]
    return kind != fcntl.F_UNLCK


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


def remaking(disk: Path) -> str:
    """What to do about the disk of a base that is damaged."""
    return f"`{to_paste('imagegen', 'base', 'remove', disk.parent.name)}`; the next build makes it anew"
