"""Cached steps: only what changed runs, what comes out is the same, and nobody gets what is another's."""

import json
from pathlib import Path
from typing import Any

import pytest

from generator.local import bases, states
from generator.local.states import Ground
from generator.settings import Settings
from tests.conftest import SHARED_CACHE
from tests.invariants import at_rest
from tests.machine.conftest import Imagegen, Write, inside
from tests.machine.trees import OF_TIME, differing, tree

pytestmark = pytest.mark.machine

FIRST = "echo ran | sudo tee -a /opt/once; sleep 4"  # each long enough to be kept
SECOND = "echo kept | sudo tee /opt/second /dev/shm/second; sleep 4"
TWO_STEPS = ["prepare", "010 step 1", "020 step 2"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of these tests' own, but for the bases."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "bases").symlink_to(SHARED_CACHE / "bases")
    return folder


@pytest.fixture
def imagegen(imagegen: Imagegen, cache: Path) -> Imagegen:
    """The command with that cache."""
    imagegen.environment |= {"IMAGEGEN_CACHE_DIR": str(cache), "IMAGEGEN_NO_CACHE": ""}
    return imagegen


def _events(text: str, kind: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in text.splitlines()]
    return [event for event in told if event["event"] == kind]


def _cached(imagegen: Imagegen, *arguments: str | Path) -> list[str]:
    """Build, and return the titles of the steps that came from the cache."""
    done = imagegen("apply", *arguments, "--json")
    return [event["title"] for event in _events(done.stdout, "step_cached")]


def _planned(imagegen: Imagegen, *arguments: str | Path) -> list[str]:
    """The titles of the steps that would come from the cache."""
    plan = json.loads(imagegen("plan", *arguments, "--json").stdout)
    return sorted(change["title"] for phase in plan["phases"] for change in phase["changes"] if "cached" in change)


def test_an_edit_of_the_last_step_runs_that_alone_and_makes_the_same_image(
    imagegen: Imagegen, template: Write, tmp_path: Path
) -> None:
    """As a build without the cache, which neither takes nor leaves anything there."""
    out = tmp_path / "small"
    imagegen("apply", template(FIRST, SECOND, "echo 1 | sudo tee /opt/third"), "--target", "local", "--out", out)
    path = template(FIRST, SECOND, "cat /dev/shm/second | sudo tee /opt/third")
    assert _planned(imagegen, path, "--target", "local", "--out", out) == sorted(TWO_STEPS)
    assert _cached(imagegen, path, "--target", "local", "--out", out) == TWO_STEPS
    kept = _folders(imagegen)
    assert _cached(imagegen, out, "--no-cache") == []
    assert _folders(imagegen) == kept
    images = [out / f"images/out/1.0.{patch}/image.vhd" for patch in (1, 2)]
    for image in images:
        assert inside(image, "/opt/once") == b"ran\n"
        assert inside(image, "/opt/third") == b"kept\n"
    one, other = (tree(image, tmp_path / image.parent.name) for image in images)
    assert len(one) > 5000
    assert set(differing(one, other)) - set(OF_TIME) == set()
    at_rest(out, imagegen.state_dir)


def test_steps_run_again_from_where_they_were_changed_or_are_told_to(
    imagegen: Imagegen, template: Write, tmp_path: Path, cache: Path
) -> None:
    """What runs because it is told to takes the place of what was kept."""
    out = tmp_path / "small"
    told = ("--target", "local", "--out", out)
    path = template(FIRST, SECOND, "true")
    imagegen("apply", path, *told)
    assert _planned(imagegen, path, *told)[:2] == ["010 step 1", "020 step 2"]
    assert _planned(imagegen, path, *told, "--no-cache") == []
    assert _planned(imagegen, path, *told, "--no-cache-from", "step 2") == ["010 step 1", "prepare"]
    assert _planned(imagegen, template(f"{FIRST}; true", SECOND, "true"), *told) == []
    refused = imagegen("plan", out, "--no-cache-from", "step 9", code=1)
    assert "no step is named `step 9`" in refused.stderr
    path = template(FIRST, SECOND, "true")
    before = _folder_of(cache, "020-step-2")
    assert _cached(imagegen, path, *told, "--no-cache-from", "step 2") == ["prepare", "010 step 1"]
    after = _folder_of(cache, "020-step-2")
    assert (len(before), len(after)) == (1, 1)
    assert before != after


@pytest.mark.long
def test_two_builds_from_one_layer_at_once_have_identities_of_their_own(
    imagegen: Imagegen, template: Write, tmp_path: Path
) -> None:
    """Host key, machine-id and randomness; and a key that the other's owner has not got."""
    outs = [tmp_path / "one", tmp_path / "two"]
    imagegen("apply", template(FIRST, SECOND, "true"), "--target", "local", "--out", outs[0])
    look = (
        "(cat /etc/machine-id ~/.ssh/authorized_keys /proc/sys/kernel/random/uuid;"
        " sudo ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key) | sudo tee /opt/own"
    )
    path = template(FIRST, SECOND, look)
    builds = [imagegen.start("apply", path, "--target", "local", "--out", out, "--json") for out in outs]
    for build in builds:
        said, _ = build.communicate()
        assert build.returncode == 0, said
        assert [event["title"] for event in _events(said, "step_cached")] == TWO_STEPS
    own = [_own(outs[0] / "images/out/1.0.1"), _own(outs[1] / "images/out/1.0.0")]
    assert [len(lines) for lines in own] == [4, 4]
    assert all(one != other for one, other in zip(*own, strict=True)), own
    for out in outs:
        at_rest(out, imagegen.state_dir)


@pytest.mark.long
def test_a_layer_that_does_not_go_on_means_that_all_steps_run(
    imagegen: Imagegen, template: Write, tmp_path: Path, cache: Path
) -> None:
    """Nothing is left out because it was believed to be done."""
    out = tmp_path / "small"
    imagegen("apply", template(FIRST, SECOND, "true"), "--target", "local", "--out", out)
    for state in states.sound(states.folder(cache), _ground()):
        if not state.memory:  # a layer
            _damage(state)
    done = imagegen("apply", template(FIRST, SECOND, "echo last"), "--target", "local", "--out", out)
    assert "what cached steps left is gone meanwhile: they are run" in done.stderr
    assert inside(out / "images/out/1.0.1/image.vhd", "/opt/once") == b"ran\n"
    at_rest(out, imagegen.state_dir)


@pytest.mark.long
def test_a_build_that_went_on_after_a_failure_is_in_no_other(
    imagegen: Imagegen, template: Write, tmp_path: Path
) -> None:
    """Half a step may be in its machine, and whatever somebody did there."""
    out = tmp_path / "small"
    told = ("--target", "local", "--out", out)
    imagegen(
        "apply",
        template("true", "echo half | sudo tee /opt/half; exit 3"),
        *told,
        "--on-error",
        "abort",
        "--no-cache",
        code=1,
    )
    mended = template("true", "sleep 5")
    assert "going on with the build" in imagegen("apply", mended, *told).stderr
    assert inside(out / "images/out/1.0.0/image.vhd", "/opt/half") == b"half\n"
    assert "020 step 2" not in _planned(imagegen, mended, *told)


@pytest.mark.long
def test_what_is_kept_is_listed_and_freed(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """A limit that a layer is beyond lets it go as soon as its build is done with it."""
    out = tmp_path / "small"
    imagegen("apply", template(FIRST, SECOND, "true"), "--target", "local", "--out", out)
    listed = imagegen("cache", "list")
    assert "small, up to 010-step-1" in listed.stdout
    assert "debian-12" in listed.stdout
    assert "of 10.0 GiB (cache_size)" in listed.stderr
    freed = json.loads(imagegen("cache", "prune", "--all", "--json").stdout)
    assert freed["freed"] > 100 * 1024**2
    assert json.loads(imagegen("cache", "list", "--json").stdout)["cache"] == []
    imagegen.environment["IMAGEGEN_CACHE_SIZE"] = "300M"
    assert "not kept: its " in imagegen("apply", out).stderr
    imagegen("cache", "prune")
    together = sum(one["bytes"] for one in json.loads(imagegen("cache", "list", "--json").stdout)["cache"])
    assert together <= 300 * 1024**2


def _folders(imagegen: Imagegen) -> dict[str, str]:
    """Where everything is that is kept: folder => what it is."""
    known = json.loads(imagegen("cache", "list", "--json").stdout)["cache"]
    return {one["folder"]: one["about"] for one in known}


def _folder_of(cache: Path, step: str) -> list[Path]:
    """Where what builds go on from is, of a step. What a later layer stands on may be there still, for that alone."""
    sound = states.sound(states.folder(cache), _ground())
    return [state.folder for state in sound if state.about == f"small, up to {step}"]


def _ground() -> Ground:
    base = bases.ensure(Settings(cache_dir=SHARED_CACHE), "debian-12", print)
    return Ground(base.disk, base.digest)


def _own(image: Path) -> list[str]:
    return (inside(image / "image.vhd", "/opt/own") or b"").decode().splitlines()


def _damage(state: states.State) -> None:
    """Cut off what the machine is restored from, and let the state's facts agree."""
    content = state.devices.read_bytes()
    state.devices.chmod(0o600)
    state.devices.write_bytes(content[: len(content) // 2])
    facts = json.loads((state.folder / states.FACTS).read_text())
    facts["sizes"][states.DEVICES] = state.devices.stat().st_size
    (state.folder / states.FACTS).unlink()
    (state.folder / states.FACTS).write_text(json.dumps(facts))
