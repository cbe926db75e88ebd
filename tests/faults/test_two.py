"""Two commands in one workspace, and several builds of one command, interrupted once, twice and three times."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import invariants
from tests.faults.conftest import StandIn, World
from tests.hostile.examine import command
from tests.support.waiting import HANG_SECONDS, wait_until


def _start(*arguments: str | Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "generator", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=dict(os.environ), start_new_session=True,
    )  # fmt: skip


def _wait_for(folder: Path, pattern: str, count: int) -> list[Path]:
    wait_until(lambda: len(list(folder.glob(pattern))) >= count)
    return sorted(folder.glob(pattern))


def test_the_second_waits_with_wait_and_is_refused_without(
    workspace: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """Both name the first."""
    terraform.fails("apply", f"touch {tmp_path}/at-work; while ! [ -e {tmp_path}/go ]; do sleep 0.01; done; exit 1")
    first = _start("apply", workspace)
    _wait_for(tmp_path, "at-work", 1)
    refused = command("apply", workspace)
    assert refused.code == 1
    assert f"another imagegen (process {first.pid}) is at work in {workspace}" in refused.err
    assert "or give --wait" in refused.err
    assert f"a build runs (process {first.pid})" in command("status", workspace).out
    second = _start("apply", workspace, "--wait")
    assert second.stderr is not None
    waits = next(line for line in second.stderr if "waiting" in line)
    assert waits == f"note: waiting for process {first.pid}, which is at work here\n"
    (tmp_path / "go").touch()
    assert first.wait(HANG_SECONDS) == 1
    _, err = second.communicate(timeout=HANG_SECONDS)
    assert second.returncode == 1
    assert "terraform apply" in err
    invariants.nothing_is_left(workspace, world.state_dir)


@pytest.mark.parametrize("change", ["a file that Terraform loads", "the template"])
def test_what_changes_while_one_waits_is_not_built(
    workspace: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path, template: Path, change: str
) -> None:
    """It is read and compared once the other has ended."""
    terraform.fails("apply", f"touch {tmp_path}/at-work; while ! [ -e {tmp_path}/go ]; do sleep 0.01; done; exit 1")
    first = _start("apply", workspace)
    _wait_for(tmp_path, "at-work", 1)
    second = _start("apply", workspace, "--wait")
    assert second.stderr is not None
    next(line for line in second.stderr if "waiting" in line)
    if change == "the template":
        (workspace / "template.json").write_text(template.read_text().replace('"true"', '"false"'))
    else:
        (workspace / "evil.tf").write_text("")
    terraform.fails("apply", f"touch {tmp_path}/second; exit 1")
    (tmp_path / "go").touch()
    first.communicate(timeout=HANG_SECONDS)
    told = second.communicate(timeout=HANG_SECONDS)[1]
    assert second.returncode == 1
    assert "is not as generated from its template" in told
    assert ("scripts/010-one.sh" if change == "the template" else "evil.tf") in told
    invariants.no_process(workspace)
    assert not (workspace / ".imagegen").exists()


def test_a_lock_of_a_dead_process_is_taken_over(workspace: Path, world: World) -> None:
    """The kernel has let go of it."""
    (workspace / ".imagegen").mkdir()
    (workspace / ".imagegen/lock").write_text("1 5")
    assert command("cleanup", workspace).code == 0
    invariants.nothing_is_left(workspace, world.state_dir)


@pytest.fixture
def pair(template: Path, tmp_path: Path) -> list[Path]:
    """Two workspaces."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        assert command("generate", template, "--target", "local", "--out", folder).code == 0
    return folders


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_one_interrupt_ends_every_build(
    pair: list[Path], base: Path, terraform: StandIn, world: World, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Each cleans up, and is heard until it has."""
    terraform.fails("apply", f"touch {tmp_path}/at-work-$$; exec sleep 1000")
    child = _start("apply", *pair, "--parallel", "2", *options)
    _wait_for(tmp_path, "at-work-*", 2)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 130, err
    assert "ending 2 builds" in err
    told = out if options else err
    assert told.count("interrupted: ending what was started") == 2, told
    for folder in pair:
        invariants.nothing_is_left(folder, world.state_dir)


def test_a_second_interrupt_reaches_what_heeds_none(
    pair: list[Path], base: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """Terraform is killed, and the builds end."""
    terraform.fails("apply", f"trap 'touch {tmp_path}/asked-$$' INT; touch {tmp_path}/at-work-$$; {SLEEPS}")
    child = _start("apply", *pair, "--parallel", "2")
    _wait_for(tmp_path, "at-work-*", 2)
    child.send_signal(signal.SIGINT)
    _wait_for(tmp_path, "asked-*", 2)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 130, err
    invariants.no_process(*pair, tmp_path)
    for folder in pair:
        assert command("cleanup", folder).code == 0
        invariants.nothing_is_left(folder, world.state_dir)


SLEEPS = "while :; do sleep 0.05; done"


def test_a_build_that_heeds_no_interrupt_is_killed_and_said_to_be(
    pair: list[Path], base: Path, terraform: StandIn, world: World, tmp_path: Path
) -> None:
    """The third waits for nobody."""
    terraform.fails(
        "apply", f"echo $PPID >{tmp_path}/parent-$$; mv {tmp_path}/parent-$$ {tmp_path}/at-work-$$; {SLEEPS}"
    )
    child = _start("apply", *pair, "--parallel", "2")
    builds = [int(path.read_text()) for path in _wait_for(tmp_path, "at-work-*", 2)]
    for build in builds:
        os.kill(build, signal.SIGSTOP)
    for _ in range(3):
        child.send_signal(signal.SIGINT)
        time.sleep(0.5)
    _, err = child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 130, err
    assert err.count("killed; `imagegen cleanup DIR` of its workspace ends what is left") == 2, err
    for folder in pair:
        assert command("cleanup", folder).code == 0
    for folder in pair:
        invariants.nothing_is_left(folder, world.state_dir)


def test_a_value_for_several_builds_is_on_no_command_line(
    template: Path, base: Path, terraform: StandIn, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a secret; nor does the log tell it, nor what is left of a program that crashes."""
    both = [tmp_path / "one.json", tmp_path / "two.json"]
    for path in both:
        path.write_text(template.read_text().replace('"true"', '"test -n <what>"'))
    terraform.fails(
        "apply", f"tr '\\0' ' ' </proc/$PPID/cmdline >{tmp_path}/at-work-$$; ulimit -c >>{tmp_path}/cores; exit 1"
    )
    monkeypatch.chdir(tmp_path)
    said = command("-v", "apply", *both, "--target", "local", "--set", "what=planted\nvalue")
    assert said.code == 1
    seen = [path.read_text() for path in tmp_path.glob("at-work-*")]
    assert [text.count("apply") for text in seen] == [1, 1], said.err
    assert "planted" not in "".join(seen) + said.out + said.err
    assert (tmp_path / "cores").read_text().split() == ["0", "0"]
    scripts = [path.read_text() for path in tmp_path.rglob("scripts/010-*")]
    assert len(scripts) == 2
    assert all("planted\nvalue" in text for text in scripts)


def test_a_value_for_workspaces_is_refused(pair: list[Path], terraform: StandIn) -> None:
    """They have theirs: it would be dropped in silence."""
    said = command("apply", *pair, "--set", "what=value")
    assert said.code == 2
    assert "--set cannot change the workspace" in said.err
