"""How Azure's clients send requests: as they do by default, and they wait as all of imagegen does."""

from azure.core.pipeline.transport import RequestsTransport

from generator.system import wait


class Transport(RequestsTransport):  # type: ignore[misc] # it has no types
    """The usual transport; retries and pollers pause by it."""

    def sleep(self, duration: float) -> None:
        """Let so many seconds pass."""
        wait.sleep(duration)
