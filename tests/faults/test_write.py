"""A workspace that is being written when imagegen is killed: nothing of it counts as edited by hand afterwards."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import World
from tests.hostile.examine import command

# Die once so many files are written; the first argument says how many.
DRIVER = """
import os, signal, sys
from generator.cli import app as cli
from generator.workspace import store
left = int(sys.argv[1])
write = store.atomic_write
def counted(*arguments, **options):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    write(*arguments, **options)
store.atomic_write = counted
sys.exit(cli.run(sys.argv[2:]))
"""


def _killed(after: int, *arguments: str | Path) -> bool:
    """Whether it was killed before its end."""
    done = subprocess.run([sys.executable, "-c", DRIVER, str(after), *arguments], capture_output=True, check=False)
    return done.returncode == -signal.SIGKILL


def _edited(template: Path, line: str) -> None:
    value = json.loads(template.read_text())
    value["properties"]["customize"] = [{"type": "Shell", "name": name, "inline": [line]} for name in ("one", "two")]
    template.write_text(json.dumps(value))


@pytest.mark.parametrize("after", [0, 1, 2, 3, 5, 20, 43])
def test_a_new_workspace(template: Path, tmp_path: Path, world: World, after: int) -> None:
    """It is finished by the next command, also from a template that was edited since."""
    out = tmp_path / "out"
    generate = ("generate", template, "--target", "local", "--out", out)
    assert _killed(after, *generate)
    _edited(template, "echo edited")
    said = command(*generate)
    assert said.code == 0, said.err
    assert command("generate", out, "--check").code == 0


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 5])
def test_an_edited_workspace(template: Path, tmp_path: Path, world: World, after: int) -> None:
    """The same; and once the template is in place, the workspace finishes itself."""
    out = tmp_path / "out"
    generate = ("generate", template, "--target", "local", "--out", out)
    assert command(*generate).code == 0
    _edited(template, "echo edited")
    assert _killed(after, *generate)
    if after > 3:
        assert command("generate", out).code == 0
    _edited(template, "echo edited again")
    said = command(*generate)
    assert said.code == 0, said.err
    assert command("generate", out, "--check").code == 0
