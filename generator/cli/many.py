"""Several builds at once on this computer: each is an `imagegen apply` of its own, told on one display."""

import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from generator.cli import console
from generator.errors import Problem
from generator.system import run
from generator.workspace.names import title_of

if TYPE_CHECKING:
    import subprocess

# What a machine's emulator and Terraform take beside the guest's memory, in MiB.
OVERHEAD_MB = 600
# A machine takes its memory bit by bit: for so long after a start what it will take is counted as taken.
SETTLING_SECONDS = 60.0
PATIENCE_SECONDS = 30.0  # after a second interrupt: nobody waits for a cloud any more
ENDED = "ended"


@dataclass
class Child:
    """A build under way: its name on the display, its process, and what it needs."""

    name: str
    process: "subprocess.Popen[str]"
    memory_mb: int
    began: float = field(default_factory=time.monotonic)


def apply(
    subjects: Sequence[Path], options: Sequence[str], memory_mb: Sequence[int], parallel: int, *, json: bool,
    quiet: bool, extra_env: Mapping[str, str],
) -> int:  # fmt: skip
    """Build them all, at most `parallel` at once and only while their memory (MiB each) is free; the exit code.

    options: of `imagegen apply`, passed on to each; quiet: only errors and results are
    shown; extra_env: what their command lines shall not show.
    A build that fails ends no other. An interrupt ends all.
    """
    waiting = list(zip(_names(subjects), subjects, memory_mb, strict=True))
    running: dict[str, Child] = {}
    codes: dict[str, int] = {}
    lines: Queue[tuple[str, str]] = Queue()
    began = time.monotonic()

    def listen() -> None:
        """Tell what the builds say next; after a second of silence it is time to look around."""
        with suppress(Empty):
            name, line = lines.get(timeout=1.0)
            if line == ENDED:
                codes[name] = running.pop(name).process.wait()
            else:
                _show(name, line, began, as_json=json, quiet=quiet)

    try:
        while waiting or running:
            while waiting and len(running) < parallel and _fits(waiting[0][2], running.values()):
                name, subject, memory = waiting.pop(0)
                running[name] = _start(name, subject, options, memory, lines, extra_env)
            listen()
    except BaseException:
        _end(running, listen)
        raise
    failed = [name for name, code in codes.items() if code != 0]
    if failed:
        console.say(f"{len(failed)} of {len(subjects)} builds failed: {', '.join(failed)}")
    return max(codes.values(), default=0)


def _names(subjects: Sequence[Path]) -> list[str]:
    """A short name for each: the file or folder, and the whole path where that is not enough."""
    short = [title_of(subject) for subject in subjects]
    return [name if short.count(name) == 1 else str(subject) for name, subject in zip(short, subjects, strict=True)]


def _start(
    name: str, subject: Path, options: Sequence[str], memory_mb: int, lines: "Queue[tuple[str, str]]",
    extra_env: Mapping[str, str],
) -> Child:  # fmt: skip
    """Start a build, and read what it tells."""
    process = run.start([sys.executable, "-P", "-m", "generator", "apply", str(subject), "--json", *options], extra_env)
    threading.Thread(target=_read, args=(name, process, lines), daemon=True).start()
    return Child(name, process, memory_mb)


def _read(name: str, process: "subprocess.Popen[str]", lines: "Queue[tuple[str, str]]") -> None:
    assert process.stdout is not None  # noqa: S101 - Popen was given a pipe
    for line in process.stdout:
        lines.put((name, line))
    lines.put((name, ENDED))


def _fits(memory_mb: int, running: Any) -> bool:
    """Whether the memory for one more machine is free, beside what those take that have just begun. One always fits."""
    young = [child for child in running if time.monotonic() - child.began < SETTLING_SECONDS]
    return not running or _available_mb() - sum(child.memory_mb for child in young) > memory_mb + OVERHEAD_MB


def _available_mb() -> int:
    """Memory that programs can have without swapping, in MiB (proc(5), MemAvailable)."""
    for line in Path("/proc/meminfo").read_text("ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2


def _end(running: dict[str, Child], listen: Callable[[], None]) -> None:
    """No build outlives us. A second interrupt reaches them too: each says what it leaves. One that heeds neither, or a
    third, is killed."""
    console.say(f"ending {len(running)} builds")
    _interrupt(running)
    try:
        _listen(listen, running)
        return
    except KeyboardInterrupt:
        _interrupt(running)
    with suppress(KeyboardInterrupt):
        _listen(listen, running, time.monotonic() + PATIENCE_SECONDS)
    for name, child in running.items():
        child.process.kill()
        child.process.wait()
        console.say(f"{name}: killed; `imagegen cleanup DIR` of its workspace ends what is left")


def _interrupt(running: dict[str, Child]) -> None:
    for child in running.values():
        child.process.send_signal(signal.SIGINT)


def _listen(listen: Callable[[], None], running: dict[str, Child], deadline: float = math.inf) -> None:
    """Until all have ended, or the deadline (time.monotonic)."""
    while running and time.monotonic() < deadline:
        with suppress(OSError):  # a stdout that cannot be written says so once
            listen()


def _show(name: str, line: str, began: float, *, as_json: bool, quiet: bool) -> None:
    """One event of a build on the one display."""
    try:
        event = json.loads(line)
    except ValueError:
        return
    if as_json:
        console.put_json(event | {"build": name})
        return
    told = "" if quiet and event.get("event") not in ("error", "result") else _told(event)
    if told:
        clock = time.strftime("%M:%S", time.gmtime(time.monotonic() - began))
        for text in told.split("\n"):
            console.say(f"{clock} {name}: {console.clean(text)}")
    if event.get("event") == "result":
        for image in event["images"]:
            console.put(image["path"])


def _told(event: dict[str, Any]) -> str:
    """An event in a line; "" for what would be too much for several builds at once."""
    match event.get("event"):
        case "phase" | "step_finished" | "result":
            return str(event["message"])
        case "note":
            return f"note: {event['message']}"
        case "error":
            tail = "".join(f"\n  │ {text}" for text in event.get("tail", []))
            hint = f"\nhint: {event['hint']}" if event.get("hint") else ""
            return f"error: {event['message']}{tail}{_problems(event)}{hint}"
    return ""


def _problems(event: dict[str, Any]) -> str:
    """The problems of a template, each as its own command shows it."""
    if not event.get("problems"):
        return ""
    from generator.template.report import files_of, render  # noqa: PLC0415 - only where there is a problem

    names = {field.name for field in fields(Problem)}
    found = [Problem(**{name: one[name] for name in names & set(one)}) for one in event["problems"]]
    return "\n" + render(found, files_of(found), colour=False).rstrip()
