"""The time of the simulated Azure: this computer's, and what a test has let pass at once.

Several processes share it by a file beside the cloud's. Logins, leases and dates in answers keep this computer's time,
since what asks compares them with its own.
"""

import time
from contextlib import suppress
from pathlib import Path

_file = Path("/nonexistent")


def use(cloud: Path) -> None:
    """Take the clock of a cloud, by the path of its contents."""
    global _file  # noqa: PLW0603 - a process has one cloud at a time
    _file = cloud.with_suffix(".clock")


def now() -> float:
    """Seconds since 1970, in the simulated Azure."""
    return time.time() + _passed()


def advance(seconds: float) -> None:
    """Let time pass at once."""
    coming = _file.with_suffix(".clock.new")
    coming.write_text(str(_passed() + seconds))
    coming.replace(_file)


def _passed() -> float:
    with suppress(FileNotFoundError):
        return float(_file.read_text())
    return 0.0
