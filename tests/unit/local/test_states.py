"""Saved machines in the cache: whole or not there, never taken from under a machine, bounded."""

import os
import time
from pathlib import Path

import pytest

from generator.local import states
from generator.local.states import State

MIB = 1024 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "machines"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    disk = tmp_path / "base.raw"
    disk.write_bytes(b"base")
    return disk


def _soon() -> float:
    return time.monotonic() + 5


def _made(root: Path, key: str, backing: Path, age: float = 0) -> State:
    """A published state of about 1 MiB, last used `age` seconds ago."""
    with states.making(root, key, _soon()) as folder:
        (folder / states.DISK).write_bytes(b"disk")
        (folder / states.MEMORY).write_bytes(os.urandom(MIB))
        (folder / states.DEVICES).write_bytes(b"devices")
        (folder / "console.log").write_text("booting")
        state = states.publish(folder, backing)
    os.utime(state.folder / states.USES, (time.time() - age,) * 2)
    return state


def _machine(tmp_path: Path, name: str = "machine") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def test_a_published_state_is_found_by_its_key_only(root: Path, base: Path, tmp_path: Path) -> None:
    made = _made(root, "one", base)
    machine = _machine(tmp_path)
    assert states.claim(root, "one", machine) == made
    assert states.claim(root, "two", machine) is None
    assert {path.name for path in made.folder.iterdir()} == {"disk.qcow2", "memory", "devices", "state.json", "uses"}
    assert made.devices.stat().st_mode & 0o222 == 0
    assert made.memory == made.folder / states.MEMORY


@pytest.mark.parametrize("part", [*states.PARTS, states.FACTS])
@pytest.mark.parametrize("damage", ["missing", "short"])
def test_a_damaged_state_is_not_claimed(root: Path, base: Path, tmp_path: Path, part: str, damage: str) -> None:
    made = _made(root, "one", base)
    path = made.folder / part
    content = path.read_bytes()
    path.chmod(0o600)
    path.unlink()
    if damage == "short":
        path.write_bytes(content[:-3])
    assert not states.exists(root, "one")
    assert states.claim(root, "one", _machine(tmp_path)) is None


def test_a_state_whose_base_is_gone_is_not_claimed_and_goes(root: Path, base: Path, tmp_path: Path) -> None:
    made = _made(root, "one", base)
    base.unlink()
    assert states.claim(root, "one", _machine(tmp_path)) is None
    assert states.prune(root) == [made]
    assert not made.folder.exists()


def test_what_a_maker_left_behind_is_no_state_and_goes(root: Path, base: Path, tmp_path: Path) -> None:
    """A maker that was killed, at any moment up to the end; one that is at work is left alone."""
    machine = _machine(tmp_path)
    left = [_made(root, key, base) for key in ("one", "two")]
    for state in left:
        (state.folder / states.FACTS).unlink()
    assert states.claim(root, "one", machine) is None
    with states.making(root, "one", _soon()) as folder:
        assert not left[0].folder.exists()
        assert states.prune(root) == []
        assert folder.exists()
    assert [path for path in root.iterdir() if path.is_dir()] == []


def test_two_makers_are_never_at_work_at_once(root: Path) -> None:
    with states.making(root, "one", _soon()):
        with pytest.raises(TimeoutError), states.making(root, "one", time.monotonic()):
            pass
        with states.making(root, "two", _soon()):
            pass


def test_a_failed_maker_leaves_nothing(root: Path, base: Path) -> None:
    with pytest.raises(FileNotFoundError), states.making(root, "one", _soon()) as folder:
        states.publish(folder, base)
    assert [path for path in root.iterdir() if path.is_dir()] == []


def test_the_least_recently_used_goes_first(root: Path, base: Path) -> None:
    old, older, new = (_made(root, key, base, age) for key, age in (("a", 20), ("b", 30), ("c", 10)))
    assert states.prune(root, 3 * MIB + 256 * 1024) == []
    assert states.prune(root, 2 * MIB + 256 * 1024) == [older]
    assert states.prune(root, 0) == [old, new]


def test_what_a_machine_stands_on_stays(root: Path, base: Path, tmp_path: Path) -> None:
    """Until the machine's folder is gone, whether or not it runs; a claim also makes a state the last used."""
    used, unused = _made(root, "a", base, 30), _made(root, "b", base, 10)
    machine = _machine(tmp_path)
    states.claim(root, "a", machine)
    assert states.prune(root, 0) == [unused]
    machine.rmdir()
    assert states.prune(root, 0) == [used]


def test_what_another_state_stands_on_stays(root: Path, base: Path, tmp_path: Path) -> None:
    below = _made(root, "a", base, 30)
    above = _made(root, "b", below.disk, 10)
    machine = _machine(tmp_path)
    states.claim(root, "b", machine)
    assert states.prune(root, 0) == []
    machine.rmdir()
    assert states.prune(root, 0) == [above, below]


def test_what_does_not_go_on_stays_under_the_states_that_stand_on_it(root: Path, base: Path, tmp_path: Path) -> None:
    below = _made(root, "a", base)
    above = _made(root, "b", below.disk)
    machine = _machine(tmp_path)
    states.claim(root, "b", machine)
    states.discard(below, tmp_path)
    assert states.claim(root, "a", tmp_path) is None
    assert states.prune(root, 0) == []
    machine.rmdir()
    assert states.prune(root) == []  # there is room for what is above
    assert states.prune(root, 0) == [above, below]


def test_a_state_that_does_not_go_on_is_given_up(root: Path, base: Path, tmp_path: Path) -> None:
    """At once where nobody else stands on its disk; else it only is not claimed any more."""
    first, second = _machine(tmp_path, "first"), _machine(tmp_path, "second")
    made = _made(root, "one", base)
    states.claim(root, "one", first)
    states.claim(root, "one", second)
    states.discard(made, second)
    assert made.disk.exists()
    assert states.claim(root, "one", second) is None
    assert states.prune(root, 0) == []
    first.rmdir()
    states.prune(root)
    assert not made.folder.exists()
    again = _made(root, "one", base)
    states.claim(root, "one", second)
    states.discard(again, second)
    assert not again.folder.exists()


def test_what_is_forgotten_is_found_by_nobody_and_goes_when_its_machine_has_gone(
    root: Path, base: Path, tmp_path: Path
) -> None:
    used, unused = _made(root, "used", base), _made(root, "unused", base)
    machine = _machine(tmp_path)
    states.claim(root, "used", machine)
    states.forget(root, ["used", "unused", "other"])
    assert states.sound(root) == []
    assert states.listed(root) == [used]
    assert not unused.folder.exists()
    anew = _made(root, "used", base)
    assert states.claim(root, "used", machine) == anew
    machine.rmdir()
    assert states.prune(root) == [used]


def test_a_state_that_grew_from_another_has_the_same_base(root: Path, base: Path) -> None:
    below = _made(root, "below", base)
    above = _made(root, "above", below.disk)
    assert states.ground(above, states.listed(root)) == base.absolute()
    assert states.ground(below, []) == base.absolute()
