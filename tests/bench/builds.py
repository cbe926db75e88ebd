"""imagegen's local builds, and where their time goes."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.commands import IMAGEGEN, Ran, run
from tests.bench.place import Place

# What a step or phase is when Terraform and imagegen are not its work but the machine is.
STAGING = "staging"
POWER_OFF = "power off"


@dataclass(frozen=True)
class Part:
    """A stretch of a build: what went on, its seconds, and whether that was the machine's own work."""

    name: str
    seconds: float
    machine: bool


@dataclass(frozen=True)
class Built:
    """A build from the command to the image: wall seconds, the parts they are made of, imagegen's memory in MiB, how
    many steps were cached.
    """

    seconds: float
    parts: list[Part]
    peak_mb: float
    cached: int

    @property
    def added(self) -> float:
        """Seconds that were not the machine's own work."""
        return self.seconds - sum(part.seconds for part in self.parts if part.machine)


def build(place: Place, template: Path, workspace: Path, *flags: str) -> Built:
    """`imagegen apply` of a template, from the command's start to its end."""
    ran = run([*IMAGEGEN, "apply", template, "--target", "local", "--out", workspace, "--json", *flags], place.env)
    events = [json.loads(line) for line in ran.lines if line.startswith("{")]
    cached = sum(event["event"] == "step_cached" for event in events)
    return Built(ran.seconds, parts(ran, events), ran.peak_mb, cached)


def parts(ran: Ran, events: list[dict[str, Any]]) -> list[Part]:
    """A build's time, from its events: each step's own, and the rest of each phase."""
    phases = [event for event in events if event["event"] == "phase"]
    found = [Part("start, generate", phases[0]["time"] - ran.began, machine=False)]
    ends = [*(phase["time"] for phase in phases[1:]), events[-1]["time"]]
    for phase, end in zip(phases, ends, strict=True):
        if phase["phase"] == "capture":
            found.append(Part(POWER_OFF, end - phase["time"], machine=True))
            continue
        steps = [
            Part(event["title"], event["seconds"], machine=True)
            for event in events
            if event["event"] == "step_finished" and phase["time"] <= event["time"] <= end and event["step"] != STAGING
        ]
        rest = end - phase["time"] - sum(step.seconds for step in steps)
        found += [*steps, Part(f"{phase['phase']}: the rest", rest, machine=False)]
    return [*found, Part("exit", ran.ended - events[-1]["time"], machine=False)]


def build_once(place: Place, name: str, scripts: list[str]) -> Built:
    """A build in a new workspace, which goes again, from the base's saved machine: no step is taken from the cache."""
    workspace = place.folder / f"{name}-workspace"
    try:
        return build(place, place.template(name, scripts), workspace, "--no-cache")
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
