"""Waiting for what happens elsewhere, such as in Azure: all pollers of imagegen wait here.

Tests of Azure share a clock with the simulated one (`tests/azure_sim/clock.py`), so that nobody waits there for real:
a process that would sleep moves that clock on instead, unless the test holds it. The variable AZSIM_CLOCK names its
file, which has nothing but the seconds that are added: with any other file, or none, time is the system's.
"""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CLOCK = "AZSIM_CLOCK"
LOOK_SECONDS = 5.0  # between two looks at something that takes minutes
MAGIC = b"imagegen test clock\n"
_RECORD = len(MAGIC) + 24
_STEP_SECONDS = 0.001  # what a sleep takes on a test's clock, so that others have their turn
_HELD_SECONDS = 0.02


def now() -> float:
    """Seconds on a clock that only goes forward; only differences mean something."""
    return time.monotonic() + skipped(os.environ.get(CLOCK, ""))


def sleep(seconds: float) -> None:
    """Let so many seconds pass."""
    if not skip(os.environ.get(CLOCK, ""), seconds):
        time.sleep(max(0.0, seconds))


def until(done: Callable[[], bool], seconds: float, pause: float | None = None) -> bool:
    """Whether something comes to be within so many seconds; `pause`: the seconds between two looks."""
    deadline = now() + seconds
    while not done():
        left = deadline - now()
        if left <= 0:
            return False
        sleep(min(LOOK_SECONDS if pause is None else pause, left))
    return True


def skipped(path: str) -> float:
    """How far a test's clock is ahead of the system's; 0 where there is none."""
    with _opened(path) as descriptor:
        return _read(descriptor)[0] if descriptor is not None else 0.0


def skip(path: str, seconds: float, stop: Callable[[], bool] = lambda: False) -> bool:
    """Move a test's clock on by so many seconds, or wait until others have while a test holds it; False where there is
    no such clock. `stop`: ends the wait."""
    with _opened(path) as descriptor:
        if descriptor is None:
            return False
        wanted = time.monotonic() + _read(descriptor)[0] + seconds
        while not stop():
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            ahead, held = _read(descriptor)
            missing = wanted - time.monotonic() - ahead
            if missing > 0 and not held:
                write(descriptor, ahead + missing, held=False)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            time.sleep(_HELD_SECONDS if held else _STEP_SECONDS)
            if missing <= 0 or not held:
                break
        return True


def write(descriptor: int, ahead: float, *, held: bool) -> None:
    """Set a test's clock: how far it is ahead, and whether only the test moves it on."""
    os.pwrite(descriptor, MAGIC + b"%022.6f %d" % (ahead, held), 0)


def _read(descriptor: int) -> tuple[float, bool]:
    ahead, held = os.pread(descriptor, _RECORD, 0).removeprefix(MAGIC).split()
    return float(ahead), held == b"1"


@contextmanager
def _opened(path: str) -> Iterator[int | None]:
    """A test's clock, open; None for what is not one, or is somebody else's."""
    descriptor = None
    try:
        if path:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            about = os.fstat(descriptor)
            ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid() and about.st_size == _RECORD
            if not ours or os.pread(descriptor, len(MAGIC), 0) != MAGIC:
                os.close(descriptor)
                descriptor = None
    except OSError:
        descriptor = None
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)
