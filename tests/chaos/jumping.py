"""imagegen with a clock that jumps: `python -m tests.chaos.jumping AFTER BY ARGUMENT…`, both in seconds."""

import sys
import time
from collections.abc import Callable


def jumping(clock: Callable[[], float], after: float, by: float) -> Callable[[], float]:
    """A clock that runs as another does, and is wrong by so many seconds after a while."""
    began = time.monotonic()
    return lambda: clock() + (by if time.monotonic() - began > after else 0.0)


def main() -> None:
    """Spoil the clock before anybody has looked at it, then be imagegen."""
    after, by = map(float, sys.argv[1:3])
    time.time = jumping(time.time, after, by)
    sys.argv[1:3] = []
    from generator.cli import app as cli

    cli.main()


if __name__ == "__main__":
    main()
