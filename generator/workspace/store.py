"""The workspace on disk: compare, write, lock. Files that are not ours are never touched."""

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from generator import __version__
from generator.errors import ImagegenError, Problem, to_paste
from generator.template import plain
from generator.workspace import ledger, origin, state
from generator.workspace.blueprint import Blueprint
from generator.workspace.files import atomic_write, from_json, remove_unfinished, to_json
from generator.workspace.origin import Origin

LOCK = "imagegen.lock.json"
TEMPLATE = "template.json"
PARAMETERS = "parameters.json"
SCHEMA = 1
# What a build leaves in a workspace by itself: ours, but never rendered.
KEPT = {ledger.OLD_FILE}
PROVIDERS_LOCK = ".terraform.lock.hcl"
AZURERM = "registry.terraform.io/hashicorp/azurerm"
# What Terraform loads from a folder, and what it and builds write there besides images.
LOADED = (
    "*.tf",
    "*.tf.json",
    "*.tfvars",
    "*.tfvars.json",
    "*.tofu",
    PROVIDERS_LOCK,
    ".terraform/environment",
    "terraform.d",
)
TERRAFORMS = ".terraform"
WRITTEN = {".imagegen", TERRAFORMS, ".terraform.tfstate.lock.info", "errored.tfstate", ledger.FOLDER, *KEPT}
WRITTEN_INSIDE = (".imagegen/*", ".terraform/*", "terraform.tfstate*", f"{ledger.FOLDER}/*", f"{ledger.FOLDER}/*/*")
# What an image is made of. The rest of a workspace follows from it.
CONTENT = (TEMPLATE, PARAMETERS, "scripts/", "files/", "modules/")
State = Literal["create", "identical", "update", "edited", "foreign", "orphan"]


@dataclass(frozen=True)
class Lock:
    """What imagegen.lock.json says: the settings a workspace was generated with, its sources, its files by digest; and
    those that whoever was killed was about to write. imagegen: the version that wrote it; origin: see Origin."""

    settings: dict[str, Any]
    sources: list[str]
    files: dict[str, str]
    writing: dict[str, str] = field(default_factory=dict)
    imagegen: str = __version__
    origin: Origin | None = None

    @property
    def is_newer(self) -> bool:
        """Whether a newer imagegen than this generated the workspace."""
        return _version(self.imagegen) > _version(__version__)

    @property
    def is_older(self) -> bool:
        """Whether an older one did."""
        return _version(self.imagegen) < _version(__version__)

    def digests(self, path: str) -> set[str]:
        """What a file of ours may be."""
        return {known[path] for known in (self.files, self.writing) if path in known}


@dataclass(frozen=True)
class Comparison:
    """Each path of the workspace and what generating would do to it."""

    states: dict[str, State] = field(default_factory=dict)

    def having(self, *states: State) -> list[str]:
        """The paths in one of these states, sorted."""
        return sorted(path for path, state in self.states.items() if state in states)


@dataclass(frozen=True)
class Generated:
    """A rendered workspace, not yet written: where it goes, what it says, and how that differs from what is there."""

    folder: Path
    blueprint: Blueprint
    files: dict[str, bytes]
    comparison: Comparison
    warnings: list[Problem]

    @property
    def content_digest(self) -> str:
        """SHA-256 of all that goes into an image: template, parameters, scripts, files, modules, and the settings that
        decided how they were read."""
        parts = {path: _digest(content) for path, content in self.files.items() if path.startswith(CONTENT)}
        return _digest(to_json(parts | {"settings": from_json(self.files[LOCK])["settings"]}))


