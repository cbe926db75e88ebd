"""Staging ends, and nothing else does; one build at a time; who may reach the machine."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from generator.azure import address, lease, staging
from generator.azure.session import Session
from generator.errors import ImagegenError
from generator.workspace.blueprint import Azure
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.faults import fault
from tests.azure_sim.fixtures import AzureArm
from tests.support.waiting import HANG_SECONDS
from tests.unit.azure import making
from tests.unit.azure.making import AZURE, GROUP, MACHINE, STAGING, power_off

NETWORK = f"{STAGING}/providers/Microsoft.Network"
OURS = dict(making.TAGS)
SHARED = replace(AZURE, own_group=False)


class Notes:
    """Hears what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        """See Events."""
        self.told.append(text)


@pytest.fixture
def whole_staging(cloud: Cloud) -> None:
    """A machine with its interface, network, address and rules, and what is not ours beside it."""
    making.put(cloud, STAGING, tags=OURS)
    making.put(cloud, f"{NETWORK}/networkSecurityGroups/rules", tags=OURS)
    making.put(cloud, f"{NETWORK}/publicIPAddresses/machine", tags=OURS)
    subnet = {
        "name": "machines",
        "addressPrefix": "10.0.0.0/24",
        "networkSecurityGroupId": f"{NETWORK}/networkSecurityGroups/rules",
    }
    making.put(cloud, f"{NETWORK}/virtualNetworks/network", tags=OURS, subnets=[subnet])
    configuration = {
        "name": "a", "publicIPAddressId": f"{NETWORK}/publicIPAddresses/machine",
        "subnetId": f"{NETWORK}/virtualNetworks/network/subnets/machines",
    }  # fmt: skip
    making.put(cloud, f"{NETWORK}/networkInterfaces/machine", tags=OURS, ipConfigurations=[configuration])
    making.machine(cloud, networkProfile={"networkInterfaces": [{"id": f"{NETWORK}/networkInterfaces/machine"}]})
    making.put(cloud, f"{NETWORK}/publicIPAddresses/theirs")


@pytest.mark.usefixtures("whole_staging")
def test_a_group_of_our_own_goes_in_one_stroke(session: Session, cloud: Cloud) -> None:
    found = staging.find(session, AZURE)
    assert found[0].lower() == STAGING.lower()
    assert MACHINE.lower() in [each.lower() for each in found]
    notes: Any = Notes()
    assert len(staging.end(session, AZURE, notes)) == 1
    assert cloud.get(STAGING) is None
    assert cloud.get(MACHINE) is None
    assert staging.find(session, AZURE) == []
    assert staging.end(session, AZURE, notes) == []
    assert notes.told == ["deleting the resource group staging"]


def test_a_group_that_is_being_deleted_is_waited_for(session: Session, cloud: Cloud) -> None:
    making.put(cloud, STAGING, tags=OURS)
    cloud.plant(fault("delete", "Microsoft.Resources/resourceGroups", code="ResourceGroupBeingDeleted"))
    events: Any = Notes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "GROUP_SECONDS", 0.05)
        with pytest.raises(ImagegenError, match="not gone yet"):
            staging.end(session, AZURE, events)
    assert staging.end(session, AZURE, events)


def test_a_group_that_is_not_ours_stays(session: Session, cloud: Cloud) -> None:
    making.put(cloud, STAGING, tags={"imagegen:workspace": "another"})
    events: Any = Notes()
    assert staging.find(session, AZURE) == []
    with pytest.raises(ImagegenError, match="not of this workspace"):
        staging.end(session, AZURE, events)
    assert cloud.get(STAGING) is not None


@pytest.mark.parametrize("tags", [OURS, {"imagegen:workspace": "another"}])
def test_a_group_with_a_released_image_stays(session: Session, cloud: Cloud, tags: dict[str, str]) -> None:
    making.put(cloud, STAGING, tags=OURS)
    making.put(cloud, f"{STAGING}/providers/Microsoft.Compute/images/web", tags=tags | {"imagegen:version": "1.0.0"})
    events: Any = Notes()
    with pytest.raises(ImagegenError, match="holds a released image"):
        staging.end(session, AZURE, events)
    assert cloud.get(STAGING) is not None


@pytest.mark.usefixtures("whole_staging")
@pytest.mark.parametrize("echo_case", [[], ["*"]])
def test_of_a_users_group_only_ours_goes(session: Session, cloud: Cloud, echo_case: list[str]) -> None:
    cloud.set(echo_case=echo_case)
    making.put(cloud, f"{STAGING}/providers/Microsoft.Compute/images/web", tags=OURS | {"imagegen:version": "1.0.0"})
    making.put(cloud, f"{STAGING}/providers/Microsoft.Compute/images/captured", tags=OURS)
    events: Any = Notes()
    ended = [each.rpartition("/providers/")[2].split("/")[1].lower() for each in staging.end(session, SHARED, events)]
    assert ended[0] == "virtualmachines"
    assert sorted(ended[1:4]) == ["disks", "images", "networkinterfaces"]
    assert ended[-1] == "networksecuritygroups"
    assert staging.find(session, SHARED) == []
    for stays in (STAGING, f"{NETWORK}/publicIPAddresses/theirs", f"{STAGING}/providers/Microsoft.Compute/images/web"):
        assert cloud.get(stays) is not None, stays


