"""Ending a command in the middle, with all that it started."""

import os
import signal
from pathlib import Path


def kill(pid: int) -> None:
    """Kill a process with all that it started, before they can end anything in good order."""
    os.kill(pid, signal.SIGSTOP)
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            kill(int(child))
    os.kill(pid, signal.SIGKILL)
