"""Progress and errors for programs: one JSON object a line on stdout. EVENTS.md documents them."""

import time
from typing import Any

from generator.cli import console
from generator.errors import ImagegenError, InvalidTemplate, StepFailed

SCHEMA = 1  # raised when a field is removed or changes its meaning; new fields and events may come at any time


class JsonEvents:
    """The listener of one build. build: its name, which tells it from others in one stream."""

    def __init__(self, build: str) -> None:
        self.build = build

    def _put(self, event: str, message: str, step: str | None = None, **values: Any) -> None:
        console.put_json(_event(self.build, event, message, step) | values)

    def phase(self, name: str, detail: str) -> None:
        """See events.Events."""
        self._put("phase", f"{name} {detail}".strip(), phase=name, detail=detail)

    def started(self, step: str, title: str) -> None:
        """See events.Events."""
        self._put("step_started", f"{title} started", step, title=title)

    def output(self, step: str, line: str) -> None:
        """See events.Events."""
        self._put("output", line, step)

    def finished(self, step: str, title: str, seconds: float, ok: bool) -> None:
        """See events.Events."""
        outcome = f"{title} {'done' if ok else 'FAILED'} ({seconds:.1f} s)"
        self._put("step_finished", outcome, step, title=title, seconds=round(seconds, 3), ok=ok)

    def cached(self, step: str, title: str) -> None:
        """See events.Events."""
        self._put("step_cached", f"{title} cached", step, title=title)

    def note(self, text: str) -> None:
        """See events.Events."""
        self._put("note", text)

    def result(self, value: dict[str, Any]) -> None:
        """See events.Events."""
        done = "released" if value["images"] else "validated"
        self._put("result", f"{value['name']} {value['version']} {done} in {value['seconds']:.0f} s", **value)


def _event(build: str | None, event: str, message: str, step: str | None) -> dict[str, Any]:
    key = step and step.removeprefix("step_").replace("_", "-")  # the name of its module call has both
    return {
        "build": build, "event": event, "message": message, "schema": SCHEMA, "step": key,
        "time": round(time.time(), 3),
    }  # fmt: skip


def error(problem: ImagegenError) -> dict[str, Any]:
    """A refusal or failure as an event; `folder` and `version` of the build where they are known, else null."""
    about = problem.about
    step = problem.step if isinstance(problem, StepFailed) else None
    value = _event(about.get("build"), "error", problem.message, step)
    value |= {"folder": about.get("folder"), "hint": problem.hint, "version": about.get("version")}
    if isinstance(problem, StepFailed):
        value |= {"script": problem.script, "tail": problem.tail}
    if isinstance(problem, InvalidTemplate):
        from generator.template.report import as_json, files_of  # noqa: PLC0415

        value |= as_json(problem.problems, files_of(problem.problems))
    return value
