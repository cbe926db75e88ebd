"""Interrupts at bad moments, and what a machine's program leaves when it is killed: the next command is not stopped."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.builder.build import Build
from generator.cli import app as cli
from tests import invariants
from tests.faults.conftest import StandIn, World
from tests.hostile.documents import SOURCE
from tests.hostile.examine import command
from tests.support.waiting import HANG_SECONDS, wait_until


def _apply(workspace: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "generator", "apply", str(workspace)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip


def _in_phase(workspace: Path, phase: str) -> None:
    journal = workspace / ".imagegen/journal.json"
    wait_until(lambda: journal.exists() and f'"{phase}"' in journal.read_text(), pause=0.002)


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 4, 6, 8, 12, 20])
def test_a_program_that_is_just_being_started_is_ended_too(
    workspace: Path, base: Path, terraform: StandIn, world: World, milliseconds: int
) -> None:
    """Else it would make things beside the clean-up."""
    terraform.fails("apply", 'case "$*" in *build.tfvars*) exec sleep 1000;; esac; exec ' + terraform.real + ' "$@"')
    child = _apply(workspace)
    _in_phase(workspace, "build")
    time.sleep(milliseconds / 1000)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 130, err
    invariants.nothing_is_left(workspace, world.state_dir)


def test_a_terminal_that_closes_says_so_twice(
    workspace: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """Its shell does, and the kernel: the clean-up is not cut off."""
    terraform.fails("apply", f'case "$*" in *build.tfvars*) touch {tmp_path}/ready; exec sleep 1000;; esac; '
                             f'sleep 1; exec {terraform.real} "$@"')  # fmt: skip
    child = _apply(workspace)
    wait_until((tmp_path / "ready").exists)
    for pause in (0.001, 0.3, 0.0):
        child.send_signal(signal.SIGHUP)
        time.sleep(pause)
    _, err = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 130, err
    assert "interrupted: ending what was started" in err
    invariants.nothing_is_left(workspace, world.state_dir)


def _left_behind(workspace: Path, world: World) -> Path:
    """A killed build, with a machine's folder that the state has too."""
    build = world.state_dir / "builds/0123456789ab"
    (build / "machine").mkdir(parents=True)
    (build / "workspace").write_text(str(workspace.resolve()))
    (workspace / ".imagegen").mkdir()
    journal = {"version": "1.0.0", "phase": "build", "directory": str(build), "pid": 1}
    (workspace / ".imagegen/journal.json").write_text(json.dumps(journal))
    output = {"value": {"directory": str(build / "machine")}, "type": ["object", {"directory": "string"}]}
    attributes = {"id": "1", "input": output, "output": output, "triggers_replace": None}
    resource = {
        "module": "module.staging[0]", "mode": "managed", "type": "terraform_data", "name": "this",
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [{"schema_version": 0, "attributes": attributes}],
    }  # fmt: skip
    state = {"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "x", "resources": [resource]}
    (workspace / "terraform.tfstate").write_text(json.dumps(state))
    return build / "machine"


@pytest.mark.parametrize("left", ["host-keys.abcdefgh/ed25519", "core", "tmpabcdefgh/x"])
def test_what_a_killed_program_left_in_a_machines_folder_stops_nothing(
    workspace: Path, world: World, left: str
) -> None:
    """The folder goes with all that is in it."""
    machine = _left_behind(workspace, world)
    (machine / left).parent.mkdir(exist_ok=True)
    (machine / left).write_text("")
    said = command("cleanup", workspace)
    assert said.code == 0, said.err
    invariants.nothing_is_left(workspace, world.state_dir)


def test_a_clean_up_needs_no_base(template: Path, tmp_path: Path, world: World) -> None:
    """The cache of a pipeline is gone, or an imported base was removed."""
    value = json.loads(template.read_text())
    value["properties"]["source"] = SOURCE | {"publisher": "contoso", "offer": "img", "sku": "one"}
    template.write_text(json.dumps(value))
    out = tmp_path / "out"
    assert command("generate", template, "--target", "local", "--out", out).code == 0
    assert "no local base" in command("apply", out).err
    _left_behind(out, world)
    said = command("cleanup", out)
    assert said.code == 0, said.err
    invariants.nothing_is_left(out, world.state_dir)


def test_half_of_a_saved_machine_goes_at_the_next_command(workspace: Path, world: World) -> None:
    """Its maker was killed; it may be of the size of a machine's memory."""
    (world.cache_dir / "machines/key.0123abcd/uses").mkdir(parents=True)
    (world.cache_dir / "machines/key.0123abcd/memory").write_text("")
    assert command("cleanup", workspace).err == "ended: half of the saved machine key.0123abcd\n"
    assert not (world.cache_dir / "machines/key.0123abcd").exists()


def test_the_same_workspace_twice_is_refused(workspace: Path) -> None:
    """The second would only be in the way of the first."""
    said = command("apply", workspace, f"{workspace}/", "--parallel", "2")
    assert said.code == 2
    assert "is named twice" in said.err


def test_a_build_that_is_out_of_time_is_ended(
    workspace: Path, base: Path, terraform: StandIn, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its limit is told in the template's words; here it is a second in place of minutes."""

    def begin(build: Build) -> None:
        build.deadline = build.terraform.deadline = time.monotonic() + 1

    monkeypatch.setattr(Build, "begin", begin)
    terraform.fails("apply", f'case "$*" in *build.tfvars*) exec sleep 1000;; esac; exec {terraform.real} "$@"')
    said = command("apply", workspace)
    assert said.code == 1
    assert "min, its time limit\nhint: raise buildTimeoutInMinutes in the template" in said.err
    assert "was not done after" in said.err
    invariants.nothing_is_left(workspace, world.state_dir)


def test_an_interrupt_before_a_command_begins_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the command line library makes its parser."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    assert cli.run(["status", "."]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
