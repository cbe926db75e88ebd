"""`releases retire`, cut off anywhere: the next command finishes it, and the version is in service or gone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import invariants
from tests.faults.conftest import IMAGE, RELEASE, StandIn, World
from tests.hostile.examine import command
from tests.support.waiting import HANG_SECONDS, wait_until

RETIRE = [sys.executable, "-m", "generator", "releases", "retire"]


@pytest.fixture
def two(released: Path, world: World) -> Path:
    """Two released versions, which Terraform's state has too."""
    later = json.loads(json.dumps(IMAGE).replace("1.0.0", "1.0.1"))
    folder = released / later["directory"]
    folder.mkdir()
    (folder / "image.vhd").write_bytes(b"the image")
    (folder / "manifest.json").write_text(json.dumps(later["manifest"] | {"size": 9}))
    invariants.write_ledger(
        released, {"1.0.0": RELEASE, "1.0.1": RELEASE | {"images": {"out": later}, "version": "1.0.1"}}
    )
    _left_behind(released)
    assert command("cleanup", released).code == 0
    invariants.at_rest(released, world.state_dir)
    return released


def _left_behind(workspace: Path) -> None:
    """Have the next command look at everything, as after a build that was killed."""
    (workspace / ".imagegen").mkdir(exist_ok=True)
    (workspace / ".imagegen/journal.json").write_text(
        json.dumps({"version": "1.0.2", "phase": "build", "directory": "", "pid": 1})
    )


def _status(workspace: Path, version: str) -> str:
    return str(invariants.read_ledger(workspace)[version]["status"])


@pytest.mark.parametrize("then", ["cleanup", "retire", "apply"])
@pytest.mark.parametrize("during", ["state", "apply"])
def test_a_retirement_that_is_killed_is_finished(
    two: Path, base: Path, terraform: StandIn, world: World, during: str, then: str
) -> None:
    """By whatever comes next. The ledger says first what is meant, so that it never has an image that is gone."""
    terraform.fails(during, "kill -KILL $PPID; sleep 1")
    killed = subprocess.run([*RETIRE, two, "1.0.0", "--yes"], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (_status(two, "1.0.0"), _status(two, "1.0.1")) == ("retired", "released")
    terraform.fails("none", "")
    while "the retirement of 1.0.0 was killed, and what it ran is still ending" in (told := command("status", two).out):
        pass
    assert "the retirement of 1.0.0 was left behind" in told
    assert "a retirement of 1.0.0 is not at its end here" in command("plan", two).err
    if then == "retire":
        said = command("releases", "retire", two, "1.0.0", "--yes")
        assert (said.code, said.err.splitlines()[-1]) == (0, "retired 1.0.0")
    elif then == "cleanup":
        said = command("cleanup", two)
        assert (said.code, said.err) == (0, "ended: retirement of 1.0.0\n")
    else:
        terraform.fails("apply", f'case "$*" in *build.tfvars.json*) exit 1;; *) exec {terraform.real} "$@";; esac')
        said = command("apply", two)
        assert "note: ended what was left behind: retirement of 1.0.0\n" in said.err
        assert "starts anew" not in said.err
    invariants.at_rest(two, world.state_dir)
    assert invariants.images_on_disk(two) == {"out/1.0.1"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_lets_terraform_write_its_state(
    two: Path, terraform: StandIn, world: World, tmp_path: Path, number: signal.Signals
) -> None:
    """Taking an image out of the state is not cut off in the middle, and what has begun is finished."""
    waits = f"while ! [ -e {tmp_path}/go ]; do sleep 0.05; done"
    script = f'[ "$2" = rm ] && {{ touch {tmp_path}/writes; {waits}; }}; exec {terraform.real} "$@"'
    terraform.fails("state", script)
    child = subprocess.Popen([*RETIRE, two, "1.0.0", "--yes"], stderr=subprocess.PIPE, text=True)
    wait_until((tmp_path / "writes").exists)
    child.send_signal(number)
    (tmp_path / "go").touch()
    said = child.communicate(timeout=HANG_SECONDS)[1]
    assert child.returncode == 130
    assert "note: interrupted: 1.0.0 is retired; removing what is left of it\nerror: interrupted\n" in said
    assert _status(two, "1.0.0") == "retired"
    invariants.at_rest(two, world.state_dir)


def test_a_retirement_that_was_killed_before_the_ledger_said_so_has_not_begun(two: Path, world: World) -> None:
    """The version stays in service."""
    (two / ".imagegen").mkdir()
    (two / ".imagegen/journal.json").write_text(
        json.dumps({"version": "1.0.0", "phase": "retire", "directory": "", "pid": os.getpid()})
    )
    assert command("cleanup", two).code == 0
    assert _status(two, "1.0.0") == "released"
    invariants.at_rest(two, world.state_dir)


def test_a_retirement_whose_journal_is_spoiled_is_finished(two: Path, terraform: StandIn, world: World) -> None:
    """What the ledger has as retired is looked for."""
    terraform.fails("state", "kill -KILL $PPID; sleep 1")
    subprocess.run([*RETIRE, two, "1.0.0", "--yes"], capture_output=True, check=False)
    terraform.fails("none", "")
    (two / ".imagegen/journal.json").write_bytes(b"{")
    assert command("cleanup", two).code == 0
    invariants.at_rest(two, world.state_dir)


def test_a_build_that_broke_is_not_ended_by_a_retirement(two: Path, world: World) -> None:
    """Its machine may be wanted."""
    _left_behind(two)
    said = command("releases", "retire", two, "1.0.0", "--yes")
    assert said.code == 1
    assert "error: a build of 1.0.2 is not at its end here\nhint: end it with `imagegen cleanup" in said.err
    assert command("cleanup", two).code == 0
    invariants.at_rest(two, world.state_dir)


def test_only_what_was_in_service_is_retired(two: Path, world: World) -> None:
    """By its number; once more is no harm."""
    for _ in range(2):
        said = command("releases", "retire", two, "1.0.0", "--yes")
        assert (said.code, said.err) == (0, "retired 1.0.0\n")
    said = command("releases", "retire", two, "9.9.9", "--yes")
    assert said.err == "error: version 9.9.9 is not in service\nhint: released are: 1.0.1\n"
    invariants.at_rest(two, world.state_dir)


def test_a_retirement_that_was_begun_elsewhere_is_left_to_who_asks_for_it(two: Path, world: World) -> None:
    """A journal and a ledger come with a checkout, and would have images removed that are somebody else's."""
    ledger = invariants.read_ledger(two)
    ledger["1.0.0"]["status"] = "retired"
    invariants.write_ledger(two, ledger)
    for written in (b"{", json.dumps({"version": "1.0.0", "phase": "retire", "directory": "", "pid": 1}).encode()):
        (two / ".imagegen").mkdir()
        (two / ".imagegen/journal.json").write_bytes(written)
        said = command("cleanup", two)
        assert said.code == 0
        assert f"is left as it is: `imagegen releases retire {two} 1.0.0`" in said.err
        assert (two / "images/out/1.0.0/image.vhd").exists()
    assert command("releases", "retire", two, "1.0.0", "--yes").code == 0
    invariants.at_rest(two, world.state_dir)
