"""The serial console of a VM: QEMU keeps the last of it in memory, so that a guest cannot fill this computer's disk."""

import base64
import os
from contextlib import suppress
from pathlib import Path

from generator.errors import ImagegenError
from generator.local import files, qemu, qmp

READ_SECONDS = 30


def tail(directory: Path, lines: int) -> list[str]:
    """The last printable lines of the console of the VM in a folder; of one that has ended, those last read here."""
    with suppress(OSError, ImagegenError):
        _append(directory / qemu.CONSOLE, _read(directory))
    return files.tail(directory / qemu.CONSOLE, lines)


def _read(directory: Path) -> bytes:
    """What the console has printed since it was last read, as far as QEMU still has it."""
    size = {"device": "console", "size": qemu.CONSOLE_BYTES, "format": "base64"}
    said = qmp.command(directory, "ringbuf-read", size, seconds=READ_SECONDS)
    return base64.b64decode(said)


def _append(path: Path, content: bytes) -> None:
    """Add to the console's file, which never grows beyond what QEMU keeps."""
    known = path.read_bytes() if path.exists() else b""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write((known + content)[-qemu.CONSOLE_BYTES :])
