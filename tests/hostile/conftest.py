"""A generated workspace, as a stranger may have committed it."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.documents import SOURCE
from tests.hostile.examine import command

SECONDS = 60.0  # no command here waits for anything; one that takes so long hangs


class Hangs(BaseException):
    """A command waits for what never comes."""


def _hangs(_number: int, _frame: object) -> None:
    raise Hangs


@pytest.fixture(autouse=True)
def _promptly() -> Iterator[None]:
    """A command that hangs fails its test."""
    before = signal.signal(signal.SIGALRM, _hangs)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template with a step of each kind of source."""
    (tmp_path / "script.sh").write_text("true\n")
    steps = [{"type": "Shell", "name": "one", "inline": ["true"]}, {"type": "Shell", "scriptUri": "script.sh"}]
    body = {
        "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "location": "westeurope",
        "properties": {
            "source": SOURCE, "customize": steps, "distribute": [{"type": "VHD", "runOutputName": "out"}],
        },
    }  # fmt: skip
    path = tmp_path / "small.json"
    path.write_text(json.dumps(body))
    return path


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Path:
    """The workspace of that template."""
    assert command("generate", template, "--target", "local", "--out", tmp_path / "made").code == 0
    return tmp_path / "made"
