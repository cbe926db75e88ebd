"""Saved machines in the cache: whole or not there, never taken from under a machine, bounded."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from generator.errors import ImagegenError
from generator.local import overlay, states
from generator.local.states import Ground, State
from generator.system import private
from tests.support.waiting import HANG_SECONDS

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
    return time.monotonic() + HANG_SECONDS


def _made(root: Path, key: str, backing: Path, age: float = 0) -> State:
    """A published state of about 1 MiB, last used `age` seconds ago."""
    with states.making(root, key, _soon()) as folder:
        overlay.make(folder / states.DISK, backing, "raw", MIB)
        (folder / states.MEMORY).write_bytes(os.urandom(MIB))
        (folder / states.DEVICES).write_bytes(b"devices")
        (folder / "console.log").write_text("booting")
        state = states.publish(folder, _ground(root), backing)
    os.utime(state.folder / states.USES, (time.time() - age,) * 2)
    return state


def _ground(root: Path) -> Ground:
    """The base of the cache that has this folder of states."""
    return Ground(root.parent / "base.raw", "0" * 64)


def _claim(root: Path, key: str, machine: Path) -> State | None:
    return states.claim(root, key, machine, _ground(root))


def _machine(tmp_path: Path, name: str = "machine") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def test_a_published_state_is_found_by_its_key_only(root: Path, base: Path, tmp_path: Path) -> None:
    made = _made(root, "one", base)
    machine = _machine(tmp_path)
    assert _claim(root, "one", machine) == made
    assert _claim(root, "two", machine) is None
    assert {path.name for path in made.folder.iterdir()} == {"disk.qcow2", "memory", "devices", "state.json", "uses"}
    assert {oct(path.stat().st_mode & 0o777) for path in made.folder.iterdir() if path.is_file()} == {"0o600"}
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
    assert not states.exists(root, "one", _ground(root))
    assert _claim(root, "one", _machine(tmp_path)) is None


def test_a_state_whose_base_is_gone_is_not_claimed_and_goes(root: Path, base: Path, tmp_path: Path) -> None:
    made = _made(root, "one", base)
    base.unlink()
    assert _claim(root, "one", _machine(tmp_path)) is None
    assert states.prune(root) == [made]
    assert not made.folder.exists()


def test_what_a_maker_left_behind_is_no_state_and_goes(root: Path, base: Path, tmp_path: Path) -> None:
    """A maker that was killed, at any moment up to the end; one that is at work is left alone."""
    machine = _machine(tmp_path)
    left = [_made(root, key, base) for key in ("one", "two")]
    for state in left:
        (state.folder / states.FACTS).unlink()
    assert _claim(root, "one", machine) is None
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
    with pytest.raises(ImagegenError), states.making(root, "one", _soon()) as folder:
        states.publish(folder, _ground(root), base)
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
    _claim(root, "a", machine)
    assert states.prune(root, 0) == [unused]
    machine.rmdir()
    assert states.prune(root, 0) == [used]


def test_what_another_state_stands_on_stays(root: Path, base: Path, tmp_path: Path) -> None:
    below = _made(root, "a", base, 30)
    above = _made(root, "b", below.disk, 10)
    machine = _machine(tmp_path)
    _claim(root, "b", machine)
    assert states.prune(root, 0) == []
    machine.rmdir()
    assert states.prune(root, 0) == [above, below]


def test_what_does_not_go_on_stays_under_the_states_that_stand_on_it(root: Path, base: Path, tmp_path: Path) -> None:
    below = _made(root, "a", base)
    above = _made(root, "b", below.disk)
    machine = _machine(tmp_path)
    _claim(root, "b", machine)
    states.discard(below, tmp_path)
    assert _claim(root, "a", tmp_path) is None
    assert states.prune(root, 0) == []
    machine.rmdir()
    assert states.prune(root) == []  # there is room for what is above
    assert states.prune(root, 0) == [above, below]


def test_a_state_that_does_not_go_on_is_given_up(root: Path, base: Path, tmp_path: Path) -> None:
    """At once where nobody else stands on its disk; else it only is not claimed any more."""
    first, second = _machine(tmp_path, "first"), _machine(tmp_path, "second")
    made = _made(root, "one", base)
    _claim(root, "one", first)
    _claim(root, "one", second)
    states.discard(made, second)
    assert made.disk.exists()
    assert _claim(root, "one", second) is None
    assert states.prune(root, 0) == []
    first.rmdir()
    states.prune(root)
    assert not made.folder.exists()
    again = _made(root, "one", base)
    _claim(root, "one", second)
    states.discard(again, second)
    assert not again.folder.exists()


def test_what_is_forgotten_is_found_by_nobody_and_goes_when_its_machine_has_gone(
    root: Path, base: Path, tmp_path: Path
) -> None:
    used, unused = _made(root, "used", base), _made(root, "unused", base)
    machine = _machine(tmp_path)
    _claim(root, "used", machine)
    states.forget(root, ["used", "unused", "other"])
    assert states.sound(root, _ground(root)) == []
    assert states.listed(root) == [used]
    assert not unused.folder.exists()
    anew = _made(root, "used", base)
    assert _claim(root, "used", machine) == anew
    machine.rmdir()
    assert states.prune(root) == [used]


def test_a_state_that_grew_from_another_has_the_same_base(root: Path, base: Path) -> None:
    below = _made(root, "below", base)
    above = _made(root, "above", below.disk)
    assert states.bottom(above, states.listed(root)) == base.absolute()
    assert states.bottom(below, []) == base.absolute()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with a base and two states, the upper one standing on the lower."""
    root = private.folder(tmp_path / "original/machines")
    base = root.parent / "base.raw"
    base.write_bytes(b"base")
    below = _made(root, "below", base)
    _made(root, "above", below.disk)
    return root.parent


