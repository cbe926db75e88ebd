"""Processes by what tells them apart for good: an id is used again."""

import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path

LARGEST_PID = 2**22  # of a 64-bit Linux: proc_sys_kernel(5)


@dataclass(frozen=True)
class Process:
    """A process by its id and start time (field 22 of /proc/PID/stat, clock ticks): ids are used again."""

    pid: int
    start_time: int

    @classmethod
    def current(cls) -> "Process":
        """This process; it stays the same through exec."""
        return cls(os.getpid(), _start_time(os.getpid()) or 0)

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The process that has this id now; None when there is none."""
        start_time = _start_time(pid)
        return None if start_time is None else cls(pid, start_time)

    def leads(self) -> bool:
        """Whether it leads a session, as programs do that we stream."""
        try:
            return os.getsid(self.pid) == self.pid
        except ProcessLookupError:
            return False

    def alive(self) -> bool:
        """Whether it still runs."""
        return _start_time(self.pid) == self.start_time

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False when it still runs after that time."""
        handle = self._handle()
        if handle is None:
            return True
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(max(0.0, seconds) * 1000))
        finally:
            os.close(handle)

    def end(self, number: signal.Signals) -> None:
        """Send a signal to it, and never to another that got its id."""
        handle = self._handle()
        if handle is None:
            return
        try:
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)

    def _handle(self) -> int | None:
        """A descriptor of this very process, None when it has ended."""
        if not self.alive():  # nor is it asked for what can be no id
            return None
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.alive():  # asked after the open: the descriptor cannot change hands
            return handle
        os.close(handle)
        return None


def _start_time(pid: int) -> int | None:
    """When a process started, None when there is none, or only its remains."""
    if not 0 < pid <= LARGEST_PID:  # as a record may say that somebody has spoiled
        return None
    try:
        # The name in parentheses may hold anything; state is the first field after it, field 3.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])
