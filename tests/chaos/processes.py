"""Who is at work: the tree of a command, and whatever works in or on a folder."""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generator.system.process import Process


@dataclass(frozen=True)
class Program:
    """A process and its command line. `told`: what may name a folder: command line, working folder, environment."""

    process: Process
    parent: int
    command: str
    told: str

    def is_a(self, name: str) -> bool:
        """Whether it is `qemu-system…`, `terraform`, or what `name` is a part of the command line of."""
        return name in self.command


def everywhere() -> list[Program]:
    """All processes but this one that can be looked into."""
    found = (_program(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [one for one in found if one and one.process.pid != os.getpid()]


def of_folder(folder: Path) -> list[Program]:
    """The processes that name a folder in any way: the builds of a place and all that they started."""
    return [one for one in everywhere() if str(folder) in one.told]


def tree(pid: int) -> list[Program]:
    """A process and its descendants, the eldest first."""
    programs = everywhere()
    found = [one for one in programs if one.process.pid == pid]
    for one in found:  # grows as it is walked
        found += [child for child in programs if child.parent == one.process.pid]
    return found


def heeds(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal (proc(5): SigCgt)."""
    try:
        told = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return False
    (caught,) = (line.split()[1] for line in told.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def kill(programs: Iterable[Program], number: signal.Signals = signal.SIGKILL) -> None:
    """Send them a signal, one right after the other."""
    for one in programs:
        one.process.end(number)


def kill_folder(folder: Path) -> None:
    """End whatever names a folder, also what it starts meanwhile."""
    while found := of_folder(folder):
        kill(found)
        time.sleep(0.01)


def _program(pid: int) -> Program | None:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        folder = Path(f"/proc/{pid}/cwd").readlink()
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return None
    shown = command.replace(b"\0", b" ").decode("utf-8", "replace")
    told = f"{shown}\n{folder}\n{environment.decode('utf-8', 'replace')}"
    return None if fields[0] in "ZX" else Program(Process(pid, int(fields[19])), int(fields[1]), shown, told)
