"""Files that matter: JSON as we write it and take it everywhere, and writing that is whole or not at all."""

import json
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

UNFINISHED = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}")  # as atomic_write names what is not whole yet


def to_json(value: Any) -> bytes:
    """JSON as we write it everywhere: sorted, two spaces, a newline at the end."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def from_json(content: bytes, kinds: Mapping[str, type] | None = None) -> dict[str, Any]:
    """The object in a file of ours, which somebody may have spoiled; `kinds`: parts that it must have, each of exactly
    that type.

    Raises ValueError for whatever cannot be so: what is no JSON, is nested too deeply, cannot be written again (half of
    a character, a number that is none), or has a part of another kind.
    """
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_number)
        to_json(value)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    require(value, kinds or {})
    return value


def require(value: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Raise ValueError unless each of these parts is there, and of exactly that type."""
    for name, kind in kinds.items():
        if type(value.get(name)) is not kind:
            raise ValueError(f"its `{name}` is missing, or of another kind")
        if kind is str and "\0" in value[name]:
            raise ValueError(f"its `{name}` is no text")


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def atomic_write(path: Path | str, content: bytes, *, mode: int = 0o644, sync: bool = False) -> None:
    """Write a whole file or nothing: a temporary file beside it, renamed over it; on disk at the end when `sync`.

    Plain strings and few calls: a thousand workspaces have forty times as many files.
    """
    folder, name = _split(os.fspath(path))
    temporary = f"{folder}.{name}.{os.urandom(4).hex()}"
    if sync:
        make_folder(Path(folder))
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
    except BaseException as error:
        with suppress(OSError):
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):  # of a write there is no name
            error.filename = os.fspath(path)
        raise


def make_folder(path: Path) -> None:
    """Make a folder that outlives a power cut, those above it too where they are missing."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_path(path.parent)


def private_write(path: Path, content: bytes, *, sync: bool = False) -> None:
    """As `atomic_write`, for a file that only its owner may read."""
    atomic_write(path, content, mode=0o600, sync=sync)


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
