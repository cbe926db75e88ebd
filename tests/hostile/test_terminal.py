"""What others wrote reaches a terminal as printing text only, by whichever way we show it."""

import json
import logging
from pathlib import Path

import pytest

from generator.cli import console, json_events, verbose
from generator.errors import ImagegenError, StepFailed
from generator.system import run
from tests.hostile.documents import PIECES
from tests.hostile.examine import Findings, Said, command, told_plainly

ALL = "".join(PIECES)


def _plain(said: Said) -> None:
    findings = Findings()
    told_plainly(said, findings, "shown")
    assert findings.wrong == []


def test_every_way_of_showing(capsys: pytest.CaptureFixture[str]) -> None:
    """Steps, their output, notes, errors, results, questions, tables and commands."""
    human, programs = console.HumanEvents(), json_events.JsonEvents("web")
    for events in (human, programs):
        events.phase("build", ALL)
        events.started(ALL, ALL)
        events.output(ALL, ALL)
        events.finished(ALL, ALL, 1.0, False)
        events.note(ALL)
        events.result({"name": ALL, "version": ALL, "seconds": 1.0,
                       "images": [{"path": ALL, "size": 1, "sha256": ALL}]})  # fmt: skip
    console.show_error(StepFailed(ALL, step=ALL, script=ALL, tail=[ALL], hint=ALL))
    console.ask(ALL, yes=False)
    console.put(ALL)
    console.put(console.table([[ALL]], ["X"]))
    console.put_json(json_events.error(ImagegenError(ALL, ALL)))
    _plain(Said(0, *capsys.readouterr()))


def test_every_line_of_json_is_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is lost there: what could steer a terminal is written as an escape."""
    console.put_json({"text": ALL})
    assert json.loads(capsys.readouterr().out) == {"text": ALL}


def test_a_hostile_title_makes_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """A note that looks like ours but comes from a template."""
    console.HumanEvents().finished("step", "x\nreleased everything", 1.0, True)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_commands_are_shown_without_what_is_in_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`imagegen -v`, of which an argument may be anybody's."""
    logger = logging.getLogger("generator.system.run")
    before, level = list(logger.handlers), logger.level
    verbose.show_commands()
    run.run(["true", "\x1b[2J\nx"])
    logger.handlers[:] = before
    logger.setLevel(level)
    said = capsys.readouterr().err
    assert said.startswith("+ true ")
    _plain(Said(0, "", said))


def test_a_strangers_journal_is_shown_plainly(workspace: Path, tmp_path: Path) -> None:
    """`status` tells what it says, as text."""
    (workspace / ".imagegen").mkdir()
    journal = {"version": ALL, "phase": ALL, "directory": str(tmp_path), "pid": 1, "kept": False}
    (workspace / ".imagegen/journal.json").write_text(json.dumps(journal))
    _plain(command("status", workspace))
    _plain(command("status", workspace, "--json"))


def test_a_plan_is_shown_plainly(template: Path, tmp_path: Path) -> None:
    """Titles and destinations are a template's own words."""
    value = json.loads(template.read_text())
    value["properties"]["customize"] = [
        {"type": "File", "name": piece, "sourceUri": "script.sh", "destination": f"/tmp/{number}{piece.strip()}x"}
        for number, piece in enumerate(PIECES)
        if not set("\0\\\u0301") & set(piece)
    ]
    template.write_text(json.dumps(value))
    said = command("plan", template, "--target", "local", "--out", tmp_path / "made")
    assert said.code == 0, said.err
    _plain(said)


ODD = "\udcff\x1b[2J"


def test_bytes_that_are_no_text(template: Path, tmp_path: Path) -> None:
    """Names of files and values of flags may hold any byte; each is told or taken, and is no bug of ours."""
    odd, made = template.rename(tmp_path / f"{ODD}.json"), tmp_path / ODD
    _plain(command("validate", odd))
    _plain(command("validate", odd, "--json"))
    _plain(command("validate", odd, "--set", f"x={ODD}"))
    _plain(command("validate", tmp_path / f"no{ODD}.json"))
    _plain(command("validate", tmp_path / f"no{ODD}.json", "--json"))
    _plain(command("generate", odd.rename(template), "--target", "local", "--out", made))
    for name in ("plan", "status", "releases", "cleanup"):
        _plain(command(name, made))
    _plain(command("generate", made, "--dry-run"))


def test_a_template_whose_name_is_no_text(template: Path, tmp_path: Path) -> None:
    """A workspace is named after it all the same."""
    odd = template.rename(tmp_path / f"a{ODD}.json")
    _plain(command("generate", odd, "--target", "local", "--out", tmp_path / "made"))
