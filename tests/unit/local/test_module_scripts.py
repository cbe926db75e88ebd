"""The scripts that Terraform runs for a machine: they end or keep what is recorded, and nothing else."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from generator import resources
from generator.system.process import Process
from tests.support.waiting import HANG_SECONDS

STOP = resources.folder("modules") / "local/vm/stop.sh"
REMOVE = resources.folder("modules") / "local/staging/remove.sh"
KEEP = resources.folder("modules") / "local/vm/keep.sh"


def record(folder: Path, process: Process) -> Path:
    """A machine's record, as the machine program writes it."""
    path = folder / "machine.json"
    path.write_text(json.dumps({"name": "web", "pid": process.pid, "start_time": process.start_time, "ssh_port": 1}))
    return path


def test_stop_ends_the_recorded_process(tmp_path: Path) -> None:
    """And forgets it; a second time there is nothing to do."""
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path) as child:
        start_time = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19])
        path = record(tmp_path, Process(child.pid, start_time))
        for _ in range(2):
            subprocess.run(["/bin/sh", STOP, tmp_path], check=True)
        assert not path.exists()
        assert child.wait(HANG_SECONDS) == -15


def test_stop_spares_a_process_that_only_has_the_same_id(tmp_path: Path) -> None:
    """Ids are used again."""
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path) as child:
        record(tmp_path, Process(child.pid, 1))
        subprocess.run(["/bin/sh", STOP, tmp_path], check=True)
        assert child.poll() is None
        child.kill()


def test_stop_spares_the_machine_of_the_folder_that_this_is_a_copy_of(tmp_path: Path) -> None:
    """A state that was copied leads there, or the whole folder was."""
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.mkdir()
    copy.mkdir()
    with subprocess.Popen(["sleep", "60"], cwd=original) as child:
        start_time = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19])
        record(copy, Process(child.pid, start_time))
        subprocess.run(["/bin/sh", STOP, copy], check=True)
        assert child.poll() is None
        child.kill()


@pytest.mark.parametrize("name", ["plain", "with space", "it's $HOME", "-rf"])
def test_remove_takes_the_machines_files_and_the_folder(tmp_path: Path, name: str) -> None:
    """Whatever the folder is called."""
    folder = tmp_path / name
    folder.mkdir()
    for file in ("disk.qcow2", "console.log", "machine.json"):
        (folder / file).touch()
    subprocess.run(["/bin/sh", REMOVE, folder], check=True)
    assert not folder.exists()
    subprocess.run(["/bin/sh", REMOVE, folder], check=True)


def test_remove_leaves_a_folder_with_anything_else_in_it(tmp_path: Path) -> None:
    """The path comes from a state file: a stranger's must not cost the user a folder."""
    (tmp_path / "thesis.txt").touch()
    done = subprocess.run(["/bin/sh", REMOVE, tmp_path], capture_output=True, check=False)
    assert done.returncode != 0
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize(("age", "said"), [(0, ""), (2, ""), (4, "save it {}\n"), (100, "save it {}\n")])
def test_keep_saves_where_that_pays(tmp_path: Path, age: int, said: str) -> None:
    """The record's time is when the machine was started, or saved last."""
    path = record(tmp_path, Process(1, 1))
    os.utime(path, (time.time() - age,) * 2)
    command = ["/bin/sh", str(KEEP), str(tmp_path), "echo", "save it", "{}"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == said


def test_keep_has_nothing_to_do_without_a_machine(tmp_path: Path) -> None:
    """No machine of ours is recorded there."""
    assert subprocess.run(["/bin/sh", KEEP, tmp_path, "false"], check=False).returncode == 0
