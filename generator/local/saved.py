"""What a saved VM is on the disk, and whether it is sound (see states.py)."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.local import overlay, qemu
from generator.system.records import from_json

DISK = qemu.DISK
MEMORY = "memory"
DEVICES = "devices"
FACTS = "state.json"
USES = "uses"
DAMAGED = "damaged"  # it was published, and does not go on
PARTS = (DISK, MEMORY, DEVICES)


@dataclass(frozen=True)
class Ground:
    """The base that a build starts from: its disk, and the SHA-256 that was checked."""

    disk: Path
    digest: str


@dataclass(frozen=True)
class State:
    """A saved machine. `backing` is the disk beneath its own: a base's, or that of the state it grew from; `base` the
    SHA-256 of that base; `about` says for people what it is.

    The memory is a file that machines map, each for itself; where there is none, it is in `devices`, and is read.
    """

    folder: Path
    backing: Path
    base: str
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
        """The folders of the machines that stand on its disk, or are about to."""
        folders = (link.readlink() for link in (self.folder / USES).glob("*"))
        return [folder for folder in folders if folder.is_dir() and self._carries(folder)]

    def _carries(self, folder: Path) -> bool:
        """Whether the machine in a folder stands on this disk, and not on that of the cache that this is a copy of."""
        below = overlay.below(folder / qemu.DISK)
        return below is None or below == self.disk.resolve()

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


def every(root: Path) -> list[State]:
    """All states, the last used first."""
    found = [state for folder in root.glob("*.*/") if (state := read(folder))]
    return sorted(found, key=State.used, reverse=True)


def read(folder: Path) -> State | None:
    """The state in a folder; None when it is none."""
    with suppress(OSError, ValueError):
        facts = _facts(folder)
        if backing := overlay.below(folder / DISK):
            return State(folder, backing, facts["base"], facts["about"])
    return None


def _facts(folder: Path) -> dict[str, Any]:
    return from_json((folder / FACTS).read_bytes(), {"about": str, "base": str, "sizes": dict})


def is_sound(state: State) -> bool:
    """Whether its files are those that were published, as far as that can be told in a moment."""
    if (state.folder / DAMAGED).exists() or not state.backing.exists():
        return False
    try:
        whole: bool = sizes(state.folder) == _facts(state.folder)["sizes"]
        return whole
    except (OSError, ValueError):
        return False


def sizes(folder: Path) -> dict[str, int]:
    parts = (name for name in PARTS if name != MEMORY or (folder / name).exists())
    return {name: (folder / name).stat().st_size for name in parts}


def bottom(state: State, others: list[State]) -> Path:
    """The disk of the base that a state grew from, by way of these others."""
    below = {other.disk.resolve(): other for other in others}
    passed = set[Path]()
    while state.backing in below and state.backing not in passed:
        passed.add(state.backing)
        state = below[state.backing]
    return state.backing


def stands_on(state: State, ground: Ground, others: list[State]) -> bool:
    """Whether a state grew from that very base, and from no copy of it elsewhere."""
    return state.base == ground.digest and bottom(state, others) == ground.disk.resolve()
