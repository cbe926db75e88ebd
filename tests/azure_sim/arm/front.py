"""What all parts of the ARM front share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.azure_sim.arm.blobs import Blobs
from tests.azure_sim.arm.operations import Operations
from tests.azure_sim.arm.tokens import Tokens
from tests.azure_sim.arm.web import Answer, Request
from tests.azure_sim.cloud import Cloud


@dataclass(frozen=True)
class Arm:
    """The front of one cloud, at one address such as `https://127.0.0.1:4711`."""

    cloud: Cloud
    endpoint: str
    tokens: Tokens
    operations: Operations = field(default_factory=Operations)
    blobs: Blobs = field(default_factory=Blobs)

    @property
    def host(self) -> str:
        """The address without its scheme."""
        return self.endpoint.removeprefix("https://")


# Who answers: gets the front, the request, and the named groups of the route's path.
Handler = Callable[[Arm, Request, Mapping[str, str]], Answer]
