"""Files that matter: JSON as we write it everywhere, and writing that is whole or not at all."""

import json
import os
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

UNFINISHED = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}")  # as atomic_write names what is not whole yet


def to_json(value: Any) -> bytes:
    """JSON as we write it everywhere: sorted, two spaces, a newline at the end."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def atomic_write(path: Path | str, content: bytes, *, mode: int = 0o644, sync: bool = False) -> None:
    """Write a whole file or nothing: a temporary file beside it, renamed over it; on disk at the end when `sync`.

    Plain strings and few calls: a thousand workspaces have forty times as many files.
    """
    folder, name = _split(os.fspath(path))
    temporary = f"{folder}.{name}.{os.urandom(4).hex()}"
    descriptor = _create(temporary)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fchmod(descriptor, mode)
            if sync:
                stream.flush()
                os.fsync(descriptor)
        os.replace(temporary, path)  # noqa: PTH105 - see above
        if sync:
            sync_path(Path(path).parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _create(path: str) -> int:
    """Make a new file, and its folder where that is missing; returns its descriptor."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o600)


def remove_unfinished(paths: Collection[Path | str]) -> None:
    """Remove what `atomic_write` left beside these files when it was killed. Only for whoever alone writes them."""
    written = {os.fspath(path) for path in paths}
    for folder in {_split(path)[0] for path in written}:
        with suppress(FileNotFoundError, NotADirectoryError):
            for left in os.listdir(folder or "."):  # noqa: PTH208 - see atomic_write
                found = UNFINISHED.fullmatch(left)
                if found and folder + found["name"] in written:
                    Path(folder, left).unlink(missing_ok=True)


def _split(path: str) -> tuple[str, str]:
    """A path's folder, with its slash (empty where there is none), and its name."""
    folder, slash, name = path.rpartition("/")
    return folder + slash, name


def sync_path(path: Path) -> None:
    """Bring a file to the disk; of a folder, what was made and renamed in it: it survives a power cut then."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
