"""Waiting for an operation of Azure's, and not for ever."""

from typing import Any

from generator.errors import ImagegenError

OPERATION_SECONDS = 1800.0  # Azure's own limit for most is 90 minutes, but what takes so long does not come


def ended(poller: Any, seconds: float | None = None) -> Any:
    """The result of an operation once it is over. Raises what Azure's client raises for one that failed, and
    ImagegenError when it is not over within so many seconds (by default, half an hour): Azure goes on with it then."""
    limit = OPERATION_SECONDS if seconds is None else seconds
    poller.wait(limit)
    if not poller.done():
        raise ImagegenError(f"the Azure operation is still running after {limit / 60:.0f} min", "try again later")
    return poller.result()
