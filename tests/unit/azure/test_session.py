"""How often a client asks again, and how long that takes."""

import time
from datetime import datetime, tzinfo

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import HttpTransport
from azure.storage.blob import BlobClient

from generator.azure import ids, runcommands, staging
from generator.azure import session as sessions
from generator.azure.auth import endpoints
from generator.azure.session import Session
from generator.errors import ImagegenError
from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.faults import FOREVER, fault
from tests.unit.azure import making

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts; none is made."""
    made: list[float] = []
    monkeypatch.setattr(sessions, "RETRIES", 6)
    monkeypatch.setattr(HttpTransport, "sleep", lambda _self, seconds: made.append(seconds))
    return made


@pytest.fixture
def blob(session: Session, cloud: Cloud) -> BlobClient:
    """The client of a small blob."""
    made = session.blobs(making.account(cloud)).create_container("vhds").get_blob_client("web.vhd")
    made.upload_blob(b"")
    return made


def test_a_blob_service_that_is_away_is_told_within_some_minute(
    pauses: list[float], blob: BlobClient, cloud: Cloud
) -> None:
    """As of any other client of Azure's: the blob service's own pauses would take seven minutes."""
    cloud.plant(fault("delete", BLOBS, status=503, code="ServerBusy", times=FOREVER))
    with pytest.raises(HttpResponseError):
        blob.delete_blob()
    assert len(pauses) == 5
    assert 30 < sum(pauses) < 90


def test_a_token_that_the_blob_service_refuses_is_told_at_once(
    pauses: list[float], blob: BlobClient, cloud: Cloud
) -> None:
    """It is asked for anew, once, of the tenant that the service names."""
    cloud.plant(fault("delete", BLOBS, status=401, code="InvalidAuthenticationInfo", times=2))
    with pytest.raises(HttpResponseError, match="InvalidAuthenticationInfo"):
        blob.delete_blob()
    blob.delete_blob()
    assert pauses == []


@pytest.mark.parametrize(
    "url",
    ["https://evil.example", "https://a.blob.core.windows.net.evil.example", "https://ablob.core.windows.net.x",
     "https://evil.example\\.blob.core.windows.net", "https://a.blob.core.windows.net@evil.example"],
)  # fmt: skip
def test_our_login_goes_to_no_strange_host(session: Session, url: str) -> None:
    """A template and a ledger name blobs, and the token of a login opens every account that it may use."""
    with pytest.raises(ImagegenError, match="it is not given your login"):
        session.blobs(url)
    assert session.blobs("https://a.blob.core.windows.net")


def test_the_time_is_azures_own(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer whose clock is hours ahead would take a living build for a dead one."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Ahead":
            return cls.fromtimestamp(time.time() + 36000, tz)

    monkeypatch.setattr("generator.azure.session.datetime", Ahead)
    for _ in range(2):
        assert abs(session.now().timestamp() - time.time()) < 3600


@pytest.mark.parametrize(
    ("action", "arm_type"),
    [
        ("create", "Microsoft.Compute/virtualMachines/runCommands"),
        ("delete", "Microsoft.Compute/virtualMachines/runCommands"),
        ("delete", "Microsoft.Resources/resourceGroups"),
    ],
)
def test_an_answer_that_comes_after_we_gave_up_costs_time_only(
    session: Session, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, action: str, arm_type: str
) -> None:
    """What was asked was done, and is asked again."""
    monkeypatch.setattr(endpoints, "ANSWER_SECONDS", 0.5)
    making.machine(cloud)
    cloud.plant(fault(action, arm_type, "late", seconds=1.2))
    cloud.set(scripts=[{"match": "", "output": "hello"}])
    assert runcommands.run(session, making.MACHINE, "probe", "echo hello").output == "hello"
    assert not cloud.resources(arm_type="Microsoft.Compute/virtualMachines/runCommands")
    group = ids.group(making.MACHINE)
    staging._delete_group(session.resources().resource_groups, group)
    assert not [each for each in cloud.resources() if each["name"] == group]
    asked = [where for _, where in cloud.journal(action, "update") if ArmId(where).type.lower() == arm_type.lower()]
    assert len(asked) >= 2
