"""Saved machines in the cache: published once and whole, never written again, removed least recently used first.

A state is a folder KEY.TOKEN with a disk (an overlay), the guest's memory, the rest of the machine, and state.json,
which makes it one: it comes last. The disk names the one below it relative to its own folder, and state.json has the
digest of the base at the bottom: a cache may be copied or moved as a whole, and a state that stands on anything but the
base that a build has checked is never used. The links in `uses` lead to the folders of machines that stand on its disk:
while one of those exists, the state stays. The time of `uses` is when it was last used.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from generator.local import overlay
from generator.local.saved import (
    DAMAGED,
    DEVICES,
    DISK,
    FACTS,
    MEMORY,
    PARTS,
    USES,
    Ground,
    State,
    bottom,
    every,
    is_sound,
    read,
    sizes,
    stands_on,
)
from generator.system import private
from generator.system.records import private_write, sync_path, to_json

__all__ = [
    "DEVICES", "DISK", "FACTS", "MEMORY", "PARTS", "USES", "Ground", "State", "bottom", "claim", "discard", "exists",
    "folder", "forget", "listed", "making", "prune", "publish", "sound", "sweep", "takes_writes",
]  # fmt: skip
LIMIT = 10 * 1024**3  # bytes of all states together


def folder(cache: Path) -> Path:
    """Where the states are, under the cache of `Settings`."""
    return cache / "machines"


def takes_writes(root: Path) -> bool:
    """Whether saved machines may be used and kept there: each use is put on record. False for a read-only cache."""
    there = next(path for path in (root, *root.absolute().parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK)


def claim(root: Path, key: str, directory: Path, ground: Ground) -> State | None:
    """The state of that key, in use by the machine in `directory` from now on; None when there is no sound one.

    One that stands on another disk than `ground` is given up.
    """
    with _lock(root / "lock"):
        states = every(root)
        state = next((state for state in states if state.key == key and is_sound(state)), None)
        if state and not stands_on(state, ground, states):
            _give_up(state)
            state = None
        if state:
            link = _use(state, directory)
            link.unlink(missing_ok=True)
            link.symlink_to(directory)
            link.parent.touch()
        return state


def exists(root: Path, key: str, ground: Ground) -> bool:
    """Whether there is a sound state of that key on that base."""
    return any(state.key == key for state in sound(root, ground))


def sound(root: Path, ground: Ground) -> list[State]:
    """All states that a machine can go on from which starts from that base, the last used first."""
    if not takes_writes(root):
        return []
    with _lock(root / "lock"):
        states = every(root)
        return [state for state in states if is_sound(state) and stands_on(state, ground, states)]


def listed(root: Path) -> list[State]:
    """All states, the last used first; those too that wait for their last machine to end."""
    if not takes_writes(root):
        return every(root)
    with _lock(root / "lock"):
        return every(root)


def forget(root: Path, keys: Collection[str]) -> None:
    """Let nobody go on from the states of these keys any more."""
    if not keys:
        return
    with _lock(root / "lock"):
        for state in every(root):
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
        folder = private.folder(root / f"{key}.{secrets.token_hex(4)}")
        private.folder(folder / USES)
        try:
            yield folder
        finally:
            _drop(folder)


def publish(folder: Path, ground: Ground, backing: Path, about: str = "") -> State:
    """Let a finished folder be a state: complete and on the disk, in one step.

    backing: the disk below its own, that of `ground` or of another state. QEMU must be able to open the memory for
    writing, though it maps it privately: with `readonly=on` the guest's memory is read-only in QEMU 7.2.
    """
    overlay.relate(folder / DISK, backing, "raw" if backing.resolve() == ground.disk.resolve() else "qcow2")
    for path in folder.iterdir():
        if path.name in PARTS:
            path.chmod(0o600)
            sync_path(path)
        elif path.name != USES:
            path.unlink()  # sockets, logs
    facts = {"about": about, "base": ground.digest, "sizes": sizes(folder)}
    private_write(folder / FACTS, to_json(facts), sync=True)
    sync_path(folder.parent)
    return State(folder, backing.resolve(), ground.digest, about)


def discard(state: State, directory: Path) -> None:
    """Give up a state that does not go on, found so by the machine in `directory`."""
    with _lock(state.folder.parent / "lock"):
        _use(state, directory).unlink(missing_ok=True)
        _give_up(state)


def _give_up(state: State) -> None:
    """Remove a state, or where something stands on it still, see that nobody claims it from now on."""
    if _needed(state, every(state.folder.parent)):
        (state.folder / DAMAGED).touch(mode=0o600)
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
            states = every(root)
            free = [state for state in states if not _needed(state, states)]
            useless = [state for state in free if not is_sound(state)]
            if not useless and (not free or sum(state.size() for state in states) <= limit):
                return gone
            doomed = useless[0] if useless else free[-1]
            _remove(doomed.folder)
            gone.append(doomed)


def sweep(root: Path) -> list[str]:
    """Remove what a maker that was killed left half made, and what is no state any more; return it in words."""
    if all(read(left) for left in root.glob("*.*/")) or not takes_writes(root):
        return []
    with _lock(root / "lock"):
        return [f"half of the saved machine {left.name}" for left in _sweep(root)]


def _sweep(root: Path) -> list[Path]:
    """Remove the folders that are not states: half made ones, damaged ones, those of an older imagegen."""
    gone, states = [], every(root)
    for left in root.glob("*.*/"):
        with suppress(TimeoutError), _lock(_maker(root, left.name.partition(".")[0]), 0):
            if not read(left) and not _needed(State(left, left, ""), states):
                shutil.rmtree(left, ignore_errors=True)
                gone.append(left)
    return gone


def _use(state: State, directory: Path) -> Path:
    """The link that stands for a machine's use of a state."""
    return state.folder / USES / hashlib.sha256(str(directory).encode()).hexdigest()[:16]


def _needed(state: State, others: list[State]) -> bool:
    """Whether a machine or another state stands on its disk."""
    return bool(state.users()) or any(other.backing == state.disk.resolve() for other in others)


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
    private.folder(path.parent)
    with private.writing(path) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if deadline is None else fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError(f"another process still holds {path}") from None
                time.sleep(0.1)
        yield
