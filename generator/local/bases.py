"""Base disks: built from Debian's packages or imported, kept in the cache by content, never changed afterwards."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from generator.errors import ImagegenError, UsageError
from generator.local import files, images, recipe
from generator.settings import Settings
from generator.system import private
from generator.system.records import from_json, private_write, to_json
from generator.system.run import inherited

Report = Callable[[str], None]
Builder = Callable[[Path, Report], str]  # makes disk.raw in the folder, returns the system's version
Seed = Literal["agent", "nocloud"]
LOCK = "lock"
_KINDS = {"name": str, "key": str, "sha256": str, "version": str, "seed": str, "virtual_size": int}  # of base.json
PARTIAL, REMOVED = ".partial", ".removed"  # folders that stand for no base: not yet, or no more


@dataclass(frozen=True)
class Base:
    """A bootable raw disk.

    key: folder in the cache; digest: SHA-256 of the disk; version: of the system, such as "12.15"; seed: how the
    machine gets its login, by the guest agent or by cloud-init.
    """

    name: str
    key: str
    disk: Path
    digest: str
    version: str
    seed: Seed

    @property
    def kernel(self) -> Path | None:
        """The disk's kernel, for trying an accelerator; None for imported disks."""
        path = self.disk.with_name("vmlinuz")
        return path if path.exists() else None


def ensure(settings: Settings, base_name: str, on_line: Report, builder: Builder | None = None) -> Base:
    """The base of that name, built first when the cache has not got it.

    Two that ask at once get the same one: the second waits. `on_line` gets the build's output. Raises ImagegenError
    for an unknown name or a failed build.
    """
    if base := lookup(settings, base_name):
        return base
    if base_name not in recipe.NAMES:
        raise ImagegenError(f"no base `{base_name}`", "`imagegen base list` shows what there is")
    key = recipe.key(base_name)
    with _alone(settings, on_line):
        if base := lookup(settings, base_name):
            return base
        facts = {"name": base_name, "key": key, "seed": "agent"}
        return _publish(settings, facts, builder or (lambda folder, report: recipe.build(base_name, folder, report)),
                        on_line)  # fmt: skip


def lookup(settings: Settings, base_name: str) -> Base | None:
    """The base of that name if the cache has it: for our own the present recipe's, never an older one."""
    if base_name in recipe.NAMES:
        return _read(_root(settings) / recipe.key(base_name))
    return next((base for base in list_bases(settings) if base.name == base_name.lower()), None)


def list_bases(settings: Settings) -> list[Base]:
    """All bases in the cache by name, those of older recipes too (a key that is not recipe.key(name))."""
    found = (_read(folder.parent) for folder in _root(settings).glob("*/base.json"))
    return sorted((base for base in found if base), key=lambda base: (base.name, base.key))


def require_sound(base: Base) -> None:
    """Raise ImagegenError for a base whose disk is not as it was published.

    Its digest takes seconds: it is made where the disk was written since, as its time says, or is a copy.
    """
    record, written = base.disk.with_name("base.json"), _written(base.disk)
    facts = from_json(record.read_bytes(), _KINDS)
    if facts.get("written") == written:
        return
    if images.digest(base.disk) != base.digest:
        raise ImagegenError(f"the base {base.name} is damaged", files.remaking(base.disk))
    with suppress(OSError):  # a cache that was copied here; if it takes no writes, it is looked at again
        private_write(record, to_json(facts | {"written": written}), sync=True)


def _written(disk: Path) -> str:
    """What changes when a disk is written, and when it is copied: its time, and the number of its file."""
    found = disk.stat()
    return f"{found.st_mtime_ns} {found.st_ino}"


@contextmanager
def held(base: Base) -> Iterator[None]:
    """Within, nobody removes a base. Raises ImagegenError when it is gone."""
    with ExitStack() as stack:
        try:
            stack.enter_context(files.reading(base.disk))
        except FileNotFoundError as error:
            raise ImagegenError(f"the base {base.name} was removed meanwhile", "run the build again") from error
        yield


def import_base(settings: Settings, file: Path, alias: str, on_line: Report = lambda _line: None) -> Base:
    """Take a disk (qcow2, raw, VHD, VHDX) into the cache as `publisher:offer:sku`, in place of one of that name.

    It must boot by UEFI and have cloud-init. Raises ImagegenError when the file or the alias is not of that kind, or a
    build stands on the one that would go.
    """
    name = alias.lower()
    parts = name.split(":")
    if len(parts) != 3 or not all(parts) or "/" in name:
        raise UsageError(f"`{alias}` is not of the form publisher:offer:sku", "use --as PUBLISHER:OFFER:SKU")
    if not file.is_file():
        raise ImagegenError(f"{file} is not a file")
    key = f"import-{hashlib.sha256(f'{name} {images.digest(file)}'.encode()).hexdigest()[:16]}"
    with _alone(settings, on_line):
        old = [base for base in list_bases(settings) if base.name == name and base.key != key]
        _require_free(old)

        def take(folder: Path, _report: Report) -> str:
            version = recipe.take(file, folder)
            _hide(old)  # a build may have begun meanwhile
            return version

        if base := _read(_root(settings) / key):
            _hide(old)
        else:
            base = _publish(settings, {"name": name, "key": key, "seed": "nocloud"}, take, on_line)
        _clear(_root(settings))
    return base


