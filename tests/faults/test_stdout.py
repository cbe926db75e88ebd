"""A standard output that cannot be written: nothing is left behind for that."""

import os
import subprocess
import sys
from pathlib import Path

from tests import invariants
from tests.faults.conftest import Disk, StandIn, World
from tests.support.waiting import HANG_SECONDS


def _apply(workspace: Path, stdout: int) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "generator", "apply", str(workspace), "--json"]
    return subprocess.run(argv, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=HANG_SECONDS)


def test_a_full_disk_under_what_a_build_tells(workspace: Path, base: Path, terraform: StandIn, world: World) -> None:
    """It ends, with the reason on stderr."""
    terraform.fails("none", "")
    full = os.open("/dev/full", os.O_WRONLY)
    done = _apply(workspace, full)
    os.close(full)
    assert done.returncode == 1
    assert done.stderr == "error: standard output: No space left on device\n"
    invariants.nothing_is_left(workspace, world.state_dir)


def test_a_disk_that_is_full_once_a_build_fails(
    workspace: Path, base: Path, terraform: StandIn, world: World, disk: Disk
) -> None:
    """The first that cannot be told is that what was started is ended; it is ended."""
    terraform.fails("apply", f"head -c 1000000 /dev/zero >{disk.path}/ballast; exit 1")
    with (disk.path / "told").open("w") as told:
        os.truncate(told.fileno(), 0)
        done = _apply(workspace, told.fileno())
    assert done.returncode == 1
    assert "error: " in done.stderr
    invariants.nothing_is_left(workspace, world.state_dir)


def test_a_reader_that_leaves(workspace: Path, base: Path, terraform: StandIn, world: World) -> None:
    """As in `imagegen apply --json | head -1`."""
    terraform.fails("none", "")
    reader, writer = os.pipe()
    os.close(reader)
    done = _apply(workspace, writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
    invariants.nothing_is_left(workspace, world.state_dir)
