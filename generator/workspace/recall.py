"""A workspace generated anew without reading its template again, where nothing that decides the result has changed.

What a workspace is generated to depends on nothing but its own files, the settings and our code. To read a template
and to render take 0.15 s, most of it the import of what does so; to recall the result takes 0.01 s. It is kept with
the user's own state: not in the workspace, nor in the cache, which a pipeline may take from anywhere.
"""

import hashlib
import io
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from generator import resources
from generator.settings import Settings
from generator.system import private
from generator.system.records import private_write, remove_unfinished
from generator.template import plain
from generator.workspace import ledger, store
from generator.workspace.store import Generated, Lock

# The modules whose classes a result is made of. Nothing else is called when one is read back.
MADE_OF = ("generator.workspace.blueprint", "generator.errors")
RENDERER = "jinja2"
DIGEST_SIZE = 32


def generate(folder: Path, settings: Settings) -> Generated:
    """What `generate.generate` gives for a workspace, and raises; compared with the folder as it is now."""
    lock = store.read_lock(folder)
    place = settings.state_dir / "generated" / hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
    key = _key(folder, settings, lock) if lock else b""
    if lock and (kept := _kept(place, key)):
        return Generated(folder, comparison=store.compare(folder, kept["files"], lock), **kept)
    from generator.workspace import generate as generating  # noqa: PLC0415 - slow to import

    generated = generating.generate(folder, settings)
    with suppress(OSError):  # a full disk, a folder that cannot be written: it costs only time
        _keep(place, key, generated)
    return generated


def _key(folder: Path, settings: Settings, lock: Lock) -> bytes:
    """The digest of everything that decides the result, the name of the folder too: warnings have it."""
    told = hashlib.sha256(repr((str(folder), settings, _code())).encode())
    ledger_files = [path.relative_to(folder).as_posix() for path in ledger.files(folder)]
    for name in (store.LOCK, store.TEMPLATE, store.PARAMETERS, *ledger_files, *lock.sources):
        with suppress(OSError):
            content = plain.read(folder / name, plain.LARGEST)
            told.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return told.digest()


@cache
def _code() -> tuple[str, ...]:
    """Our code, modules and templates by place, size and time; and when a package was last installed beside the
    renderer."""
    folders = {Path(resources.__file__).parent, resources.folder("modules"), resources.folder("templates")}
    found = find_spec(RENDERER)
    beside = Path(found.origin).parents[1].stat().st_mtime_ns if found and found.origin else 0
    return (sys.version, str(beside), *sorted(told for folder in folders for told in _files(str(folder))))


def _files(folder: str) -> Iterator[str]:
    """Place, size and time of each file in a folder, at any depth. Plain strings: there are hundreds."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            else:
                known = entry.stat()
                yield f"{entry.path}\0{known.st_size}\0{known.st_mtime_ns}"


def _kept(place: Path, key: bytes) -> dict[str, Any] | None:
    """Blueprint, files and warnings, kept under this key; None for what is not whole, or not the user's own."""
    try:
        raw = plain.read(place, plain.LARGEST)
        ours = place.lstat().st_uid == os.geteuid()
    except OSError:
        return None
    found, digest, content = raw[:DIGEST_SIZE], raw[DIGEST_SIZE : 2 * DIGEST_SIZE], raw[2 * DIGEST_SIZE :]
    if not ours or found != key or hashlib.sha256(content).digest() != digest:
        return None
    try:
        kept: dict[str, Any] = _Reader(io.BytesIO(content)).load()
    except pickle.UnpicklingError:
        return None
    return kept


def _keep(place: Path, key: bytes, generated: Generated) -> None:
    private.folder(place.parent)
    remove_unfinished([place])
    kept = {name: getattr(generated, name) for name in ("blueprint", "files", "warnings")}
    content = pickle.dumps(kept, protocol=pickle.HIGHEST_PROTOCOL)
    private_write(place, key + hashlib.sha256(content).digest() + content)


class _Reader(pickle.Unpickler):
    """Reads results back, and makes nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if module not in MADE_OF or "." in name:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a workspace")
        return super().find_class(module, name)
