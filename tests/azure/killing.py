"""Ending a command in the middle, with all that it started."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


def wait(done: Callable[[], bool], seconds: float = 90.0) -> None:
    """Until something is so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kill(pid: int) -> None:
    """Kill a process with all that it started, before they can end anything in good order."""
    os.kill(pid, signal.SIGSTOP)
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            kill(int(child))
    os.kill(pid, signal.SIGKILL)
