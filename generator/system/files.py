"""Reading a file that a stranger may have put there: no link is followed, no pipe, socket or device is waited for."""

import errno
import os
import re
import stat
from pathlib import Path

LARGEST = 64 * 1024 * 1024  # bytes of a file of a workspace; ours have a third at most
CONFLICT = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)
CONFLICT_HINT = "merge the two by hand, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
_OTHERS = (errno.ELOOP, errno.ENXIO)  # open(2): a link with O_NOFOLLOW, a socket


def read(path: Path, limit: int) -> bytes:
    """The bytes of a plain file, at most `limit` of them.

    Raises OSError, with `not a plain file` for a link, pipe, socket, device or folder.
    """
    try:
        # O_NONBLOCK: opening a pipe must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _not_plain(path) if error.errno in _OTHERS else error from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain(path)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)


def has_conflict(content: bytes) -> bool:
    """Whether the bytes of a file have the markers that git leaves where it could not merge."""
    return bool(CONFLICT.search(content))


def _not_plain(path: Path) -> OSError:
    return OSError(errno.EINVAL, "not a plain file", str(path))
