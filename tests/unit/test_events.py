"""The events that `--json` writes have the shape that EVENTS.md documents."""

import json
import re
from pathlib import Path

import pytest

from generator.cli import json_events
from generator.errors import ImagegenError, StepFailed

DOCUMENT = (Path(json_events.__file__).parent / "EVENTS.md").read_text("utf-8")
COMMON = {"schema", "time", "build", "event", "step", "message"}


def _documented() -> dict[str, set[str]]:
    """Event => its own fields, as the table has them."""
    table = DOCUMENT[DOCUMENT.index("| event | when") :].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    return {
        re.sub("`", "", name): set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", own))) for name, _, own, *_ in rows
    }


def _written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    events = json_events.JsonEvents("web")
    events.phase("check", "a source")
    events.started("010-x", "010 x")
    events.output("010-x", "a line")
    events.finished("010-x", "010 x", 1.5, True)
    events.cached("010-x", "010 x")
    events.note("worth knowing")
    events.result({"name": "web", "version": "1.0.0", "folder": "web", "seconds": 3.0, "images": []})
    failed = StepFailed("failed", step="010-x", script="scripts/010-x.sh", tail=["last"])
    failed.about = {"build": "web", "folder": "web", "version": "1.0.0"}
    return [*map(json.loads, capsys.readouterr().out.splitlines()), json_events.error(failed)]


def test_every_event_has_the_documented_fields(capsys: pytest.CaptureFixture[str]) -> None:
    documented = _documented()
    written = _written(capsys)
    assert {event["event"] for event in written} == set(documented)
    for event in written:
        assert set(event) >= COMMON
        own = set(event) - COMMON
        assert own <= documented[str(event["event"])], event
        assert event["build"] == "web"


def test_the_examples_of_the_document_have_them_too() -> None:
    examples = [json.loads(line) for line in re.findall(r"^\{.*\}$", DOCUMENT, re.MULTILINE)]
    assert {one["event"] for one in examples} >= {"phase", "output", "result", "error"}
    assert all(set(one) >= COMMON for one in examples)


def test_an_error_outside_a_build_has_the_same_shape() -> None:
    event = json_events.error(ImagegenError("refused", "do this"))
    assert set(event) >= COMMON
    assert (event["build"], event["folder"], event["version"]) == (None, None, None)
    assert event["hint"] == "do this"
