"""Who works in a workspace, and what was meant: the lease and the journal in .imagegen/."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.errors import ImagegenError
from generator.system import orphans
from generator.system.process import Process
from generator.system.records import atomic_write, from_json, remove_unfinished, require, to_json
from generator.system.run import inherited
from generator.template import plain
from generator.workspace import ledger

if TYPE_CHECKING:
    from generator.builder.target import Job

FOLDER = ".imagegen"
JOURNAL = "journal.json"
LEASE = "lock"
ORPHAN_SECONDS = 60.0  # for the Terraform of a killed command to end
# In the folder of a build, outside the workspace: with them a stranger's checkout could choose what is run or removed.
INPUTS = "build.tfvars.json"
PENDING = "pending.tfvars.json"
UNKNOWN = "unknown"  # of a journal that is damaged
DISTRIBUTE = "distribute"
RETIRING = "retire"  # the phase of a version that is taken out of service


@dataclass(frozen=True)
class Journal:
    """A build that is under way or was left behind.

    version: what it builds; phase: where it is; directory: its folder outside the workspace, with the key and the
    machine; pid: the process that runs it; kept: whether the machine was left standing on purpose; step: the module of
    the step that began last; source: what the build starts from, as resolved (build/target.py); resumed: whether it
    resumes one that broke; on_error: what --on-error said, "" for nothing.
    """

    version: str
    phase: str
    directory: str
    pid: int
    kept: bool = False
    step: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    resumed: bool = False
    on_error: str = ""


@dataclass(frozen=True)
class Owner:
    """Who holds a lease, by its own word; process: None where it has not said so yet."""

    process: Process | None

    @property
    def pid(self) -> int | None:
        """Its id."""
        return self.process.pid if self.process else None

    @property
    def lives(self) -> bool:
        """Whether it is there: a dead one's Terraform may still be ending, and holds the lease meanwhile."""
        return self.process is None or self.process.alive()

    def __str__(self) -> str:
        return str(self.pid or "?")


_KINDS = {
    "version": str, "phase": str, "directory": str, "pid": int, "kept": bool, "step": str, "source": dict,
    "resumed": bool, "on_error": str,
}  # fmt: skip


def of(job: "Job", pid: int, on_error: str) -> Journal:
    """The first record of a build."""
    return Journal(job.version, "check", str(job.directory), pid, source=asdict(job.source), on_error=on_error)


def path(workspace: Path, name: str) -> Path:
    """A file of ours in the workspace's ignored folder."""
    return workspace / FOLDER / name


def read(workspace: Path) -> Journal | None:
    """The journal of a build that has not ended; None when there is none.

    A damaged one tells of a build of which nothing is known: what it left is found by other marks.
    """
    try:
        told = from_json(plain.read(path(workspace, JOURNAL), plain.LARGEST))
        known = {name: told[name] for name in _KINDS if name in told}
        require(known, {name: _KINDS[name] for name in known})
        return Journal(**known)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return Journal(version="?", phase=UNKNOWN, directory="", pid=0)


def write(workspace: Path, journal: Journal) -> None:
    """Keep the journal, durably."""
    atomic_write(path(workspace, JOURNAL), to_json(asdict(journal)), sync=True)


def advance(workspace: Path, journal: Journal, **changes: Any) -> Journal:
    """The journal at its next phase or step."""
    journal = replace(journal, **changes)
    write(workspace, journal)
    return journal


def clear(workspace: Path) -> None:
    """The build has ended: its file in the workspace goes."""
    ours = path(workspace, JOURNAL)
    remove_unfinished([ours])
    ledger.clear_unfinished(workspace)
    ours.unlink(missing_ok=True)


def holder(workspace: Path) -> Owner | None:
    """Who holds the lease at this moment; None when nobody does."""
    with suppress(FileNotFoundError), path(workspace, LEASE).open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _owner(stream.fileno())
    return None


@contextmanager
def lease(
    workspace: Path, waiting: Callable[[str], None] | None = None, hint: str = "wait until it has ended"
) -> Iterator[None]:
    """Hold the workspace for all phases of a command. The kernel frees it when the holder dies, however it dies.

    Terraform holds it too, and so a killed command's Terraform is waited for while it writes its state; what it had
    started is ended where it is gone itself. When another process has it, it is waited for, if there is somebody to
    tell (`waiting`); else ImagegenError names it, with this hint.
    """
    lock = path(workspace, LEASE)
    descriptor = _acquire(lock, f"in {workspace}", waiting, hint)
    try:
        _sign(descriptor, lock)
        with inherited(descriptor):
            yield
    finally:
        with suppress(OSError):  # a disk that takes no writes any more has said so
            lock.unlink(missing_ok=True)
        os.close(descriptor)
        with suppress(OSError):
            lock.parent.rmdir()


def _sign(descriptor: int, lock: Path) -> None:
    """Let the lock say who holds it."""
    me = Process.current()
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{me.pid} {me.start_time}".encode(), 0)
    except OSError as error:
        error.filename = str(lock)
        raise


def is_locked(lock: Path) -> bool:
    """Whether somebody holds a lock at this moment."""
    with suppress(FileNotFoundError), lock.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def acquire(lock: Path, place: str) -> int:
    """Lock a file in a folder that exists, sign it with our process, and return its descriptor.

    place: where or at what others work, for the message. Raises ImagegenError when another process holds it,
    FileNotFoundError where the folder is gone.
    """
    descriptor = _acquire(lock, place, None, "wait until it has ended, or give --wait")
    try:
        _sign(descriptor, lock)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _acquire(lock: Path, place: str, waiting: Callable[[str], None] | None, hint: str) -> int:
    patience = time.monotonic() + ORPHAN_SECONDS
    told: Owner | None = None
    while True:
        descriptor = _opened(lock)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(descriptor)
            if not owner.lives:
                _end_orphans(descriptor, owner)
            os.close(descriptor)
            if waiting and owner.lives:
                if owner != told:
                    waiting(f"waiting for process {owner}, which is at work here")
                told, patience = owner, time.monotonic() + ORPHAN_SECONDS
            elif owner.lives or time.monotonic() > patience:
                raise ImagegenError(f"another imagegen (process {owner}) is at work {place}", hint) from None
            time.sleep(0.1)
            continue
        # The last holder removes the file: what we locked may no longer be the file that others see.
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def _opened(lock: Path) -> int:
    """The lock's file, open. Its last holder may remove it at any moment, and the folder with it."""
    while True:
        with suppress(FileExistsError, FileNotFoundError):
            if lock.parent.name == FOLDER:
                lock.parent.mkdir(parents=True, exist_ok=True)
            elif not lock.parent.is_dir():
                break
            return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    raise FileNotFoundError(lock)


def _owner(descriptor: int) -> Owner:
    """Who says that it holds the lease: its id, and when it started."""
    said = os.pread(descriptor, 64, 0).split()
    known = len(said) == 2 and all(one.isdigit() for one in said)
    return Owner(Process(int(said[0]), int(said[1])) if known else None)


def _end_orphans(descriptor: int, dead: Owner) -> None:
    """End what is left of a killed command whose Terraform is gone too: nobody else would, providers least of all."""
    lock = os.fstat(descriptor)
    found = orphans.inheritors(lock)
    # Terraform leads a session of its own. Whoever took the lock over meanwhile has named itself before it starts one.
    if found and not any(one.leads() for one in found) and _owner(descriptor) == dead:
        orphans.end(lock)
