"""Ending a command in the middle, with all that it started."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.azure.conftest import Azure
from tests.support.waiting import wait_until

LONG = 3600.0  # of what shall not end while the clock is held


def kill_while(azure: Azure, is_so: Callable[[], bool], *arguments: str | Path) -> None:
    """Start a command, and kill it with all that it started once something is so; till then, nothing that takes time
    comes to its end. Afterwards what goes on by itself is over."""
    with azure.cloud.clock.held():
        child = azure.imagegen.start(*arguments)
        wait_until(lambda: is_so() or child.poll() is not None)
        assert child.poll() is None, child.communicate()[0]
        kill(child.pid)
        child.wait()
    azure.cloud.clock.advance(2 * LONG)


def kill(pid: int) -> None:
    """Kill a process with all that it started, before they can end anything in good order."""
    os.kill(pid, signal.SIGSTOP)
    for child in children(pid):
        kill(child)
    os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """The processes that a process started, by their ids."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
