"""Waiting in tests: for an event, with a bound that only a hang reaches. No test is about how fast this computer is."""

import time
from collections.abc import Callable

HANG_SECONDS = 900.0  # a computer that is slow and busy is done long before
PAUSE_SECONDS = 0.01


def wait_until(done: Callable[[], object], pause: float = PAUSE_SECONDS) -> None:
    """Return when `done` answers something that is true. Fails the test where that never happens."""
    deadline = time.monotonic() + HANG_SECONDS
    while not done():
        assert time.monotonic() < deadline, "this was waited for in vain"
        time.sleep(pause)
