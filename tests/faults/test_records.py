"""Records of our own in which a part is of another kind: every command that reads one says so, and none trips."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generator.builder import folders, secrets
from generator.builder.target import Resolved
from tests import invariants
from tests.faults.conftest import RELEASE, StandIn, World
from tests.hostile.examine import command
from tests.support.waiting import HANG_SECONDS

ODD: list[Any] = [None, 5, [], {}, "\0", "\ud800", "x" * 5000, True, 10**400]
DEEP = "[" * 100_000
JOURNAL = {"version": "1.0.1", "phase": "distribute", "directory": "/nowhere", "pid": 1, "kept": False, "step": "",
           "source": {"exact": "e", "version": "1", "facts": {}}, "resumed": False}  # fmt: skip
MACHINE = {"name": "m", "pid": 1, "start_time": 1, "ssh_port": 1, "user": "u", "accelerator": "tcg", "started": "cold",
           "layer": ""}  # fmt: skip


def _spoilt(whole: dict[str, Any]) -> list[str]:
    """The record with each of its parts of each other kind, and what is no record at all."""
    found = [json.dumps(whole | {name: odd}) for name in whole for odd in ODD]
    return [*found, DEEP, '{"a":' * 50_000, "NaN", "[]", "5", "null"]


def _sound(*arguments: str | Path) -> None:
    said = command(*arguments)
    assert said.code in (0, 1), said
    assert "bug in imagegen" not in said.err


def test_a_journal(workspace: Path, world: World) -> None:
    """It tells of a build of which nothing is known."""
    path = workspace / ".imagegen/journal.json"
    path.parent.mkdir()
    for content in _spoilt(JOURNAL):
        path.write_text(content)
        _sound("status", workspace)
    assert command("cleanup", workspace).code == 0
    invariants.nothing_is_left(workspace, world.state_dir)


@pytest.mark.parametrize("facts", [5, None, [], {"image_for": 5}, {"size": True}, {"plan": 1.5}])
def test_what_a_journal_says_of_the_source(facts: Any) -> None:
    """Only what a target may have found out is taken for its word."""
    with pytest.raises(ValueError, match="of another kind"):
        Resolved.of({"exact": "e", "version": "1", "facts": facts})
    known = {"image_for": ["a"], "plan": None, "size": "s"}
    assert Resolved.of({"exact": "e", "version": "1", "facts": known}) == Resolved("e", "1", known)


def test_a_record_of_a_machine(workspace: Path, world: World) -> None:
    """What is asked of the machine tells that it is damaged; its cleanup asks who listens at its socket: nobody."""
    machine = world.state_dir / "builds/abc/machine"
    machine.mkdir(parents=True)
    (machine.parent / "workspace").write_text(str(workspace.resolve()))
    (workspace / ".imagegen").mkdir()
    (workspace / ".imagegen/journal.json").write_text(json.dumps(JOURNAL | {"directory": str(machine.parent)}))
    for content in _spoilt(MACHINE):
        (machine / "machine.json").write_text(content)
        _sound("ssh", workspace)
    (machine / "machine.json").write_text(DEEP)
    assert "machine.json is damaged: it is nested too deeply" in command("ssh", workspace).err
    said = command("cleanup", workspace)
    assert (said.code, said.err) == (0, "ended: build of 1.0.1 (phase distribute)\n")
    invariants.nothing_is_left(workspace, world.state_dir)


def test_saved_machines_and_bases(base: Path, world: World) -> None:
    """They are as if they were not there."""
    state = world.cache_dir / "machines/key.0123abcd"
    (state / "uses").mkdir(parents=True)
    whole = json.loads((base / "base.json").read_text())
    for content in _spoilt({"about": "x", "backing": "/x", "sizes": {}}):
        (state / "state.json").write_text(content)
        _sound("cache", "list")
    for content in _spoilt(whole):
        (base / "base.json").write_text(content)
        _sound("base", "list")
    _sound("cache", "prune")


def test_settings(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no number can be is told of."""
    monkeypatch.chdir(tmp_path)
    nines = "9" * 400
    for content in (f"a = {DEEP}", f"update_rounds = {'9' * 5000}", f'cache_size = "{nines}"'):
        (tmp_path / "imagegen.toml").write_text(content)
        said = command("validate", template)
        assert said.code == 1, said
    (tmp_path / "imagegen.toml").unlink()


