"""The clock of a simulated Azure, which its fronts share with the programs that wait for them.

It lies beside the cloud's file. Where there is none, time is the system's. While a test holds it, it goes on as the
system's does, and whoever waits for longer waits until the test moves it on or lets it go.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.system import wait


@dataclass(frozen=True)
class Clock:
    """The clock of the cloud at `cloud`."""

    cloud: Path

    @property
    def path(self) -> Path:
        """Its file."""
        return self.cloud.with_suffix(".clock")

    @property
    def env(self) -> dict[str, str]:
        """What makes a program of ours wait by it."""
        return {wait.CLOCK: str(self.path)}

    @property
    def pace_ms(self) -> int:
        """How long a client shall wait until it asks again about an operation: as long as Azure says, unless somebody
        would wait for it in earnest."""
        return 10_000 if self.path.exists() and not self._state()[1] else 20

    def start(self) -> None:
        """From now on whoever waits moves the clock on instead."""
        self._set(0.0, held=False)

    def now(self) -> float:
        """The time, as time.time has it."""
        return time.time() + wait.skipped(str(self.path))

    def sleep(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Let so many seconds pass, at most until `stop` says so."""
        if seconds > 0 and not wait.skip(str(self.path), seconds, stop):
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0 and not stop():
                time.sleep(min(left, 0.02))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within, nobody but the test moves the clock on: what takes long is under way as long as the test wants."""
        self._set(self._state()[0], held=True)
        try:
            yield
        finally:
            self._set(self._state()[0], held=False)

    def advance(self, seconds: float) -> None:
        """Move the clock on, held or not."""
        ahead, held = self._state()
        self._set(ahead + seconds, held=held)

    def _state(self) -> tuple[float, bool]:
        if not self.path.exists():
            return 0.0, True
        ahead, held = self.path.read_bytes().removeprefix(wait.MAGIC).split()
        return float(ahead), held == b"1"

    def _set(self, ahead: float, *, held: bool) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            wait.write(descriptor, ahead, held=held)
        finally:
            os.close(descriptor)
