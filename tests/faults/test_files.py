"""Files of ours that are cut off, spoiled or of another kind: told in words, never taken for empty, never lost."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import invariants
from tests.faults.conftest import LEDGER, World
from tests.hostile.examine import Said, command
from tests.support.waiting import HANG_SECONDS

JOURNAL = {"version": "1.0.1", "phase": "build", "directory": "/nowhere", "pid": 1, "kept": False}
SPOILED = {
    "empty": b"", "zeros": bytes(300), "binary": bytes(range(256)), "number": b"5", "list": b"[]", "object": b"{}",
    "null": b"null", "utf-16": '{"a": 1}'.encode("utf-16"),
    "huge number": b'{"schema": 1' + b"0" * 5000 + b"}", "nan": b'{"releases": NaN}',
}  # fmt: skip
DEEP = b"[" * 100_000


def _spoiled(**more: bytes) -> list[Any]:
    """Each spoiled content under its name, and some of the file's own."""
    return [pytest.param(content, id=name) for name, content in (SPOILED | more).items()]


def _told(said: Said, *words: str) -> None:
    """Refused in one line, at the end, and a hint if there is anything to do."""
    assert said.code == 1, said
    assert all(word in said.err for word in words), said.err
    lines = [line for line in said.err.splitlines() if not line.startswith("hint: ")]
    assert lines[-1].startswith("error: "), said.err
    assert sum(line.startswith("error: ") for line in lines) == 1, said.err


@pytest.mark.parametrize("content", _spoiled(cut=LEDGER[:-1], half=LEDGER[:50], more=LEDGER + b"}"))
def test_a_spoiled_ledger(released: Path, world: World, content: bytes) -> None:
    """No command goes on without it: it would give a number again, or lose an image."""
    (released / invariants.LEDGER.format("1.0.0")).write_bytes(content)
    before = invariants.contents(released / "images")
    for name in ("releases", "status", "plan", "apply"):
        _told(command(name, released), invariants.LEDGER.format("1.0.0"), "damaged")
    assert invariants.contents(released / "images") == before
    assert (released / invariants.LEDGER.format("1.0.0")).read_bytes() == content
    invariants.nothing_is_left(released, world.state_dir)


@pytest.mark.parametrize("content", _spoiled(half=json.dumps(JOURNAL).encode()[:40]))
def test_a_spoiled_journal(released: Path, world: World, content: bytes) -> None:
    """It tells of a build of which nothing is known, and `cleanup` ends what that left."""
    journal = released / ".imagegen/journal.json"
    journal.parent.mkdir()
    journal.write_bytes(content)
    left = world.state_dir / "builds/abc"
    left.mkdir(parents=True)
    (left / "workspace").write_text(str(released.resolve()))
    before = invariants.contents(released / "images")
    assert "was left behind in phase unknown" in command("status", released).out
    assert "see `imagegen status" in command("plan", released).err
    assert command("cleanup", released).code == 0
    assert invariants.contents(released / "images") == before
    invariants.nothing_is_left(released, world.state_dir)


@pytest.mark.parametrize("content", _spoiled())
def test_a_spoiled_lock_file(released: Path, content: bytes) -> None:
    """The workspace is left as it is."""
    (released / "imagegen.lock.json").write_bytes(content)
    before = invariants.contents(released)
    for name in ("status", "plan", "apply", "cleanup", "releases", "generate"):
        _told(command(name, released), "imagegen.lock.json is damaged", "restore it from git")
    assert invariants.contents(released) == before


@pytest.mark.parametrize("content", _spoiled(half=LEDGER[:50]))
def test_a_spoiled_pending_release(released: Path, world: World, content: bytes) -> None:
    """It was cut off before an image was begun: nothing of what is released changes."""
    build = world.state_dir / "builds/0123456789ab"
    build.mkdir(parents=True)
    (build / "workspace").write_text(str(released.resolve()))
    (build / "pending.tfvars.json").write_bytes(content)
    before = invariants.contents(released / "images")
    said = command("cleanup", released)
    assert said.code == 0, said.err
    assert invariants.contents(released / "images") == before
    assert (released / invariants.LEDGER.format("1.0.0")).read_bytes() == LEDGER
    invariants.nothing_is_left(released, world.state_dir)


STATE = b'{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {}, "resources": []}'


@pytest.mark.parametrize("content", _spoiled(half=STATE[:60], newer=STATE.replace(b"4", b"99", 1)))
def test_a_spoiled_state(released: Path, world: World, content: bytes) -> None:
    """Terraform refuses it; images, ledger and the file itself stay, and without it all is taken in again."""
    state = released / "terraform.tfstate"
    state.write_bytes(content)
    before = invariants.contents(released / "images")
    for name in ("plan", "cleanup"):
        said = command(name, released)
        assert "Traceback" not in said.err
        if said.code:
            _told(said, "terraform", "state")
    assert invariants.contents(released / "images") == before
    assert (released / invariants.LEDGER.format("1.0.0")).read_bytes() == LEDGER
    state.unlink(missing_ok=True)
    assert command("plan", released).code == 0
    invariants.nothing_is_left(released, world.state_dir)


