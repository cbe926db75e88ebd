"""The simulator for tests: import these into a conftest."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.azure_sim import mirror
from tests.azure_sim.arm import certificates
from tests.azure_sim.arm.blobs import Blobs
from tests.azure_sim.arm.certificates import Certificates
from tests.azure_sim.arm.login import CLIENT, SECRET
from tests.azure_sim.arm.server import Seen, Server
from tests.azure_sim.assigned import TENANT
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.mirror import AzureSim, Mirror


@dataclass(frozen=True)
class AzureArm:
    """A simulated Azure with both fronts: the provider for Terraform, and HTTPS for the SDK."""

    sim: AzureSim
    server: Server

    @property
    def cloud(self) -> Cloud:
        """What both fronts show."""
        return self.sim.cloud

    @property
    def endpoint(self) -> str:
        """Where the front listens, as `https://127.0.0.1:4711`."""
        return self.server.arm.endpoint

    @property
    def blobs(self) -> Blobs:
        """What is in the storage accounts."""
        return self.server.arm.blobs

    @property
    def env(self) -> dict[str, str]:
        """What a program needs in its environment to find this Azure and log in to it."""
        return self.sim.env | {
            "ARM_TENANT_ID": TENANT, "ARM_CLIENT_ID": CLIENT, "ARM_CLIENT_SECRET": SECRET,
            "ARM_METADATA_HOSTNAME": self.server.arm.host, "SSL_CERT_FILE": str(self.server.certificates.authority),
        }  # fmt: skip

    def requests(self) -> list[Seen]:
        """The HTTP requests so far, in order of their answers."""
        return list(self.server.seen)


@pytest.fixture(scope="session")
def azurerm_mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    """A filesystem mirror that has only the stand-in azurerm."""
    return mirror.make(tmp_path_factory.mktemp("mirror"))


@pytest.fixture(scope="session")
def azure_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The certificates of every front of the session."""
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def azure_sim(azurerm_mirror: Mirror, tmp_path: Path) -> AzureSim:
    """An empty simulated Azure of the test's own."""
    folder = tmp_path / "azure"
    folder.mkdir()
    return azurerm_mirror.configured(folder)


@pytest.fixture
def azure_arm(azure_sim: AzureSim, azure_certificates: Certificates) -> Iterator[AzureArm]:
    """The same, with its ARM front."""
    with Server(azure_sim.cloud, azure_certificates) as server:
        yield AzureArm(azure_sim, server)
