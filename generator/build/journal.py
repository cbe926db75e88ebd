"""Who works in a workspace, and what was meant: the lease and the journal in .imagegen/."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from generator.errors import ImagegenError
from generator.workspace.render import to_json
from generator.workspace.store import atomic_write

FOLDER = ".imagegen"
JOURNAL = "journal.json"
LEASE = "lock"


@dataclass(frozen=True)
class Journal:
    """A build that is under way or was left behind.

    version: what it builds; phase: where it is; directory: its folder outside the workspace, with the key and the
    machine; pid: the process that runs it; kept: whether the machine was left standing on purpose.
    """

    version: str
    phase: str
    directory: str
    pid: int
    kept: bool = False
    step: str = ""


def path(workspace: Path, name: str) -> Path:
    """A file of ours in the workspace's ignored folder."""
    return workspace / FOLDER / name


def read(workspace: Path) -> Journal | None:
    """The journal of a build that has not ended; None when there is none."""
    try:
        return Journal(**json.loads(path(workspace, JOURNAL).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ImagegenError(
            f"{path(workspace, JOURNAL)} is damaged", "delete it, then run `imagegen cleanup` to end what was left"
        ) from error


def write(workspace: Path, journal: Journal) -> None:
    """Keep the journal, durably."""
    atomic_write(path(workspace, JOURNAL), to_json(asdict(journal)), sync=True)


def advance(workspace: Path, journal: Journal, phase: str) -> Journal:
    """The journal at its next phase."""
    journal = replace(journal, phase=phase)
    write(workspace, journal)
    return journal


def clear(workspace: Path) -> None:
    """The build has ended: its files in the workspace go."""
    folder = workspace / FOLDER
    for name in (JOURNAL, "build.tfvars.json", "distribute.tfplan", "coming.tfvars.json", "validate.tfplan"):
        (folder / name).unlink(missing_ok=True)


def holder(workspace: Path) -> int | None:
    """The process that holds the lease at this moment; None when nobody does."""
    try:
        with path(workspace, LEASE).open("r+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(stream.read() or b"0")
    except (FileNotFoundError, ValueError):
        pass
    return None


@contextmanager
def lease(workspace: Path) -> Iterator[None]:
    """Hold the workspace for all phases of a command. The kernel frees it when the holder dies, however it dies.

    Raises ImagegenError, naming the holder, when another process has it.
    """
    lock = path(workspace, LEASE)
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _acquire(lock)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)
        with suppress(OSError):
            lock.parent.rmdir()


def _acquire(lock: Path) -> int:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode() or "?"
            os.close(descriptor)
            raise ImagegenError(
                f"another imagegen (process {owner}) is at work in {lock.parent.parent}", "wait until it has ended"
            ) from None
        # The last holder removes the file: what we locked may no longer be the file that others see.
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)
