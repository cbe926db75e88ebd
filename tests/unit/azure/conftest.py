"""The SDK's half of the Azure target against the simulator's ARM front, with Azure's own clients."""

import pytest

from generator.azure import session as sessions
from generator.azure.session import Session, connect
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.fixtures import AzureArm, azure_arm, azure_certificates, azure_sim, azurerm_mirror

__all__ = ["azure_arm", "azure_certificates", "azure_sim", "azurerm_mirror"]


@pytest.fixture(autouse=True)
def _on_one_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the simulated Azure for real."""
    monkeypatch.setattr(sessions, "RETRIES", 2)
    if "azure_sim" in request.fixturenames:
        clock = request.getfixturevalue("azure_sim").cloud.clock
        clock.start()
        for name, value in clock.env.items():
            monkeypatch.setenv(name, value)


@pytest.fixture
def session(azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A login to an empty simulated Azure."""
    for name in ("SSL_CERT_FILE", "ARM_METADATA_HOSTNAME"):
        monkeypatch.setenv(name, azure_arm.env[name])
    return connect("", azure_arm.env)


@pytest.fixture
def cloud(azure_arm: AzureArm) -> Cloud:
    """What the simulated Azure holds."""
    return azure_arm.cloud
