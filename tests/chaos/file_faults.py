"""Files that are cut off, spoiled or gone: at rest, or after a build was killed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.chaos.faults import Fault, Scene
from tests.chaos.place import Command, Place

# Of the workspace. What Terraform needs is mended as a user would; the rest comes back from where it was kept.
AT_REST = (
    "releases/1.0.0/release.json", "terraform.tfstate", "terraform.tfstate.backup", "imagegen.lock.json", "main.tf",
    "template.json", ".terraform/modules/modules.json",
)  # fmt: skip
LEFT_BEHIND = ("journal.json", "lock")
OF_A_BUILD = (
    "build.tfvars.json", "pending.tfvars.json", "key", "key.pub", "secrets.tfvars.json", "workspace",
    "machine/machine.json", "machine/disk.qcow2",
)  # fmt: skip


def _ways(random: Random) -> tuple[str, Callable[[bytes], bytes | None]]:
    """A way to spoil a file: None is a file that is gone."""
    ways: dict[str, Callable[[bytes], bytes | None]] = {
        "cut off": lambda content: content[: random.randrange(len(content) + 1)],
        "empty": lambda _: b"",
        "zeros": lambda content: bytes(len(content)),
        "a bit flipped": lambda content: _flipped(content, random),
        "binary": lambda _: random.randbytes(500),
        "gone": lambda _: None,
    }
    return random.choice(list(ways.items()))


def _flipped(content: bytes, random: Random) -> bytes:
    changed = bytearray(content or b"\0")
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _spoil(path: Path, way: Callable[[bytes], bytes | None]) -> bytes:
    """Spoil a file; returns what it was."""
    kept = path.read_bytes()
    spoiled = way(kept)
    mode = path.stat().st_mode
    path.unlink()
    if spoiled is not None:
        path.write_bytes(spoiled)
        path.chmod(mode)
    return kept


@contextmanager
def at_rest(place: Place, random: Random) -> Iterator[Scene]:
    """A file of a workspace is spoiled between two builds, and comes back after the second was refused."""
    there = [place.workspace / name for name in AT_REST if (place.workspace / name).exists()]
    if not there:
        yield Scene("nothing there yet")
        return
    path = random.choice(there)
    name, way = _ways(random)
    if path.name == "release.json" and name in ("gone", "a bit flipped"):
        name, way = "empty", lambda _: b""  # nobody can tell a ledger that is another from the one that was
    kept = _spoil(path, way)
    left = path.read_bytes() if path.exists() else None
    yield Scene(f"{path.name} {name}")
    if (path.read_bytes() if path.exists() else None) == left:
        path.write_bytes(kept)


@contextmanager
def state_lost(place: Place, random: Random) -> Iterator[Scene]:
    """The state is gone, with its backup: what was released is taken in again."""
    for path in place.workspace.glob("terraform.tfstate*"):
        path.unlink()
    yield Scene(codes=(0,))


@contextmanager
def left_behind(place: Place, random: Random) -> Iterator[Scene]:
    """A build is killed, and a file that it left is spoiled before the next one."""
    at = random.uniform(0, place.duration)
    command: Command = place.start(*place.apply())
    command.runs(at)
    command.child.kill()
    command.wait(1)
    found = [place.workspace / ".imagegen" / name for name in LEFT_BEHIND]
    found += [folder / name for folder in place.state_dir.glob("builds/*") for name in OF_A_BUILD]
    there = [path for path in found if path.is_file() and path.name != "lock"]
    path = random.choice(there) if there else None
    name, way = _ways(random)
    if path:
        _spoil(path, way)
    yield Scene(f"{path.name} {name} at {at:.1f} s" if path else f"nothing left at {at:.1f} s")
    _mend(place)


def _mend(place: Place) -> None:
    """What the messages tell people to do: delete a damaged journal."""
    journal = place.workspace / ".imagegen/journal.json"
    if journal.exists() and not _is_json(journal):
        journal.unlink()


def _is_json(path: Path) -> bool:
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(value, dict)


@contextmanager
def stale_lock(place: Place, random: Random) -> Iterator[Scene]:
    """A lock of a process that is gone, or of nobody."""
    lock = place.workspace / ".imagegen/lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_bytes(random.choice([b"", b"999999", b"1", random.randbytes(20)]))
    yield Scene(codes=(0,))


@contextmanager
def manifest(place: Place, random: Random) -> Iterator[Scene]:
    """A released image's manifest is spoiled; the next build is another version's and works."""
    there = sorted(place.workspace.glob("images/*/*/manifest.json"))
    if not there:
        yield Scene("nothing there yet")
        return
    path = random.choice(there)
    name, way = _ways(random)
    kept = _spoil(path, way)
    yield Scene(name)
    path.unlink(missing_ok=True)
    path.write_bytes(kept)


FAULTS = (
    Fault("spoiled file", at_rest, weight=5),
    Fault("state lost", state_lost, weight=2),
    Fault("spoiled file of a killed build", left_behind, weight=6),
    Fault("stale lock", stale_lock, weight=1),
    Fault("spoiled manifest", manifest, ("local",), 2),
)