def remove(settings: Settings, name: str, on_line: Report = lambda _line: None) -> list[Base]:
    """Delete the bases of that name or key, and return what they were.

    Raises ImagegenError when there is none, or a build stands on one.
    """
    with _alone(settings, on_line):
        doomed = [base for base in list_bases(settings) if name.lower() in (base.name, base.key)]
        _hide(doomed)
        _clear(_root(settings))
    if not doomed:
        raise ImagegenError(f"no base `{name}` in the cache", "`imagegen base list` shows what there is")
    return doomed


def sweep(settings: Settings) -> list[str]:
    """Remove what a process that was killed left half made or half removed, unless another is at it.

    Returns what went, in words. What cannot be removed is left to `ensure`, which tells why.
    """
    root = _root(settings)
    left = _left(root)
    if not left or not os.access(root, os.W_OK):
        return []
    with private.writing(root / LOCK) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _clear(root)
        except (BlockingIOError, ImagegenError):
            return []
    return [f"half of the base {folder.stem}" for folder in left]


def _root(settings: Settings) -> Path:
    return settings.cache_dir / "bases"


@contextmanager
def _alone(settings: Settings, on_line: Report) -> Iterator[None]:
    """Be the only process that makes or removes bases, once what is left of one that was killed is gone.

    The kernel lets go of the lock when its holder and all that it started have ended.
    """
    private.tree(settings.cache_dir)
    root = private.folder(_root(settings))
    with private.writing(root / LOCK) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_line("another process works on the bases; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        with inherited(file.fileno()):
            _clear(root)
            yield


def _require_free(doomed: list[Base]) -> None:
    for base in doomed:
        if files.is_read(base.disk):
            raise ImagegenError(
                f"a build stands on the base {base.name}",
                "wait until it has ended, or end it by `imagegen cleanup DIR` of its workspace",
            )


def _left(root: Path) -> list[Path]:
    return [*root.glob(f"*{PARTIAL}"), *root.glob(f"*{REMOVED}")]


def _clear(root: Path) -> None:
    """Remove what is left of others; only for whoever holds the lock."""
    for folder in _left(root):
        recipe.remove(folder)


def _hide(doomed: list[Base]) -> None:
    """Put bases out of sight, each in one step, for `_clear` to remove: nobody finds half of one.

    Raises ImagegenError, with all of them back, when a build stands on one, even if it began this very moment.
    """
    hidden: list[Path] = []
    try:
        for base in doomed:
            folder = base.disk.parent
            hidden.append(folder.rename(folder.with_name(folder.name + REMOVED)))
            _require_free([replace(base, disk=hidden[-1] / base.disk.name)])
    except BaseException:
        for gone in hidden:
            gone.rename(gone.with_name(gone.name.removesuffix(REMOVED)))
        raise


def _discard(folder: Path) -> None:
    """Remove what is no base, though it has the place of one."""
    gone = folder.with_name(folder.name + REMOVED)
    folder.rename(gone)
    shutil.rmtree(gone)


def _publish(settings: Settings, facts: dict[str, Any], build: Builder, on_line: Report) -> Base:
    """Build into a folder beside, add base.json, and let the base appear under its key in one step."""
    final = _root(settings) / facts["key"]
    partial = final.with_name(final.name + PARTIAL)
    private.folder(partial)
    began = time.monotonic()
    try:
        version = build(partial, on_line)
        disk = partial / "disk.raw"
        facts |= {"version": version, "sha256": images.digest(disk), "virtual_size": disk.stat().st_size}
        if (packages := partial / "packages").exists():
            facts["packages_sha256"] = images.digest(packages)
        facts["written"] = _written(disk)
        facts["build_seconds"] = round(time.monotonic() - began, 1)
        private_write(partial / "base.json", to_json(facts), sync=True)
        private.tree(partial)
        if final.exists():  # damaged, or it would have been found
            _discard(final)
        files.publish(partial, final)
    except BaseException:
        with suppress(ImagegenError, OSError):  # the next command tries again
            recipe.remove(partial)
        raise
    base = _read(final)
    assert base is not None  # noqa: S101 - published just now, under the lock
    return base


def _read(folder: Path) -> Base | None:
    """The base in a folder of the cache; None when there is none, or not a whole one as far as a moment tells."""
    try:
        facts = from_json((folder / "base.json").read_bytes(), _KINDS)
        disk = folder / "disk.raw"
        if facts["key"] != folder.name or disk.stat().st_size != facts["virtual_size"]:
            return None
        return Base(
            name=facts["name"], key=facts["key"], disk=disk, digest=facts["sha256"], version=facts["version"],
            seed=facts["seed"],
        )  # fmt: skip
    except (OSError, ValueError):
        return None
