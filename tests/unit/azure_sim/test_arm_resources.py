"""Resources, lists and long operations through the simulated ARM, with azure-mgmt-resource."""

import time
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from tests.azure_sim.arm_id import GROUPS
from tests.azure_sim.faults import fault
from tests.azure_sim.mirror import SUBSCRIPTION
from tests.unit.azure_sim.clients import Clients
from tests.unit.azure_sim.making import COMPUTE, GROUP, NETWORK, put

DISK, DISKS = f"{COMPUTE}/disks/d", "Microsoft.Compute/disks"
BODY: Any = {"location": "westeurope", "tags": {"owner": "us"}, "properties": {"diskSizeGB": 4}}
VERSION = "2024-03-02"


def test_a_resource_lives_and_goes(clients: Clients) -> None:
    api: Any = clients.resources.resources
    clients.cloud.set(delay={DISKS: 0.1})
    made = api.begin_create_or_update_by_id(DISK, api_version=VERSION, parameters=BODY)
    assert made.status() == "InProgress"
    assert made.result().properties["provisioningState"] == "Succeeded"
    assert api.check_existence_by_id(DISK, api_version=VERSION)
    changed = api.begin_update_by_id(
        DISK, api_version=VERSION, parameters={"tags": {"owner": "them"}, "properties": {"diskSizeGB": 8}}
    )
    assert changed.result().tags == {"owner": "them"}
    shown = api.get_by_id(DISK.replace("resourceGroups", "resourcegroups"), api_version=VERSION)
    assert (shown.id, shown.location, shown.properties["diskSizeGB"]) == (DISK, "westeurope", 8)
    api.begin_delete_by_id(DISK, api_version=VERSION).result()
    assert not api.check_existence_by_id(DISK, api_version=VERSION)
    api.begin_delete_by_id(DISK, api_version=VERSION).result()  # 204: that it is not there is no error
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
        api.get_by_id(DISK, api_version=VERSION)
    with pytest.raises(ResourceNotFoundError, match="ResourceGroupNotFound"):
        api.get_by_id(DISK.replace("/rg/", "/none/"), api_version=VERSION)
    with pytest.raises(ResourceNotFoundError, match="ResourceGroupNotFound"):
        clients.resources.resource_groups.begin_delete("none")


def test_a_group_takes_everything_with_it(clients: Clients) -> None:
    clients.resources.resources.begin_create_or_update_by_id(DISK, api_version=VERSION, parameters=BODY).result()
    clients.cloud.set(delay={"Microsoft.Resources/resourceGroups": 1.0})
    going = clients.resources.resource_groups.begin_delete("rg")
    assert [one["properties"]["provisioningState"] for one in clients.cloud.resources(arm_type=GROUPS)] == ["Deleting"]
    going.result()
    assert not clients.resources.resource_groups.check_existence("rg")
    assert clients.cloud.resources() == []


def test_a_group_stays_where_it_is(clients: Clients) -> None:
    with pytest.raises(ResourceExistsError, match="InvalidResourceGroupLocation"):
        clients.resources.resource_groups.create_or_update("rg", {"location": "northeurope"})


def test_lists_are_filtered_and_come_in_pages(clients: Clients) -> None:
    for number in range(5):
        tags = {"build": "it's" if number % 2 else "other"}
        clients.cloud.put(f"{COMPUTE}/disks/{number}", {"location": "westeurope", "tags": tags})
    clients.resources.resource_groups.create_or_update("mine", {"location": "westeurope", "tags": {"build": "it's"}})
    tagged = "tagName eq 'build' and tagValue eq 'it''s'"
    clients.cloud.set(page=1)
    api = clients.resources
    assert [one.name for one in api.resources.list(filter=tagged)] == ["1", "3"]
    assert [one.name for one in api.resources.list_by_resource_group("rg", filter=tagged)] == ["1", "3"]
    assert [one.name for one in api.resource_groups.list(filter=tagged)] == ["mine"]
    assert [one.name for one in clients.compute.disks.list()] == ["0", "1", "2", "3", "4"]
    kind = "resourceType eq 'Microsoft.Compute/galleries'"
    assert [one.name for one in api.resources.list(filter=kind)] == ["g"]
    assert sum(one.path.endswith("/disks") for one in clients.azure.requests()) == 5


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_refusals_come_with_their_status_and_code(clients: Clients, status: int) -> None:
    clients.cloud.plant(fault("create", DISKS, status=status, code="Planted", message="no room"))
    with pytest.raises(HttpResponseError, match="no room") as refused:
        clients.compute.disks.begin_create_or_update("rg", "d", BODY)
    assert (refused.value.status_code, refused.value.error.code) == (status, "Planted")  # type: ignore[union-attr]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_asked_again_when_azure_says(clients: Clients, status: int) -> None:
    clients.cloud.plant(fault("create", DISKS, status=status, code="Busy", retry_after=0.1, times=2))
    started = time.monotonic()
    clients.compute.disks.begin_create_or_update("rg", "d", BODY).result()
    assert time.monotonic() - started >= 0.2
    sent = [one.status for one in clients.azure.requests() if one.method == "PUT"]
    assert sent == [status, status, 202]


def test_an_answer_that_is_lost_was_carried_out(clients: Clients) -> None:
    clients.cloud.plant(fault("create", DISKS, "lose"))
    clients.compute.disks.begin_create_or_update("rg", "d", BODY).result()  # the client asks again
    assert [one.status for one in clients.azure.requests() if one.method == "PUT"] == [0, 200]
    assert clients.cloud.exists(DISK)


