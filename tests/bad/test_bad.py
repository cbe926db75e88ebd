"""Broken templates: each gets a readable, complete report and exit code 1. `python -m tests.bad.regenerate`"""

import json

import pytest

from generator.cli import app as cli
from tests.bad.regenerate import CASES, FOLDER, report


@pytest.mark.parametrize("name", CASES)
def test_the_whole_report(name: str) -> None:
    code, text = report(name)
    assert code == 1
    assert text == (FOLDER / f"{name}.txt").read_text("utf-8")
    assert "Traceback" not in text
    assert "HUNTER2" not in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_there_are_fifty() -> None:
    assert len(CASES) >= 50


def test_all_at_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Several files in one go, as JSON: the same problems, each with its file, and none of them valid."""
    monkeypatch.chdir(FOLDER)
    plain = [name for name in CASES if not (FOLDER / f"{name}.args").exists()]
    assert cli.run(["validate", "--json", *(f"{name}.json" for name in plain)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {entry["file"] for entry in told["templates"] if not entry["valid"]} == {f"{name}.json" for name in plain}
    for name in plain:
        text = (FOLDER / f"{name}.txt").read_text("utf-8")
        for problem in told["problems"]:
            if problem["file"] == f"{name}.json":
                assert f"{name}.json:{problem['line']}:{problem['column']}: {problem['level']}: " in text
