"""Saved machines in the cache: published once and whole, never written again, removed least recently used first.

A state is a folder KEY.TOKEN with a disk (an overlay), the guest's memory, the rest of the machine, and state.json,
which makes it one: it comes last. The links in `uses` lead to the folders of machines that stand on its disk: while one
of those exists, the state stays. The time of `uses` is when it was last used.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.local import qemu
from generator.workspace.files import atomic_write, from_json, sync_path, to_json

DISK = qemu.DISK
MEMORY = "memory"
DEVICES = "devices"
FACTS = "state.json"
USES = "uses"
DAMAGED = "damaged"  # it was published, and does not go on
PARTS = (DISK, MEMORY, DEVICES)
LIMIT = 10 * 1024**3  # bytes of all states together


@dataclass(frozen=True)
class State:
    """A saved machine. `backing` is the disk beneath its own: a base's, or that of the state it grew from; `about` says
    for people what it is.

    The memory is a file that machines map, each for itself; where there is none, it is in `devices`, and is read.
    """

    folder: Path
    backing: Path
    about: str = ""

    @property
    def key(self) -> str:
        """What it was saved under."""
        return self.folder.name.partition(".")[0]

    @property
    def disk(self) -> Path:
        """Its overlay, qcow2."""
        return self.folder / DISK

    @property
    def memory(self) -> Path | None:
        """The guest's memory; only ever mapped privately."""
        return path if (path := self.folder / MEMORY).exists() else None

    @property
    def devices(self) -> Path:
        """All else, as QEMU's migration writes it."""
        return self.folder / DEVICES

    def users(self) -> list[Path]:
        """The folders of the machines that stand on its disk."""
        folders = (link.readlink() for link in (self.folder / USES).glob("*"))
        return [folder for folder in folders if folder.is_dir()]

    def used(self) -> float:
        """When it was made, or a machine last went on from it, in seconds since the epoch; 0 once it is gone."""
        with suppress(FileNotFoundError):
            return (self.folder / USES).stat().st_mtime
        return 0.0

    def size(self) -> int:
        """Bytes that it takes on the disk; 0 once it is gone."""
        with suppress(FileNotFoundError):
            return sum(file.stat().st_blocks * 512 for file in self.folder.iterdir())
        return 0


def folder(cache: Path) -> Path:
    """Where the states are, under the cache of `Settings`."""
    return cache / "machines"