def test_an_operation_that_fails_says_why(clients: Clients) -> None:
    clients.cloud.plant(fault("create", DISKS, "fail", code="AllocationFailed", message="no room"))
    with pytest.raises(HttpResponseError, match=r"AllocationFailed.*no room"):
        clients.compute.disks.begin_create_or_update("rg", "d", BODY).result()
    clients.cloud.plant(fault("delete", DISKS, "fail", code="Stuck", message="try later"))
    with pytest.raises(HttpResponseError, match=r"Stuck.*try later"):
        clients.compute.disks.begin_delete("rg", "d").result()
    clients.compute.disks.begin_delete("rg", "d").result()
    assert not clients.cloud.exists(DISK)


def test_a_list_can_be_refused(clients: Clients) -> None:
    versions = "Microsoft.Compute/galleries/images/versions"
    put(clients.cloud, f"{COMPUTE}/galleries/g/images/d")
    for kind in (DISKS, versions, GROUPS):
        clients.cloud.plant(fault("list", kind, status=404, code="Planted"))
    for ask in (
        clients.compute.disks.list,
        lambda: clients.compute.gallery_image_versions.list_by_gallery_image("rg", "g", "d"),
        clients.resources.resource_groups.list,
    ):
        with pytest.raises(HttpResponseError, match="Planted"):
            list(ask())
        list(ask())


def test_a_slow_answer_takes_its_time(clients: Clients) -> None:
    put(clients.cloud, DISK)
    clients.cloud.plant(fault("read", DISKS, "slow", seconds=0.3))
    started = time.monotonic()
    clients.compute.disks.get("rg", "d")
    assert time.monotonic() - started >= 0.3


def test_what_is_taken_away_is_refused_and_told(clients: Clients) -> None:
    clients.cloud.set(denied={GROUP: ["Microsoft.Compute/disks/write", "*/delete"]})
    for forbidden in (
        lambda: clients.compute.disks.begin_create_or_update("rg", "d", BODY),
        lambda: clients.resources.resource_groups.begin_delete("rg"),
    ):
        with pytest.raises(HttpResponseError, match="AuthorizationFailed") as refused:
            forbidden()
        assert refused.value.status_code == 403
    assert clients.compute.galleries.get("rg", "g").name == "g"
    asked = "/providers/Microsoft.Authorization/permissions"
    assert clients.send("GET", GROUP + asked)["value"][0]["notActions"] == ["Microsoft.Compute/disks/write", "*/delete"]
    (everything,) = clients.send("GET", f"/subscriptions/{SUBSCRIPTION}{asked}")["value"]
    assert (everything["actions"], everything["notActions"]) == (["*"], [])


def test_subscriptions_and_their_providers(clients: Clients) -> None:
    base = f"/subscriptions/{SUBSCRIPTION}"
    assert clients.send("GET", base)["state"] == "Enabled"
    assert "westeurope" in [one["name"] for one in clients.send("GET", f"{base}/locations")["value"]]
    clients.cloud.set(unregistered=["Microsoft.Compute"])
    states = {one.namespace: one.registration_state for one in clients.resources.providers.list()}
    assert (states["Microsoft.Compute"], states["Microsoft.Network"]) == ("NotRegistered", "Registered")
    with pytest.raises(ResourceExistsError, match="MissingSubscriptionRegistration"):
        clients.compute.disks.begin_create_or_update("rg", "d", BODY)
    clients.resources.providers.register("Microsoft.Compute")
    assert clients.resources.providers.get("Microsoft.Compute").registration_state == "Registered"
    clients.cloud.set(subscriptions={"66666666-6666-6666-6666-666666666666": {}})
    with pytest.raises(HttpResponseError, match="SubscriptionNotFound"):
        clients.send("GET", base)


def test_both_fronts_tell_of_networks_each_in_its_way(clients: Clients) -> None:
    address = put(clients.cloud, f"{NETWORK}/publicIPAddresses/a")
    subnet = {"name": "s", "addressPrefixes": ["10.0.0.0/24"]}
    put(clients.cloud, f"{NETWORK}/virtualNetworks/n", subnets=[subnet])
    inside = f"{NETWORK}/virtualNetworks/n/subnets/s"
    put(
        clients.cloud, f"{NETWORK}/networkInterfaces/i",
        ipConfigurations=[{"name": "ip", "subnetId": inside, "publicIPAddressId": address["id"]}],
    )  # fmt: skip
    api: Any = clients.resources.resources
    (part,) = api.get_by_id(f"{NETWORK}/networkInterfaces/i", api_version=VERSION).properties["ipConfigurations"]
    assert part["properties"]["publicIPAddress"] == {"id": address["id"]}
    assert part["properties"]["subnet"] == {"id": inside}
    (shown,) = api.get_by_id(f"{NETWORK}/virtualNetworks/n", api_version=VERSION).properties["subnets"]
    assert (shown["id"], shown["properties"]) == (inside, {"addressPrefixes": ["10.0.0.0/24"]})
    body = {"location": "westeurope", "properties": {"ipConfigurations": [part]}}
    api.begin_create_or_update_by_id(f"{NETWORK}/networkInterfaces/j", api_version=VERSION, parameters=body).result()
    copied = clients.cloud.get(f"{NETWORK}/networkInterfaces/j")
    assert copied is not None
    assert copied["properties"]["ipConfigurations"][0]["subnetId"] == inside


def test_ids_come_back_in_other_letter_case(clients: Clients) -> None:
    put(clients.cloud, DISK)
    clients.cloud.set(echo_case=["*"])
    assert clients.compute.disks.get("rg", "d").id == DISK.replace("/rg/", "/RG/")