def read_lock(folder: Path) -> Lock | None:
    """The lock of a workspace; None when there is none.

    Raises ImagegenError when it cannot be read, and for a folder in which nothing may be read or written.
    """
    if strange := _leading_away(folder, WRITTEN, WRITTEN_INSIDE):
        raise ImagegenError(
            f"{folder} has links, pipes or devices where imagegen reads and writes: {', '.join(strange)}",
            removal(folder, strange),
        )
    path = folder / LOCK
    if not path.is_file():
        return None
    try:
        value = from_json(plain.read(path, plain.LARGEST))
        if value["schema"] != SCHEMA:
            raise ImagegenError(f"{path} was written by another version of imagegen", "use that version")
        files, writing = (
            {str(name): str(digest) for name, digest in said.items()}
            for said in (value["files"], value.get("writing", {}))
        )
        settings = {**value["settings"], "sets": dict(value["settings"].get("sets", {}))}
        sources = [str(name) for name in value["sources"]]
        if not all(_inside(folder, name) for name in sources):
            raise ValueError("a source lies outside")
        if any(b"\0" in os.fsencode(name) for name in (*files, *writing)):
            raise ValueError("a file's name is none")
        return Lock(settings, sources, files, writing, str(value["imagegen"]), origin.parse(value.get("origin")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImagegenError(
            f"{path} is damaged", "restore it from git, or delete it and generate with --force"
        ) from error


def _version(text: str) -> tuple[int, ...]:
    """A version of imagegen as numbers, to compare."""
    return tuple(int(number) for number in re.findall(r"\d{1,9}", text)[:3])


def lock_bytes(
    files: dict[str, bytes], settings: dict[str, Any], sources: list[str], origin: Origin | None = None
) -> bytes:
    """The lock of these files (template.json among them)."""
    return to_json({
        "origin": origin and origin.as_json(),
        "schema": SCHEMA,
        "imagegen": __version__,
        "input": {"path": TEMPLATE, "sha256": _digest(files[TEMPLATE])},
        "settings": settings,
        "sources": sources,
        "files": {path: _digest(content) for path, content in files.items()},
    })  # fmt: skip


def compare(folder: Path, files: dict[str, bytes], lock: Lock | None) -> Comparison:
    """What writing `files` (the lock among them) would do.

    edited: ours by the lock, but changed by hand since; foreign: in our way, and not ours; orphan: ours by the lock,
    unchanged, and no longer generated.
    """
    if not os.path.lexists(folder):  # nothing is in the way, and no link leads anywhere
        return Comparison(dict.fromkeys(files, "create"))
    states: dict[str, State] = {}
    lock = lock or Lock({}, [], {})
    for path, content in files.items():
        known = lock.digests(path)
        states[path] = _state(folder / path, content, known, path == LOCK) if _inside(folder, path) else "foreign"
    for path in {**lock.files, **lock.writing}:
        if path not in files and path not in KEPT and _inside(folder, path) and (folder / path).is_file():
            states[path] = "orphan" if _digest(_present(folder / path)) in lock.digests(path) else "edited"
    return Comparison(states)


def _state(path: Path, content: bytes, locked: set[str], is_lock: bool) -> State:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return "foreign"
    if not path.exists():
        return "create"
    present = _present(path)
    if present == content or (is_lock and _is_same_lock(present, content)):
        return "identical"
    if is_lock or _digest(present) in locked:
        return "update"
    return "edited" if locked else "foreign"


def _is_same_lock(present: bytes, content: bytes) -> bool:
    """Whether a lock differs only in the version of imagegen: another one may write the same files."""
    try:
        ours, theirs = from_json(content), from_json(present)
    except ValueError:
        return False
    return {**ours, "imagegen": ""} == {**theirs, "imagegen": ""}


def _present(path: Path) -> bytes:
    """What a file holds, up to more than any of ours does."""
    return plain.read(path, plain.LARGEST)


def _inside(folder: Path, path: str) -> bool:
    """Whether a path stays in the folder, through no link: a workspace is committed, so anybody may have made it."""
    if path.startswith("/") or ".." in path.split("/"):
        return False
    full = os.path.join(os.path.realpath(folder), path)  # noqa: PTH118 - on strings, as it is asked for each file
    return os.path.realpath(full) == os.path.normpath(full)


def write(folder: Path, files: dict[str, bytes], comparison: Comparison, *, force: bool) -> list[str]:
    """Bring the folder to these files; return the paths that changed. Identical files are not rewritten.

    Raises ImagegenError, before anything is written, when that would overwrite a hand edit or a stranger's file and
    `force` is not given, and always when a link leads out of the folder.
    """
    if not force:
        _refuse_overwriting(folder, comparison)
    if linked := [path for path in comparison.having("foreign") if not _inside(folder, str(Path(path).parent))]:
        raise ImagegenError(f"links lead out of {folder}: {', '.join(linked)}", "remove the links")
    changed = comparison.having("create", "update", *(("edited", "foreign") if force else ()))
    remove_unfinished([f"{folder}/{path}" for path in changed])
    new = LOCK in comparison.having("create")
    if LOCK in comparison.having("update"):
        _announce(folder, {path: _digest(files[path]) for path in changed if path in files and path != LOCK})
    for path in sorted(changed, key=lambda path: (_turn(path, new=new), path)):
        if path in files:
            atomic_write(f"{folder}/{path}", files[path], sync=path == LOCK)
    migrated = ledger.migrate(folder)
    removed = [path for path in comparison.having("orphan") if path not in files]
    for path in removed:
        (folder / path).unlink()
        _prune(folder, (folder / path).parent)
    return sorted(changed + removed + migrated)


def _announce(folder: Path, digests: dict[str, str]) -> None:
    """Let the lock say what is about to be written: until all is, that counts as ours too, and so does what it was."""
    lock = from_json(plain.read(folder / LOCK, plain.LARGEST))
    atomic_write(folder / LOCK, to_json(lock | {"writing": digests}), sync=True)


def _turn(path: str, *, new: bool) -> int:
    """When a file is written, so that whoever is killed meanwhile leaves nothing that looks edited by hand: of a new
    workspace the lock is first, else last. A template comes after what it takes from the workspace."""
    if path == LOCK:
        return 0 if new else 4
    return 1 if path.startswith(("scripts/", "files/")) else 2 if path == TEMPLATE else 3


def _refuse_overwriting(folder: Path, comparison: Comparison) -> None:
    """Raise ImagegenError, naming every file that somebody else has written or changed."""
    edited, foreign = comparison.having("edited"), comparison.having("foreign")
    if foreign:
        raise ImagegenError(
            f"{folder} has files in the way that imagegen did not write: {', '.join(sorted(foreign + edited))}",
            "choose another folder with --out DIR, or overwrite them with --force",
        )
    if edited:
        raise ImagegenError(
            f"changed by hand since they were generated: {', '.join(edited)}",
            "keep the change in template.json, or overwrite it with --force",
        )


def _prune(root: Path, folder: Path) -> None:
    """Remove folders that became empty, up to the workspace itself."""
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def foreign_to_terraform(folder: Path, files: dict[str, bytes]) -> list[str]:
    """What Terraform would load from the workspace and imagegen did not write (azure/FACTS.md 23): files, and the
    providers that the workspace's state names."""
    loaded = [path for pattern in LOADED for path in folder.glob(pattern)]
    loaded += [path for path in (folder / "modules").rglob("*") if path.is_symlink() or not path.is_dir()]
    found = {path.relative_to(folder).as_posix() for path in loaded}
    ours = {AZURERM} if any(name.startswith("modules/azure/") for name in files) else set()
    if ours and _providers_locked(folder / PROVIDERS_LOCK) <= ours:
        found.discard(PROVIDERS_LOCK)
    programs = {f"{state.STATE} ({reason})" for reason in state.foreign(folder, ours)}
    links = set(_leading_away(folder, {"images"}, ("images/*", "images/*/*")))
    return sorted((found - set(files) - KEPT) | programs | links)


def removal(folder: Path, paths: list[str], other: str = "remove them") -> str:
    """How to remove files that are not generated, as a hint; `other` where not all of them are Terraform's own."""
    own = folder / TERRAFORMS
    if not all(Path(path).parts[0] == TERRAFORMS for path in paths):
        return other
    return (
        f"Terraform makes {own} itself: `{to_paste('rm', '-r', own)}`; where it was committed, also"
        f" `{to_paste('git', '-C', folder, 'rm', '-r', '--cached', TERRAFORMS)}`"
    )


def _providers_locked(path: Path) -> set[str]:
    """The providers that Terraform's lock names, which belongs into git."""
    if not path.is_file() or path.is_symlink():
        return {f"none: {path.name} is no file"}
    found = re.findall(rb'^\s*provider\s+"([^"]*)"', _present(path), re.MULTILINE)
    return {name.decode(errors="replace") for name in found}


def _leading_away(folder: Path, names: set[str], patterns: tuple[str, ...]) -> list[str]:
    """What has one of these names and is neither a file nor a folder: links, pipes, sockets and devices."""
    found = [path for path in folder.iterdir() if path.name in names] if folder.is_dir() else []
    found += [path for pattern in patterns for path in folder.glob(pattern)]
    plain_ones = [path for path in found if not path.is_symlink() and (path.is_file() or path.is_dir())]
    return sorted(path.relative_to(folder).as_posix() for path in set(found) - set(plain_ones))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
