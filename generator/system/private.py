"""Folders that only their owner may enter: the cache and the state, with keys, saved VMs and their memory."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from generator.system.records import sync_path


def folder(path: Path) -> Path:
    """Make a folder of mode 0700, whatever the umask, and return it; those above it too where they are missing.

    One of the user's own that others may enter is closed to them.
    """
    if path.is_dir():
        if _is_open(path):
            _close(path, 0o700)
        return path
    if not path.parent.is_dir():
        folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        path.chmod(0o700)  # a umask may take from the owner too
        sync_path(path.parent)
    return path


def writing(path: Path) -> IO[str]:
    """A file of mode 0600, open to be written from its start."""
    return open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600))


def tree(root: Path) -> None:
    """Close everything below a folder of the user's own to others: what an older imagegen, a copy or an archive left
    open. Links are not followed. Does nothing where there is no such folder."""
    if not root.is_dir() or root.stat().st_uid != os.geteuid():
        return
    folder(root)
    for place, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(place, name)
            with suppress(FileNotFoundError):  # another command removes it meanwhile
                if not path.is_symlink() and _is_open(path):
                    _close(path, 0o700 if path.is_dir() else 0o600)


def _is_open(path: Path) -> bool:
    """Whether others may do anything with what is the user's own."""
    found = path.lstat()
    return bool(found.st_mode & 0o077) and found.st_uid == os.geteuid()


def _close(path: Path, mode: int) -> None:
    """Change a mode. A file system that takes no writes, such as that of a shared cache, keeps its own."""
    try:
        path.chmod(mode)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
