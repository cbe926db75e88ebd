"""The SDK's half of the Azure target against the simulator's ARM front, with Azure's own clients."""

import pytest

from generator.azure import machines, versions
from generator.azure import session as sessions
from generator.azure.session import Session, connect
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.fixtures import AzureArm, azure_arm, azure_certificates, azure_sim, azurerm_mirror

__all__ = ["azure_arm", "azure_certificates", "azure_sim", "azurerm_mirror"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the simulated Azure: what is polled is polled at once."""
    monkeypatch.setattr(machines, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(versions, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(versions, "LATE_SECONDS", 0.01)
    monkeypatch.setattr(sessions, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(sessions, "RETRIES", 2)


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
