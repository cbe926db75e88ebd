"""Terraform missing, too old, crashing, babbling and stuck."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from generator.system import run
from tests import invariants
from tests.faults.conftest import StandIn, World
from tests.hostile.examine import Said, command
from tests.support.waiting import HANG_SECONDS, wait_until


def test_terraform_is_not_there(workspace: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named, with where to get it; what needs none works."""
    monkeypatch.setenv("IMAGEGEN_TERRAFORM", str(workspace / "no-terraform"))
    for name in ("plan", "apply", "cleanup"):
        said = command(name, workspace)
        assert said.code == 1
        assert "not installed: terraform" in said.err, said.err
        assert "https://developer.hashicorp.com/terraform/install" in said.err
    assert command("status", workspace).code == 0
    invariants.nothing_is_left(workspace, world.state_dir)


@pytest.mark.parametrize("broken", ["not a program", ""])
def test_terraform_is_no_program(workspace: Path, terraform: StandIn, broken: str) -> None:
    """A file that cannot be run, or is not for this computer."""
    terraform.path.write_bytes(b"\x7fELF" + broken.encode())
    terraform.path.chmod(0o755)
    said = command("plan", workspace)
    assert said.code == 1
    assert str(terraform.path) in said.err, said.err


CRASHES = [
    "kill -SEGV $$",
    "kill -KILL $$",
    "exit 2",
    r"printf '\033[2J\000\377\n'; exit 1",
    "head -c 3000000 /dev/urandom; exit 1",
    """echo '[1]'; echo '{}'; echo '"x"'; exit 1""",
    "echo 'Error: everything'; exit 1",
]


@pytest.mark.parametrize("script", CRASHES)
@pytest.mark.parametrize("during", ["init", "plan"])
def test_terraform_crashes_at_a_plan(
    workspace: Path, terraform: StandIn, world: World, during: str, script: str
) -> None:
    """Which command failed, and how, in a line."""
    terraform.fails(during, script)
    said = command("plan", workspace)
    assert said.code == 1, said.err
    assert f"terraform {during}" in said.err, said.err
    assert "\x1b" not in said.err
    invariants.nothing_is_left(workspace, world.state_dir)


@pytest.mark.parametrize("script", CRASHES)
@pytest.mark.parametrize("during", ["apply", "state"])
def test_terraform_crashes_in_a_build(
    workspace: Path, base: Path, terraform: StandIn, world: World, during: str, script: str
) -> None:
    """Before anything was made: the build ends, and a later command finds nothing."""
    terraform.fails(during, script)
    said = command("apply", workspace)
    assert said.code == 1, said.err
    assert "terraform" in said.err
    terraform.fails("none", "")
    assert command("cleanup", workspace).code == 0
    invariants.nothing_is_left(workspace, world.state_dir)


PANIC = r"printf 'panic: everything\n\ngoroutine 1 [running]:\nmain.main()\n\t/walk.go:307 +0xfb3\n'"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (f"{PANIC}; exit 11", "panic: everything"),
        ("kill -SEGV $$", "it was ended by signal 11"),
        ("echo no such version; exit 127", "no such version (exit code 127)"),
    ],
)
def test_a_crash_is_told_by_what_it_says_first(workspace: Path, terraform: StandIn, script: str, reason: str) -> None:
    """And not by the end of its stack."""
    terraform.fails("plan", script)
    assert f"error: terraform plan crashed: {reason}\n" in command("plan", workspace).err


def test_a_listener_that_fails_after_the_end_is_what_is_told() -> None:
    """Not that there is no such process any more."""

    def fails(_line: str) -> None:
        time.sleep(0.3)
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        run.stream(["echo", "a line"], fails)


# What Terraform leaves that dies: a provider lives on, and heeds no interrupt.
LEFT = """(trap '' INT; touch LEFT; exec sleep 1000) & while ! [ -e LEFT ]; do sleep 0.01; done"""


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_what_a_crashed_terraform_had_started_is_ended(
    workspace: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path, number: int
) -> None:
    """Else a machine would come up after its build was ended."""
    left = LEFT.replace("LEFT", f"{tmp_path}/left")
    terraform.fails("apply", f"{left}; cd {tmp_path}; kill -{int(number)} $$")
    said = command("apply", workspace)
    assert f"terraform apply crashed: it was ended by signal {int(number)}" in said.err
    assert _sleeping(tmp_path) == []
    invariants.nothing_is_left(workspace, world.state_dir)


