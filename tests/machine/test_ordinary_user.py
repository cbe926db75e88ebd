"""Builds as an ordinary user, who may not write to what is read-only: warm, cached and failing ones."""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.local import recipe
from tests.conftest import SHARED_CACHE
from tests.invariants import at_rest
from tests.machine import ordinary
from tests.machine.conftest import Imagegen, Write, inside

pytestmark = pytest.mark.machine

KEPT = "echo first | sudo tee /opt/first; sleep 4"  # long enough to be kept


@pytest.fixture
def user() -> Iterator[ordinary.User]:
    if os.geteuid() != 0:
        pytest.skip("only root makes another user; these tests run as an ordinary one already")
    with ordinary.user() as made:
        yield made


@pytest.fixture
def imagegen(user: ordinary.User) -> Iterator[Imagegen]:
    """The command as that user, with the base image in a cache of its own."""
    cache, state = user.home / "cache", user.home / "state"
    base = SHARED_CACHE / "bases" / recipe.key("debian-12")
    (cache / "bases").mkdir(parents=True)
    subprocess.run(["cp", "-a", "--sparse=always", base, cache / "bases"], check=True)
    user.own(cache)
    command = Imagegen(state, (*user.prefix(), str(user.python), "-m", "generator"))
    command.environment |= {
        "HOME": str(user.home), "IMAGEGEN_CACHE_DIR": str(cache), "IMAGEGEN_NO_CACHE": "",
    }  # fmt: skip
    yield command
    command.end()


def _lines(text: str, event: str) -> list[str]:
    found = [json.loads(line) for line in text.splitlines()]
    return [one["message"] if event == "output" else one.get("title", "") for one in found if one["event"] == event]


def _open_to_others(*folders: Path) -> list[str]:
    """What somebody else may look at below these folders, themselves included."""
    found = [path for folder in folders for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    assert len(found) > 10
    return [f"{stat.S_IMODE(path.stat().st_mode):o} {path}" for path in found if path.stat().st_mode & 0o077]


def test_an_ordinary_user_builds_warm_from_the_cache_and_fails_cleanly(
    imagegen: Imagegen, user: ordinary.User, template: Write
) -> None:
    """Warm from the VM that the first build saves; cached where only the last step changed; and a step that fails
    leaves a VM to look at, and nothing once that is cleaned up. All the while cache and state are the user's alone."""
    cache, state, out = user.home / "cache", user.home / "state", user.home / "out"
    path = user.home / "small.json"

    def put(*steps: str) -> Path:
        shutil.copyfile(template(*steps), path)
        user.own(path)
        return path

    told = ("--target", "local", "--out", out, "--json")
    first = imagegen("apply", put(KEPT, "echo 1 | sudo tee /opt/last"), *told, cwd=user.home).stdout
    assert any("warm start" in line for line in _lines(first, "output")), first
    assert not any("does not go on" in line for line in _lines(first, "output")), first
    assert _open_to_others(cache, state) == []

    second = imagegen("apply", put(KEPT, "echo 2 | sudo tee /opt/last"), *told, cwd=user.home).stdout
    assert _lines(second, "step_cached") == ["prepare", "010 step 1"]
    assert any("warm start" in line for line in _lines(second, "output")), second
    assert not any("booting" in line for line in _lines(second, "output")), second
    assert inside(out / "images/out/1.0.1/image.vhd", "/opt/last") == b"2\n"

    failed = imagegen(
        "apply", put(KEPT, "exit 3"), *told, "--on-error", "abort", code=1, cwd=user.home
    ).stdout  # fmt: skip
    assert "`020 step 2` failed: exit code 3" in failed
    sockets = list(state.rglob("*.sock"))
    assert len(sockets) == 2
    assert _open_to_others(cache, state) == []
    cleaned = imagegen("cleanup", out, cwd=user.home)
    assert "ended: build of 1.0.2" in cleaned.stderr
    at_rest(out, state)
    assert {one.lstat().st_uid for one in (*cache.rglob("*"), *state.rglob("*"))} == {user.account.pw_uid}