def test_the_ledger_of_another_target(workspace: Path) -> None:
    """A local workspace has no images in Azure: nothing is begun, and nothing is taken out of service."""
    azure = {"id": "/x", "kind": "ManagedImage", "resource": "/x", "source_id": "", "tags": {}}
    invariants.write_ledger(workspace, {"1.0.0": RELEASE | {"images": {"out": azure}}})
    for arguments in (("plan", workspace), ("cleanup", workspace), ("releases", "retire", workspace, "1.0.0", "--yes")):
        said = command(*arguments)
        assert said.code == 1
        assert "is of another target" in said.err


def test_a_released_workspace_keeps_its_target(released: Path, template: Path) -> None:
    """Else nothing could be done with what was released."""
    value = json.loads(template.read_text())
    image = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/r/providers/Microsoft.Compute/images/x"
    value["properties"]["distribute"] = [
        {"type": "ManagedImage", "imageId": image, "location": "westeurope", "runOutputName": "out"}
    ]
    template.write_text(json.dumps(value))
    before = invariants.contents(released)
    said = command("generate", template, "--target", "azure", "--out", released)
    assert said.code == 1
    assert "is of another target" in said.err
    assert invariants.contents(released) == before


@pytest.mark.parametrize(("closed", "told"), [(">&-", ""), ("2>&-", "1.0.0"), ("<&-", "1.0.0"), (">&- 2>&- <&-", "")])
def test_standard_streams_that_are_closed(released: Path, closed: str, told: str) -> None:
    """What is opened next is none of them."""
    argv = f'exec "{sys.executable}" -m generator status "{released}" {closed}'
    done = subprocess.run(["sh", "-c", argv], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert told in done.stdout
    assert bool(told) == bool(done.stdout)


def test_wrong_usage_that_nobody_can_be_told(tmp_path: Path) -> None:
    """It is wrong usage all the same."""
    done = subprocess.run(["sh", "-c", f'"{sys.executable}" -m generator --nope 2>/dev/full'], check=False)
    assert done.returncode == 2


@pytest.mark.parametrize("at", range(6))
def test_a_builds_folder_that_is_half_removed_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Its mark goes last, whatever is cut off."""
    folder = tmp_path / "state/builds/abc"
    folders.claim(folder, tmp_path)
    (folder / "machine").mkdir()
    for name in ("key", "key.pub", secrets.VAR_FILE, "begun.json"):
        (folder / name).write_text("")
    left = iter(range(at))
    unlink, rmtree = Path.unlink, shutil.rmtree

    def cut_off(remove: Any, *arguments: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        remove(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda path: cut_off(unlink, path))
        patched.setattr(shutil, "rmtree", lambda path: cut_off(rmtree, path))
        with pytest.raises(KeyboardInterrupt):
            folders.remove(folder)
    assert folders.of_workspace(tmp_path, tmp_path / "state", None) == [folder]
    folders.remove(folder)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["plan", "cleanup"])
def test_an_interrupt_is_heeded_in_words(
    workspace: Path, terraform: StandIn, base: Path, tmp_path: Path, name: str
) -> None:
    """At once, and what to do comes after."""
    terraform.fails("init|plan|state", f"touch {tmp_path}/ready; exec sleep 1000")
    (workspace / ".imagegen").mkdir()
    argv = [sys.executable, "-m", "generator", name, str(workspace)]
    child = subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stderr
    while not (tmp_path / "ready").exists():
        assert child.poll() is None
    child.terminate()
    assert child.stderr.readline() == "interrupted: what runs comes to its end; once more ends it at once\n"
    err = child.stderr.read()
    assert child.wait(HANG_SECONDS) == 130
    assert err.splitlines()[-1] == "error: interrupted"