def test_what_is_left_when_imagegen_and_terraform_were_killed_is_ended_by_the_next_command(
    workspace: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """At once: nobody else ends a provider."""
    left = LEFT.replace("LEFT", f"{tmp_path}/left")
    terraform.fails("apply", f"{left}; echo $$ >{tmp_path}/leader; touch {tmp_path}/ready; exec sleep 1001")
    child = _start("apply", workspace)
    _wait_for(tmp_path / "ready")
    child.send_signal(signal.SIGSTOP)
    os.kill(int((tmp_path / "leader").read_text()), signal.SIGKILL)
    child.kill()
    child.communicate(timeout=HANG_SECONDS)
    wait_until(lambda: len(_sleeping(workspace)) == 1)  # the leader is just going
    terraform.fails("none", "")
    ended = command("cleanup", workspace)
    assert ended.code == 0
    assert "waiting" not in ended.err
    assert _sleeping(workspace) == []
    invariants.nothing_is_left(workspace, world.state_dir)


def _sleeping(folder: Path) -> list[str]:
    """Who sleeps in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "comm").read_text() == "sleep\n" and (process / "cwd").readlink().is_relative_to(folder):
                found.append(process.name)
    return found


def test_an_end_that_crashes_is_tried_once_more(
    workspace: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """All of it may be done again."""
    crashed = tmp_path / "crashed"
    terraform.fails("state", f'[ -e {crashed} ] || {{ touch {crashed}; kill -KILL $$; }}; exec {terraform.real} "$@"')
    told = command("cleanup", workspace)
    assert crashed.exists()
    assert told.code == 0, told.err


@pytest.mark.parametrize("line", ['{"type": "diagnostic"}', '{"type": "planned_change", "change": 5}'])
def test_json_that_is_no_event_is_output(workspace: Path, terraform: StandIn, line: str) -> None:
    """A program in between may print its own."""
    terraform.fails("plan", f"echo '{line}'; exit 1")
    assert command("plan", workspace).code == 1


def test_terraform_is_too_old(workspace: Path) -> None:
    """It says itself which version the workspace asks for."""
    wanted = (workspace / "terraform.tf").read_text()
    (workspace / "terraform.tf").write_text(wanted.replace(">= 1.11", ">= 1.990").replace("< 2.0", "< 3.0"))
    said = command("plan", workspace, "--trust")
    assert said.code == 1
    assert "does not support Terraform version" in said.err, said.err


def _start(*arguments: str | Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "generator", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=dict(os.environ), start_new_session=True,
    )  # fmt: skip


def _wait_for(path: Path) -> None:
    wait_until(path.exists)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_terraform_hangs_and_is_interrupted(
    workspace: Path, terraform: StandIn, world: World, tmp_path: Path, number: int
) -> None:
    """Ctrl-C, SIGTERM and a closed terminal end it in the same way."""
    terraform.fails("plan", f"touch {tmp_path}/hangs; exec sleep 1000")
    child = _start("plan", workspace)
    _wait_for(tmp_path / "hangs")
    child.send_signal(number)
    out, err = child.communicate(timeout=HANG_SECONDS)
    assert (child.returncode, out) == (130, "")
    assert "Traceback" not in err
    invariants.nothing_is_left(workspace, world.state_dir)


def test_a_terraform_that_heeds_no_interrupt_is_killed_by_the_second(
    workspace: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """Nobody has to look for it."""
    asked = tmp_path / "asked"
    terraform.fails("plan", f"trap 'touch {asked}' INT; touch {tmp_path}/hangs; while :; do sleep 0.05; done")
    child = _start("plan", workspace)
    _wait_for(tmp_path / "hangs")
    child.send_signal(signal.SIGINT)
    _wait_for(asked)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 130
    invariants.no_process(workspace, tmp_path)
    invariants.nothing_is_left(workspace, world.state_dir)


def test_a_build_whose_terraform_hangs_is_interrupted(
    workspace: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """The build is ended, and its key with it."""
    terraform.fails("apply", f"touch {tmp_path}/hangs; exec sleep 1000")
    child = _start("apply", workspace)
    _wait_for(tmp_path / "hangs")
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 130, err
    assert "interrupted: ending what was started" in err
    invariants.nothing_is_left(workspace, world.state_dir)


def _killed_in_terraform(workspace: Path, terraform: StandIn, tmp_path: Path, script: str) -> Said:
    """What `status` says of a build that was killed (-9) in an apply that ran this script; then it is cleaned up."""
    terraform.fails("apply", script.replace("READY", f"touch {tmp_path}/ready"))
    child = _start("apply", workspace)
    _wait_for(tmp_path / "ready")
    child.kill()
    child.communicate(timeout=HANG_SECONDS)
    told = command("status", workspace)
    (tmp_path / "told").touch()
    terraform.fails("none", "")
    assert command("cleanup", workspace).code == 0
    return told


def test_a_killed_build_is_ended_by_the_next_command(
    workspace: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """kill -9: its Terraform ends with it, `status` tells, `cleanup` ends the rest, and what Terraform leaves."""
    script = "touch errored.tfstate .terraform.tfstate.lock.info; READY; exec sleep 1000"
    assert "was left behind" in _killed_in_terraform(workspace, terraform, tmp_path, script).out
    invariants.nothing_is_left(workspace, world.state_dir)


def test_what_a_killed_build_ran_is_told_of_and_waited_for(
    workspace: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """Its Terraform writes its state for as long as that takes."""
    script = f"trap '' INT; READY; while ! [ -e {tmp_path}/told ]; do sleep 0.05; done"
    assert "what it ran is still ending" in _killed_in_terraform(workspace, terraform, tmp_path, script).out
    invariants.nothing_is_left(workspace, world.state_dir)
