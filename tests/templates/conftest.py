"""The fixture of these tests."""

from pathlib import Path

import pytest

from tests.templates.command import Command


@pytest.fixture
def imagegen(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return Command(capsys, tmp_path)
