"""The folder of a build, outside any workspace: whose build it is, who works on it, how it is found again.

It holds the key, the inputs and, locally, the VM. Its mark names the workspace; a lock in it is held while a command
works on the build. The journal in the workspace only points to it: a workspace may be copied, moved, deleted, or a
stranger's.

- A copy of a workspace (`cp -a`) has a copy of the journal. The build stays that of the original as long as the
  original exists and its journal tells of the build.
- A workspace that was moved (`mv`) keeps its build: its journal tells of it, and nobody else's does. A running VM even
  knows where its workspace is now.
"""

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from generator.builder import journal
from generator.builder.journal import Journal
from generator.system import private, vms
from generator.system.records import private_write, sync_path
from generator.system.run import inherited

BUILDS = "builds"
LOCK = "lock"
PLACE = "place"  # the number of the folder's own file: a copy has another one


class Held:
    """The folders of builds that a command works on: nobody else does until it ends."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._folders: set[Path] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folders.clear()
        self._stack.close()

    def take(self, folder: Path, workspace: Path | None) -> None:
        """Hold the folder of a build, if it still exists, and mark it as that of this workspace.

        Raises ImagegenError when another command works on the build.
        """
        if folder in self._folders or not folder.is_dir():
            return
        try:
            descriptor = journal.acquire(folder / LOCK, f"on the build in {folder}")
        except FileNotFoundError:  # it has just been removed
            return
        self._folders.add(folder)
        self._stack.callback(os.close, descriptor)
        self._stack.enter_context(inherited(descriptor))
        if workspace and _marked(folder) != workspace.resolve():  # it was moved
            _mark(folder, workspace)


@dataclass(frozen=True)
class Abandoned:
    """A build that no workspace tells of: its folder, the workspace it was begun in, and its VMs that run."""

    folder: Path
    workspace: Path | None
    machines: tuple[vms.VirtualMachine, ...]


def claim(directory: Path, workspace: Path) -> None:
    """Make a build's own folder, which names its workspace: nobody but us can have made it."""
    private.folder(directory.parent.parent)
    private.folder(directory.parent)
    directory.mkdir(mode=0o700)
    sync_path(directory.parent)
    private_write(directory / PLACE, str(directory.stat().st_ino).encode(), sync=True)
    _mark(directory, workspace)


def _mark(folder: Path, workspace: Path) -> None:
    private_write(folder / vms.MARK, os.fsencode(workspace.resolve()), sync=True)


def remove(directory: Path) -> None:
    """Remove a build's own folder: the key first, and the mark last, by which the next command finds what is left."""
    if not directory.is_dir():
        return
    for path in sorted(directory.iterdir(), key=lambda path: (path.name == vms.MARK, path.is_dir())):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    directory.rmdir()


def of_workspace(workspace: Path, state_dir: Path, record: Journal | None) -> list[Path]:
    """The folders of every build of this workspace, whether or not its journal knows them, wherever they are.

    One that was deleted is among them while its VM runs. What those hold that are not in `state_dir` is not to be
    believed.
    """
    machines = vms.running()
    named = (of_record(record, state_dir) or elsewhere(record, state_dir)) if record else None
    others = [mark.parent for mark in sorted((state_dir / BUILDS).glob(f"*/{vms.MARK}"))]
    others += [vm.folder.parent for vm in machines if vm.folder.parent.parent.name == BUILDS]
    found = [named] if named and _is_of(named, workspace, record, machines) else []
    found += [one for one in others if _is_of(one, workspace, record, machines)]
    working = {vm.folder.parent for vm in machines}
    return [folder for folder in dict.fromkeys(found) if folder.is_dir() or folder in working]


def of_record(record: Journal, state_dir: Path) -> Path | None:
    """The folder that a journal names, if it is one of ours.

    A journal lies in the workspace, so anybody may have written it: elsewhere a stranger's checkout may have such a
    folder, with inputs that choose what is run.
    """
    folder = Path(record.directory)
    return folder if folder.parent == state_dir / BUILDS and folder.name.isalnum() else None


def elsewhere(record: Journal, state_dir: Path) -> Path | None:
    """The folder that a journal names where `state_dir` was another one when the build began; None where there is none.

    It says which file it is on this computer's disk, so it came with no checkout, and is no copy.
    """
    folder = Path(record.directory)
    if folder.parent.name != BUILDS or folder.parent == state_dir / BUILDS or not folder.name.isalnum():
        return None
    try:
        found = folder.stat()
        ours = found.st_uid == os.geteuid() and (folder / PLACE).read_text("ascii") == str(found.st_ino)
    except (OSError, ValueError):
        return None
    return folder if ours else None


def original(workspace: Path, record: Journal | None, state_dir: Path) -> Path | None:
    """The workspace that a build belongs to of which this one only has a copy of the journal; None: it is its own."""
    folder = (of_record(record, state_dir) or elsewhere(record, state_dir)) if record else None
    if folder is None:
        return None
    machines = vms.running()
    return None if _is_of(folder, workspace, record, machines) else _owner(folder, machines)


def abandoned(state_dir: Path) -> list[Abandoned]:
    """The builds of this user whose workspace is gone, or tells of them no more; not those that a command works on."""
    machines = vms.running()
    found = {mark.parent for mark in (state_dir / BUILDS).glob(f"*/{vms.MARK}")}
    found |= {vm.folder.parent for vm in machines if vm.folder.parent.parent.name == BUILDS}
    return [
        Abandoned(folder, owner, tuple(vm for vm in machines if vm.folder.parent == folder))
        for folder in sorted(found)
        for owner in [_owner(folder, machines)]
        if not (owner and _tells_of(owner, folder)) and not journal.is_locked(folder / LOCK)
    ]


def _is_of(folder: Path, workspace: Path, record: Journal | None, machines: list[vms.VirtualMachine]) -> bool:
    """Whether a build is this workspace's: it was begun here, or the journal here tells of it and no other one does."""
    owner = _owner(folder, machines)
    named = record is not None and Path(record.directory) == folder
    if owner is None:  # it was killed before it wrote its mark
        return named
    return owner == workspace.resolve() or (named and not _is_another(owner, workspace, folder))


def _is_another(owner: Path, workspace: Path, folder: Path) -> bool:
    """Whether there is another workspace than this one, by whatever name, that tells of the build."""
    return _tells_of(owner, folder) and not owner.samefile(workspace)


def _tells_of(workspace: Path, folder: Path) -> bool:
    """Whether the journal of a workspace tells of a build; True where it may not be read."""
    try:
        record = journal.read(workspace) if workspace.is_dir() else None
    except OSError:
        return True
    return record is not None and Path(record.directory) == folder


def _owner(folder: Path, machines: list[vms.VirtualMachine]) -> Path | None:
    """Where the workspace of a build is, as its running VM knows, or else was, as its mark says."""
    live = (vm.workspace for vm in machines if vm.folder.parent == folder)
    return next((found for found in live if found), None) or _marked(folder)


def _marked(folder: Path) -> Path | None:
    try:
        return Path(os.fsdecode((folder / vms.MARK).read_bytes()))
    except OSError:
        return None