@pytest.mark.parametrize("content", _spoiled())
def test_a_spoiled_parameter_file(template: Path, tmp_path: Path, content: bytes) -> None:
    """A file that is none is told with its name; one that says nothing changes nothing."""
    parameters = tmp_path / "given.json"
    parameters.write_bytes(content)
    said = command("validate", template, "--parameters", parameters)
    assert said.code in (0, 1), said
    assert said.code == 0 or "given.json" in said.err, said.err


@pytest.mark.parametrize("content", _spoiled())
def test_a_spoiled_base(base: Path, content: bytes) -> None:
    """It is as if it were not there: the next build makes it anew."""
    (base / "base.json").write_bytes(content)
    listed = command("base", "list", "--json")
    assert (listed.code, listed.err) == (0, ""), listed
    assert json.loads(listed.out) == {"bases": []}


def test_a_ledger_that_is_too_deep(workspace: Path) -> None:
    """A stranger's; chance makes none."""
    invariants.write_ledger(workspace, {"1.0.0": {}})
    (workspace / invariants.LEDGER.format("1.0.0")).write_bytes(DEEP)
    _told(command("status", workspace), "damaged")


@pytest.fixture
def kept(workspace: Path, world: World) -> Path:
    """The folder of a machine that is kept for a look."""
    machine = world.state_dir / "builds/abc/machine"
    machine.mkdir(parents=True)
    (machine.parent / "workspace").write_text(str(workspace.resolve()))
    (workspace / ".imagegen").mkdir()
    journal = JOURNAL | {"directory": str(machine.parent), "kept": True}
    (workspace / ".imagegen/journal.json").write_text(json.dumps(journal))
    return machine


@pytest.mark.parametrize("content", _spoiled())
def test_a_spoiled_record_of_a_machine(workspace: Path, kept: Path, world: World, content: bytes) -> None:
    """It is told, and what it was of is ended."""
    (kept / "machine.json").write_bytes(content)
    shown = command("status", workspace)
    assert shown.code == 0
    assert "machine.json is damaged: " in shown.out
    assert "(hint: `imagegen cleanup DIR` ends its machine" in shown.out
    _told(command("ssh", workspace), "machine.json is damaged", "hint: `imagegen cleanup DIR` ends its machine")
    assert command("cleanup", workspace).code == 0
    invariants.nothing_is_left(workspace, world.state_dir)


# Listens where QEMU does, in the machine's folder, and heeds nothing but signals.
LISTENS = "import socket; s = socket.socket(socket.AF_UNIX); s.bind('qmp.sock'); s.listen(); print(flush=True); input()"


@pytest.mark.parametrize("damaged", [True, False])
def test_a_machine_that_its_record_does_not_name_is_ended(
    workspace: Path, kept: Path, world: World, damaged: bool
) -> None:
    """It is told by its socket then; no other process is ended in its place, such as one that the record names now."""
    argv = [sys.executable, "-c", LISTENS]
    with (
        subprocess.Popen(argv, cwd=kept, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as its,
        subprocess.Popen(argv, cwd=workspace.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other,
    ):
        for one in (its, other):
            assert one.stdout
            one.stdout.readline()
        record = {
            "name": "a", "pid": other.pid, "start_time": 1, "ssh_port": 1, "user": "imagegen", "accelerator": "tcg",
            "started": "cold", "layer": "",
        }  # fmt: skip
        (kept / "machine.json").write_text("" if damaged else json.dumps(record))
        said = command("cleanup", workspace)
        assert said.code == 0, said.err
        assert its.wait(HANG_SECONDS) == -signal.SIGTERM
        assert other.poll() is None
        other.kill()
    invariants.nothing_is_left(workspace, world.state_dir)


@pytest.mark.parametrize("content", [b"\xff", b"=", b"[target]\n", b"target = 5\n", b"unknown = 1\n", bytes(9)])
def test_spoiled_settings(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Which file, and what is wrong with it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imagegen.toml").write_bytes(content)
    _told(command("validate", template), "imagegen.toml")


def test_a_clock_that_jumps(workspace: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what is generated nor what is waited for depends on the time of day."""
    for now in (0.0, 4e9, 1.0):
        monkeypatch.setattr("time.time", lambda now=now: now)
        assert command("generate", workspace, "--check").code == 0
        assert command("plan", workspace).code == 0
