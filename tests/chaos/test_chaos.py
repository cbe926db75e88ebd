"""The short form of `make chaos`, always of the same seed: what it finds must not depend on the day."""

import shutil
import tempfile
from pathlib import Path
from typing import Literal

import pytest

from tests.chaos import history, report
from tests.chaos.history import History

Kinds = list[Literal["kill", "fault"]]
SEED = 739943


def suffer(target: str, kinds: Kinds, number: int, name: str = "") -> None:
    """One short history, of which nothing may be found."""
    print(f"seed {SEED}")
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))  # short, as a socket's address has to be
    trials = history.run(History(SEED, number, target, kinds, name, brief=True), folder)
    assert [one for one in trials if one.findings] == [], "\n".join(map(report.line, trials))
    assert len(trials) == len(kinds)
    shutil.rmtree(folder)


def test_azure_builds_leave_and_lose_nothing() -> None:
    """Three are cut off, and three meet faults."""
    suffer("azure", ["kill", "kill", "fault", "kill", "fault", "fault"], 0)


@pytest.mark.machine
def test_local_builds_leave_and_lose_nothing() -> None:
    """One is cut off, and one meets a fault."""
    suffer("local", ["kill", "fault"], 1)