def _copy(cache: Path, name: str = "copy") -> Path:
    copy = cache.with_name(name)
    subprocess.run(["cp", "-a", cache, copy], check=True)
    return copy


def test_a_copied_cache_stands_on_itself(cache: Path, tmp_path: Path) -> None:
    """Nothing in it leads to the original, whose base may be gone, or another by now."""
    copy = _copy(cache)
    root = copy / "machines"
    claimed = _claim(root, "above", _machine(tmp_path))
    assert claimed
    (cache / "base.raw").unlink()
    chain = subprocess.run(
        ["qemu-img", "info", "--output=json", "-U", "--backing-chain", claimed.disk], capture_output=True, check=True
    )
    disks = [Path(one["filename"]).resolve() for one in json.loads(chain.stdout)]
    assert [disk.is_relative_to(copy) for disk in disks] == [True, True, True]
    assert disks[-1] == copy / "base.raw"


def test_a_moved_cache_stands_on_itself(cache: Path, tmp_path: Path) -> None:
    root = cache.rename(tmp_path / "elsewhere") / "machines"
    assert len(states.sound(root, _ground(root))) == 2
    assert _claim(root, "above", _machine(tmp_path))


@pytest.mark.parametrize("how", ["the original's", "absolute", "of another digest"])
def test_a_state_of_another_base_is_discarded(cache: Path, tmp_path: Path, how: str) -> None:
    """It may name that as 0.1.0 did, by an absolute path, or have been made on it."""
    root = _copy(cache) / "machines"
    below = next(state for state in states.listed(root) if state.key == "below")
    if how == "of another digest":
        ground = Ground(root.parent / "base.raw", "1" * 64)
    else:
        ground = _ground(root)
        other = cache / "base.raw"
        name = other if how == "absolute" else os.path.relpath(other, below.folder)
        subprocess.run(["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", name, below.disk], check=True)
    assert states.sound(root, ground) == []
    assert states.claim(root, "above", _machine(tmp_path), ground) is None
    assert states.claim(root, "below", tmp_path / "machine", ground) is None
    assert states.sound(root, ground) == []
    states.prune(root)
    assert [path for path in root.iterdir() if path.is_dir()] == []


def test_a_copy_of_a_cache_is_used_by_no_machine_of_the_original(cache: Path, tmp_path: Path) -> None:
    """What stands on the original keeps nothing in the copy."""
    machine = _machine(tmp_path)
    used = _claim(cache / "machines", "below", machine)
    assert used
    overlay.make(machine / "disk.qcow2", used.disk, "qcow2", MIB)
    copy = _copy(cache) / "machines"
    assert {state.key for state in states.listed(cache / "machines") if state.users()} == {"below"}
    assert {state.key for state in states.listed(copy) if state.users()} == set()
    assert len(states.prune(copy, 0)) == 2


def test_states_of_an_older_imagegen_go(root: Path, base: Path) -> None:
    """Their record names the base by an absolute path; nothing can use them, and they take gigabytes."""
    made = _made(root, "one", base)
    facts = {"about": "", "backing": str(base), "sizes": {}}
    (made.folder / states.FACTS).unlink()
    (made.folder / states.FACTS).write_text(json.dumps(facts))
    assert states.listed(root) == []
    assert states.sweep(root) == [f"half of the saved machine {made.folder.name}"]
    assert not made.folder.exists()
