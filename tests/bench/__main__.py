"""Measure, print a table, and write bench.json beside it. Ratios are against a bare tool in the same run."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from generator.settings import Settings
from generator.workspace import store
from generator.workspace.generate import generate

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/validated/template.json"
IMAGEGEN = [sys.executable, "-m", "generator"]


def seconds(work: Callable[[], object], runs: int) -> list[float]:
    """Wall seconds of each run, after one that does not count."""
    work()
    measured = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        measured.append(time.perf_counter() - began)
    return measured


def command(*argv: str, cwd: Path | None = None) -> Callable[[], object]:
    """A command to run to its end, silently."""
    return lambda: subprocess.run(argv, cwd=cwd, check=True, capture_output=True)


def figure(
    name: str, ours: list[float], bare: list[float] | None, budget: float | None, unit: str
) -> dict[str, object]:
    """A row: the median, its spread, and the budget (a ratio where there is a bare tool to compare with)."""
    median = statistics.median(ours)
    value = median / statistics.median(bare) if bare else median
    held = budget is None or value <= budget
    return {
        "name": name, "value": round(value, 2), "unit": unit, "budget": budget, "held": held,
        "seconds": [round(number, 4) for number in ours], "bare_seconds": [round(n, 4) for n in bare or []],
    }  # fmt: skip


def many(scratch: Path) -> None:
    """1,000 workspaces, generated and written in this process."""
    for number in range(1000):
        made = generate(EXAMPLE, Settings(target="local"), scratch / f"{number:04d}")
        store.write(made.folder, made.files, made.comparison, force=False)


def build_times(scratch: Path) -> dict[str, float]:
    """One local build, split by phase, from the events of `apply --json`."""
    out = scratch / "build"
    began = time.time()
    text = subprocess.run(
        [*IMAGEGEN, "apply", str(EXAMPLE), "--target", "local", "--out", str(out), "--json"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    events = [json.loads(line) for line in text.splitlines()]
    marks = [(event["phase"], event["time"]) for event in events if event["event"] == "phase"]
    ends = [at for _, at in marks[1:]] + [events[-1]["time"]]
    phases = {phase: round(end - at, 1) for (phase, at), end in zip(marks, ends, strict=True)}
    return phases | {"whole": round(time.time() - began, 1)}


def main() -> None:
    """Run everything."""
    scratch = Path(tempfile.mkdtemp(prefix="imagegen-bench-"))
    try:
        workspace = scratch / "plan"
        command(*IMAGEGEN, "plan", str(EXAMPLE), "--target", "local", "--out", str(workspace))()
        started = time.perf_counter()
        many(scratch / "many")
        thousand = time.perf_counter() - started
        rows = [
            figure("imagegen --help", seconds(command(*IMAGEGEN, "--help"), 10),
                   seconds(command(sys.executable, "-c", "pass"), 10), 8, "× python -c pass"),
            figure("generate 1,000 workspaces", [thousand], None, 3, "s"),
            figure("imagegen plan, local", seconds(command(*IMAGEGEN, "plan", str(workspace)), 5),
                   seconds(command("terraform", "plan", cwd=workspace), 5), None, "× terraform plan"),
        ]  # fmt: skip
        phases = build_times(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for row in rows:
        mark = "" if row["held"] else "  OVER BUDGET"
        print(f"{row['name']:<28} {row['value']:>8} {row['unit']:<18} budget {row['budget'] or '-'}{mark}")
    print("local build with validation, seconds by phase:", ", ".join(f"{k} {v}" for k, v in phases.items()))
    result = {"cores": os.cpu_count(), "figures": rows, "build_seconds": phases}
    Path("bench.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
