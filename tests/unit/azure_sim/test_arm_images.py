"""Images, disks, galleries and the marketplace through the simulated ARM, with azure-mgmt-compute."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient

from tests.azure_sim.errors import CloudError
from tests.azure_sim.mirror import SUBSCRIPTION
from tests.unit.azure_sim.clients import Clients
from tests.unit.azure_sim.making import COMPUTE, FROM_MACHINE, MACHINE, definition, image, machine, put

VERSION: Any = {
    "location": "westeurope",
    "properties": {
        "storageProfile": {"source": FROM_MACHINE},
        "publishingProfile": {"targetRegions": [{"name": "West Europe"}, {"name": "North Europe"}]},
    },
}


def test_a_version_replicates_and_is_listed(clients: Clients) -> None:
    machine(clients.cloud)
    definition(clients.cloud)
    clients.cloud.set(delay={"Microsoft.Compute/galleries/images/versions": 0.1}, replication=1)
    api = clients.compute.gallery_image_versions
    made = api.begin_create_or_update("rg", "g", "d", "1.0.0", VERSION)
    assert api.get("rg", "g", "d", "1.0.0").provisioning_state == "Creating"
    made.result()
    states = []
    for _ in range(2):
        status = api.get("rg", "g", "d", "1.0.0", expand="ReplicationStatus").replication_status
        assert status is not None
        states.append((status.aggregated_state, [one.state for one in status.summary or []]))
    assert states == [("InProgress", ["Replicating"] * 2), ("Completed", ["Completed"] * 2)]
    clients.cloud.set(replication_fails=["northeurope"])
    failed = api.get("rg", "g", "d", "1.0.0", expand="ReplicationStatus").replication_status
    assert failed is not None
    assert [failed.aggregated_state, *(one.state for one in failed.summary or [])] == ["Failed", "Completed", "Failed"]
    assert api.get("rg", "g", "d", "1.0.0").replication_status is None
    assert [one.name for one in api.list_by_gallery_image("rg", "g", "d")] == ["1.0.0"]
    assert [one.name for one in clients.compute.gallery_images.list_by_gallery("rg", "g")] == ["d"]
    assert [one.name for one in clients.compute.galleries.list()] == ["g"]
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
        list(api.list_by_gallery_image("rg", "g", "none"))
    with pytest.raises(ResourceExistsError, match="CannotDeleteResource"):
        clients.compute.galleries.begin_delete("rg", "g")


def test_what_azure_refuses_it_refuses_here_too(clients: Clients) -> None:
    machine(clients.cloud)
    definition(clients.cloud, "TrustedLaunchSupported")
    with pytest.raises(HttpResponseError, match="Currently only Vhd Blob, User Image") as refused:
        clients.compute.gallery_image_versions.begin_create_or_update("rg", "g", "d", "1.0.0", VERSION)
    assert refused.value.status_code == 400
    body: Any = {"location": "westeurope", "properties": {"sourceVirtualMachine": {"id": MACHINE}}}
    with pytest.raises(HttpResponseError, match="hyperVGeneration does not match"):
        clients.compute.images.begin_create_or_update("rg", "i", body)
    body["properties"]["hyperVGeneration"] = "V2"
    clients.compute.images.begin_create_or_update("rg", "i", body).result()
    assert [one.name for one in clients.compute.images.list()] == ["i"]


def test_a_disk_is_open_to_one_at_a_time(clients: Clients) -> None:
    machine(clients.cloud)
    api = clients.compute.disks
    (disk,) = api.list_by_resource_group("rg")
    name, asked = str(disk.name), {"access": "Read", "durationInSeconds": 3600}
    place: str = api.begin_grant_access("rg", name, asked).result().access_sas  # type: ignore[call-overload]
    bytes_of_it = BlobClient.from_blob_url(place, connection_verify=clients.authority)
    assert bytes_of_it.get_blob_properties().size % 512 == 0
    assert bytes_of_it.download_blob().readall().startswith(f"simulated disk {name}".encode())
    assert api.get("rg", name).disk_state == "ActiveSAS"
    with pytest.raises(ResourceExistsError, match="already has an active shared access signature"):
        api.begin_grant_access("rg", name, asked)  # type: ignore[call-overload]
    api.begin_revoke_access("rg", name).result()
    with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
        bytes_of_it.download_blob()
    api.begin_grant_access("rg", name, asked).result()  # type: ignore[call-overload]


def test_a_snapshot_is_copied_to_another_region(clients: Clients) -> None:
    put(clients.cloud, f"{COMPUTE}/disks/d")
    api = clients.compute.snapshots

    def new(source: str, location: str, how: str) -> Any:
        data = {"createOption": how, "sourceResourceId": f"{COMPUTE}/{source}"}
        return {"location": location, "properties": {"creationData": data, "incremental": True}}

    api.begin_create_or_update("rg", "s", new("disks/d", "westeurope", "Copy")).result()
    with pytest.raises(HttpResponseError, match="is in region"):
        api.begin_create_or_update("rg", "t", new("snapshots/s", "northeurope", "Copy"))
    clients.cloud.set(copies={"snapshot_seconds": 0.2})
    api.begin_create_or_update("rg", "t", new("snapshots/s", "northeurope", "CopyStart")).result()
    assert api.get("rg", "t").completion_percent == 50
    disk: Any = new("snapshots/t", "northeurope", "Copy")
    with pytest.raises(ResourceExistsError, match="still being copied"):
        clients.compute.disks.begin_create_or_update("rg", "e", disk)
    while api.get("rg", "t").completion_percent != 100:
        pass
    clients.compute.disks.begin_create_or_update("rg", "e", disk).result()


def test_the_marketplace(clients: Clients) -> None:
    plan = {"name": "n", "product": "o", "publisher": "p"}
    clients.cloud.set(marketplace={
        "p:o:arm64-gen2": {"versions": ["1.0.1", "1.0.2"], "plan": plan, "disk_gb": 32}, "p:o:gone": {"versions": []},
    })  # fmt: skip
    api = clients.compute.virtual_machine_images
    newest = api.list("westeurope", "p", "o", "arm64-gen2", top=1, orderby="name desc")
    assert [one.name for one in newest] == ["1.0.2"]
    found: Any = api.get("westeurope", "p", "o", "arm64-gen2", "1.0.2")
    assert (found.hyper_v_generation, found.architecture, found.plan.name) == ("V2", "Arm64", "n")
    assert found.os_disk_image.operating_system == "Linux"
    assert [(one.name, one.value) for one in found.features] == [("SecurityType", "TrustedLaunchSupported")]
    for sku, version in (("gone", "1.0.0"), ("arm64-gen2", "9.9.9")):
        with pytest.raises(ResourceNotFoundError, match="VMImage was not found"):
            api.get("westeurope", "p", "o", sku, version)
    with pytest.raises(ResourceNotFoundError, match="VMImage was not found"):
        api.list("westeurope", "p", "o", "gone")
    reference = {"publisher": "p", "offer": "o", "sku": "gone", "version": "latest"}
    with pytest.raises(CloudError, match="PlatformImageNotFound"):
        put(clients.cloud, MACHINE, storageProfile={"imageReference": reference})
    terms = (
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine"
        "/publishers/p/offers/o/plans/n/agreements/current"
    )
    unread = clients.send("GET", terms)
    assert unread["properties"]["accepted"] is False
    clients.send("PUT", terms, body={"properties": unread["properties"] | {"accepted": True}})
    assert clients.send("GET", terms)["properties"]["accepted"] is True


def test_sizes_and_quotas(clients: Clients) -> None:
    restricted = {"type": "Location", "values": ["westeurope"], "reasonCode": "NotAvailableForSubscription"}
    clients.cloud.set(
        skus=[{"name": "Standard_B2s", "restrictions": [restricted]}], usages={"standardBSFamily": (9, 10)}
    )
    known = {one.name: one for one in clients.compute.resource_skus.list(filter="location eq 'westeurope'")}
    assert [one.reason_code for one in known["Standard_B2s"].restrictions or []] == ["NotAvailableForSubscription"]
    arm = {one.name: one.value for one in known["Standard_D2ps_v5"].capabilities or []}
    assert (arm["CpuArchitectureType"], arm["HyperVGenerations"], arm["vCPUs"]) == ("Arm64", "V2", "2")
    assert arm["TrustedLaunchDisabled"] == "True"
    used = {one.name.value: (one.current_value, one.limit) for one in clients.compute.usage.list("westeurope")}
    assert used["standardBSFamily"] == (9, 10)


@pytest.mark.parametrize("kind", ["community", "shared"])
def test_galleries_of_others(clients: Clients, kind: str) -> None:
    clients.cloud.set(galleries={f"{kind}/theirs": {"web": {"architecture": "Arm64", "versions": ["1.0.0", "2.0.0"]}}})
    images: Any = getattr(clients.compute, f"{kind}_gallery_images")
    versions: Any = getattr(clients.compute, f"{kind}_gallery_image_versions")
    found = images.get("westeurope", "theirs", "web")
    assert (found.properties.architecture, found.properties.hyper_v_generation) == ("Arm64", "V2")
    assert [one.name for one in versions.list("westeurope", "theirs", "web")] == ["1.0.0", "2.0.0"]
    place = versions.get("westeurope", "theirs", "web", "2.0.0").unique_id
    assert place == f"/{kind.capitalize()}Galleries/theirs/Images/web/Versions/2.0.0"
    with pytest.raises(ResourceNotFoundError, match="GalleryNotFound"):
        images.get("westeurope", "none", "web")
    source = {f"{kind}GalleryImageId": f"/{kind}Galleries/theirs/images/web/versions/2.0.0"}
    put(clients.cloud, MACHINE, storageProfile={"imageReference": source})
    clients.cloud.act(MACHINE, "deallocate")
    clients.cloud.act(MACHINE, "generalize")
    with pytest.raises(CloudError, match="not supported for Arm64"):
        image(clients.cloud)