def test_a_disk_whose_machine_is_gone_is_known_by_its_name(session: Session, cloud: Cloud) -> None:
    """A run that was killed had deleted the machine, and Azure did not give its disk the tags."""
    disks = f"{STAGING}/providers/Microsoft.Compute/disks"
    making.put(cloud, STAGING)
    making.put(cloud, f"{disks}/machine{SHARED.suffix}-disk")
    making.put(cloud, f"{disks}/machine-disk")
    events: Any = Notes()
    assert staging.end(session, SHARED, events) == [f"{disks}/machine{SHARED.suffix}-disk"]
    assert cloud.get(f"{disks}/machine-disk") is not None


@pytest.mark.usefixtures("whole_staging")
@pytest.mark.parametrize("azure", [AZURE, SHARED])
def test_an_address_of_a_disk_is_taken_back_first(session: Session, azure_arm: AzureArm, azure: Azure) -> None:
    power_off(session)
    machine: Any = session.compute().virtual_machines.get("staging", "machine")
    granted: Any = {"access": "Read", "durationInSeconds": 3600}
    name = machine.properties.storage_profile.os_disk.name
    session.compute().disks.begin_grant_access("staging", name, granted).result()
    events: Any = Notes()
    staging.end(session, azure, events)
    assert any(seen.path.endswith(f"/{name}/endGetAccess") for seen in azure_arm.requests())


def test_an_absent_group_is_nothing_to_end(session: Session) -> None:
    events: Any = Notes()
    assert staging.find(session, SHARED) == []
    assert staging.end(session, SHARED, events) == []


@pytest.fixture
def backend(session: Session, azure_arm: AzureArm) -> dict[str, str]:
    """Arguments of an azurerm backend that is there."""
    where = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/states"
    making.put(azure_arm.cloud, GROUP)
    making.put(azure_arm.cloud, where)
    made = azure_arm.cloud.get(where)
    assert made is not None
    session.blobs(made["properties"]["primaryEndpoints"]["blob"]).create_container("states")
    return {"storage_account_name": "states", "container_name": "states", "key": "web.tfstate"}


def test_a_second_build_is_told_who_holds_the_lease(session: Session, backend: dict[str, str]) -> None:
    with (
        lease.hold(session, backend, "1.0.0"),
        pytest.raises(ImagegenError, match=r"another build .*pid \d+ version 1\.0\.0 since 20"),
        lease.hold(session, backend),
    ):
        pass
    with lease.hold(session, backend):
        pass


def test_the_lease_is_entered_as_the_backend_enters(
    session: Session, backend: dict[str, str], azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lease.hold(session, backend | {"resource_group_name": "images"}):
        pass
    assert any(seen.path.endswith("/listKeys") for seen in azure_arm.requests())
    by_login = backend | {"resource_group_name": "images", "use_azuread_auth": "true"}
    before = len(azure_arm.requests())
    with lease.hold(session, by_login):
        pass
    assert not any(seen.path.endswith("/listKeys") for seen in azure_arm.requests()[before:])


def test_a_lost_lease_is_told(
    session: Session, backend: dict[str, str], azure_arm: AzureArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from generator.azure import blobs

    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.05)
    lost = threading.Event()
    with lease.hold(session, backend, on_lost=lost.set):
        where = session.blobs(blobs.account_url(session, "states")).get_blob_client("states", "web.tfstate.imagegen")
        from azure.storage.blob import BlobLeaseClient

        BlobLeaseClient(where).break_lease(lease_break_period=0)
        assert lost.wait(HANG_SECONDS)


def test_a_missing_container_is_told(session: Session, backend: dict[str, str]) -> None:
    with (
        pytest.raises(ImagegenError, match="taking the lease"),
        lease.hold(session, backend | {"container_name": "none"}),
    ):
        pass


def answering(answers: dict[str, httpx.Response | Exception]) -> Any:
    """httpx.get that answers for hosts."""

    def get(url: str, **_options: Any) -> httpx.Response:
        found = answers[url]
        if isinstance(found, Exception):
            raise found
        found.request = httpx.Request("GET", url)
        return found

    return get


def test_the_callers_own_address_may_reach_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = address.SERVICES
    down: dict[str, httpx.Response | Exception] = {
        first: httpx.ConnectError("down"), second: httpx.Response(200, text="8.8.4.4\n"),
    }  # fmt: skip
    monkeypatch.setattr(httpx, "get", answering(down))
    assert address.allowed() == ["8.8.4.4/32"]
    monkeypatch.setattr(httpx, "get", answering({url: httpx.Response(200, text="<html>") for url in address.SERVICES}))
    with pytest.raises(ImagegenError) as told:
        address.allowed()
    assert "--allow-from CIDR" in (told.value.hint or "")


def test_given_ranges_stand_above_it() -> None:
    assert address.allowed(["203.0.113.0/24", "198.51.100.7"]) == ["203.0.113.0/24", "198.51.100.7/32"]
    with pytest.raises(ImagegenError, match="no address range"):
        address.allowed(["203.0.113.1/24"])
