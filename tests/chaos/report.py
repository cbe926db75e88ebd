"""What came of all trials: lines, a table, and a JSON file."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.trial import Trial, What

WHATS: dict[What, str] = {"leak": "leaks", "loss": "losses", "stuck": "stuck", "wrong": "wrong words or codes"}


def line(trial: Trial) -> str:
    """A trial in a line, and its findings below it."""
    where = f"at {trial.at:.1f} s, {trial.phase}" if trial.kind == "kill" else trial.phase
    text = (
        f"{trial.kind} {trial.number} {trial.target} ({trial.flavour}): {trial.name} ({where}) → "
        f"{trial.recovery or 'nothing'} in {trial.seconds:.1f} s"
    )
    told = [f"  {each.what.upper()} {each.told}\n{_indented(each.evidence)}" for each in trial.findings]
    return "\n".join([text, *told])


def _indented(text: str) -> str:
    return "\n".join(f"    | {each}" for each in text.splitlines())


def verdict(trials: Sequence[Trial]) -> str:
    """How many of each kind of finding, and the slowest recovery."""
    counted = Counter(found.what for trial in trials for found in trial.findings)
    slowest = max((trial.seconds for trial in trials), default=0.0)
    return ", ".join(f"{counted[what]} {name}" for what, name in WHATS.items()) + f"; slowest recovery {slowest:.1f} s"


def table(trials: Sequence[Trial]) -> str:
    """By kind, target and phase: trials, findings, the slowest recovery."""
    rows = [
        f"{'':<6} {'target':<6} {'phase':<31} {'trials':>6} {'leaks':>6} {'losses':>6} {'stuck':>6} {'wrong':>6} "
        f"{'slowest':>8}"
    ]
    for kind, target, phase in sorted({(trial.kind, trial.target, trial.phase) for trial in trials}):
        of_row = [trial for trial in trials if (trial.kind, trial.target, trial.phase) == (kind, target, phase)]
        counted = Counter(found.what for trial in of_row for found in trial.findings)
        counts = " ".join(f"{counted[what]:>6}" for what in WHATS)
        slowest = max(trial.seconds for trial in of_row)
        rows.append(f"{kind:<6} {target:<6} {phase:<31} {len(of_row):>6} {counts} {slowest:>6.1f} s")
    return "\n".join(rows)


def write(path: Path, seed: int, trials: Sequence[Trial], seconds: float) -> None:
    """The report as JSON; written after each history, so that a run that is cut off has one too."""
    counted = Counter(found.what for trial in trials for found in trial.findings)
    value: dict[str, Any] = {
        "seed": seed, "seconds": round(seconds), "kills": sum(trial.kind == "kill" for trial in trials),
        "faults": sum(trial.kind == "fault" for trial in trials),
        "findings": {name: counted[what] for what, name in WHATS.items()},
        "slowest_recovery_seconds": round(max((trial.seconds for trial in trials), default=0.0), 1),
        "trials": [asdict(trial) for trial in trials],
    }  # fmt: skip
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
