"""What a build tells while it runs. console.py shows it to people or as JSON lines."""

from typing import Any, Protocol


class Events(Protocol):
    """The listener of a build. `step` is a step's key; seconds are wall time."""

    def phase(self, name: str, detail: str) -> None:
        """A phase begins."""

    def started(self, step: str, title: str) -> None:
        """A step, or a part of the staging, begins."""

    def output(self, step: str, line: str) -> None:
        """A step printed a line."""

    def finished(self, step: str, title: str, seconds: float, ok: bool) -> None:
        """A step ended."""

    def cached(self, step: str, title: str) -> None:
        """A step is not run: the machine came with its work done."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def result(self, value: dict[str, Any]) -> None:
        """The outcome of the whole."""