def takes_writes(root: Path) -> bool:
    """Whether saved machines may be used and kept there: each use is put on record. False for a read-only cache."""
    there = next(path for path in (root, *root.absolute().parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK)


def claim(root: Path, key: str, directory: Path) -> State | None:
    """The state of that key, in use by the machine in `directory` from now on; None when there is no sound one."""
    with _lock(root / "lock"):
        state = next((state for state in _all(root) if state.key == key and _sound(state)), None)
        if state:
            link = _use(state, directory)
            link.unlink(missing_ok=True)
            link.symlink_to(directory)
            link.parent.touch()
        return state


def exists(root: Path, key: str) -> bool:
    """Whether there is a sound state of that key."""
    return any(state.key == key for state in sound(root))


def sound(root: Path) -> list[State]:
    """All states that a machine can go on from, the last used first."""
    if not takes_writes(root):
        return []
    with _lock(root / "lock"):
        return [state for state in _all(root) if _sound(state)]


def listed(root: Path) -> list[State]:
    """All states, the last used first; those too that wait for their last machine to end."""
    if not takes_writes(root):
        return _all(root)
    with _lock(root / "lock"):
        return _all(root)


def ground(state: State, others: list[State]) -> Path:
    """The disk of the base that a state grew from, by way of these others."""
    below = {other.disk: other for other in others}
    while state.backing in below:
        state = below[state.backing]
    return state.backing


def forget(root: Path, keys: Collection[str]) -> None:
    """Let nobody go on from the states of these keys any more."""
    if not keys:
        return
    with _lock(root / "lock"):
        for state in _all(root):
            if state.key in keys:
                _give_up(state)


@contextmanager
def making(root: Path, key: str, deadline: float) -> Iterator[Path]:
    """A new folder to make a state in, and nobody else makes one of that key meanwhile. It is gone afterwards, unless
    it was published.

    Raises TimeoutError when another still makes it at the deadline (time.monotonic).
    """
    with _lock(_maker(root, key), deadline):
        for left in root.glob(f"{key}.*/"):
            _drop(left)
        folder = root / f"{key}.{secrets.token_hex(4)}"
        (folder / USES).mkdir(parents=True, mode=0o700)
        try:
            yield folder
        finally:
            _drop(folder)


def publish(folder: Path, backing: Path, about: str = "") -> State:
    """Let a finished folder be a state: complete and on the disk, in one step."""
    for path in folder.iterdir():
        if path.name in PARTS:
            path.chmod(0o444)
            sync_path(path)
        elif path.name != USES:
            path.unlink()  # sockets, logs
    facts = {"about": about, "backing": str(backing.absolute()), "sizes": _sizes(folder)}
    atomic_write(folder / FACTS, to_json(facts), sync=True)
    sync_path(folder.parent)
    return State(folder, backing.absolute(), about)


def discard(state: State, directory: Path) -> None:
    """Give up a state that does not go on, found so by the machine in `directory`."""
    with _lock(state.folder.parent / "lock"):
        _use(state, directory).unlink(missing_ok=True)
        _give_up(state)


def _give_up(state: State) -> None:
    """Remove a state, or where something stands on it still, see that nobody claims it from now on."""
    if _needed(state, _all(state.folder.parent)):
        (state.folder / DAMAGED).touch()
    else:
        _remove(state.folder)


def prune(root: Path, limit: int = LIMIT) -> list[State]:
    """Remove what was cut off, what nothing can use any more, and then the least recently used states until all
    together take no more than `limit` bytes. What a machine or another state stands on stays. Returns what went.
    """
    gone: list[State] = []
    with _lock(root / "lock"):
        _sweep(root)
        while True:
            states = _all(root)
            free = [state for state in states if not _needed(state, states)]
            useless = [state for state in free if not _sound(state)]
            if not useless and (not free or sum(state.size() for state in states) <= limit):
                return gone
            doomed = useless[0] if useless else free[-1]
            _remove(doomed.folder)
            gone.append(doomed)


def sweep(root: Path) -> list[str]:
    """Remove what a maker that was killed left half made, and return it in words."""
    if not any(not (left / FACTS).exists() for left in root.glob("*.*/")) or not takes_writes(root):
        return []
    with _lock(root / "lock"):
        return [f"half of the saved machine {left.name}" for left in _sweep(root)]


def _sweep(root: Path) -> list[Path]:
    gone = []
    for left in root.glob("*.*/"):
        with suppress(TimeoutError), _lock(_maker(root, left.name.partition(".")[0]), 0):
            if _drop(left):
                gone.append(left)
    return gone


def _all(root: Path) -> list[State]:
    """All states, the last used first."""
    found = []
    for path in root.glob(f"*/{FACTS}"):
        with suppress(OSError, ValueError):
            facts = _facts(path.parent)
            found.append(State(path.parent, Path(facts["backing"]), facts["about"]))
    return sorted(found, key=State.used, reverse=True)


def _facts(folder: Path) -> dict[str, Any]:
    return from_json((folder / FACTS).read_bytes(), {"about": str, "backing": str, "sizes": dict})


def _sound(state: State) -> bool:
    """Whether its files are those that were published, as far as that can be told in a moment."""
    if (state.folder / DAMAGED).exists() or not state.backing.exists():
        return False
    try:
        whole: bool = _sizes(state.folder) == _facts(state.folder)["sizes"]
        return whole
    except (OSError, ValueError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    parts = (name for name in PARTS if name != MEMORY or (folder / name).exists())
    return {name: (folder / name).stat().st_size for name in parts}


def _use(state: State, directory: Path) -> Path:
    """The link that stands for a machine's use of a state."""
    return state.folder / USES / hashlib.sha256(str(directory).encode()).hexdigest()[:16]


def _needed(state: State, others: list[State]) -> bool:
    """Whether a machine or another state stands on its disk."""
    return bool(state.users()) or any(other.backing == state.disk for other in others)


def _maker(root: Path, key: str) -> Path:
    """The lock of whoever makes a state of that key."""
    return root / f"{key}.lock"


def _drop(folder: Path) -> bool:
    """Remove what was never published; returns whether it was there."""
    if (folder / FACTS).exists():
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _remove(folder: Path) -> None:
    """Without its facts it is no state: nobody finds half of one."""
    (folder / FACTS).unlink(missing_ok=True)
    shutil.rmtree(folder)


@contextmanager
def _lock(path: Path, deadline: float | None = None) -> Iterator[None]:
    """Hold a lock; the kernel lets go of it when its holder dies. TimeoutError at the deadline, where there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if deadline is None else fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError(f"another process still holds {path}") from None
                time.sleep(0.1)
        yield
