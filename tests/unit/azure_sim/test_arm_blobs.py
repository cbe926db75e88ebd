"""The simulated blob service, with azure-storage-blob."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobClient, BlobSasPermissions, BlobServiceClient, BlobType, generate_blob_sas

from tests.azure_sim.faults import fault
from tests.azure_sim.mirror import SUBSCRIPTION
from tests.unit.azure_sim.clients import ACCOUNT, Clients
from tests.unit.azure_sim.making import machine

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
SOON = timedelta(minutes=5)


def test_blobs_are_put_read_listed_and_deleted(clients: Clients) -> None:
    blob = clients.container.get_blob_client("a folder/ä&b.txt")
    blob.upload_blob(b"0123456789", metadata={"build": "7"})
    assert blob.download_blob().readall() == b"0123456789"
    assert blob.download_blob(offset=2, length=3).readall() == b"234"
    shown = blob.get_blob_properties()
    assert (shown.size, shown.metadata, shown.blob_type) == (10, {"build": "7"}, BlobType.BLOCKBLOB)
    with pytest.raises(ResourceExistsError, match="BlobAlreadyExists"):
        blob.upload_blob(b"other")
    blob.upload_blob(b"", overwrite=True)
    assert blob.download_blob().readall() == b""
    clients.container.get_blob_client("b").upload_blob(b"1")
    assert [one.name for one in clients.container.list_blobs()] == ["a folder/ä&b.txt", "b"]
    assert [one.name for one in clients.container.list_blobs(name_starts_with="a")] == ["a folder/ä&b.txt"]
    assert clients.azure.blobs.read("account", "files", "b") == b"1"
    clients.azure.blobs.write("account", "files", "b", b"2")
    assert clients.container.get_blob_client("b").download_blob().readall() == b"2"
    blob.delete_blob()
    assert not blob.exists()
    with pytest.raises(ResourceNotFoundError, match="BlobNotFound"):
        blob.download_blob()


def test_containers(clients: Clients) -> None:
    clients.container.get_blob_client("a").upload_blob(b"1")
    with pytest.raises(ResourceExistsError, match="ContainerAlreadyExists"):
        clients.blobs.create_container("files")
    assert [one.name for one in clients.blobs.list_containers()] == ["files"]
    clients.blobs.delete_container("files")
    with pytest.raises(ResourceNotFoundError, match="ContainerNotFound"):
        clients.container.get_blob_client("a").upload_blob(b"1")
    clients.blobs.create_container("files")
    assert [one.name for one in clients.container.list_blobs()] == []


def test_large_ones_go_in_blocks_and_disks_in_pages(clients: Clients) -> None:
    client = BlobServiceClient(
        clients.blobs.url, credential=clients.credential, connection_verify=clients.authority, max_block_size=1024,
        max_single_put_size=1024, max_single_get_size=1024, max_chunk_get_size=1024, max_page_size=1024,
    )  # fmt: skip
    content = bytes(range(256)) * 20
    for name, kind in (("blocks", BlobType.BLOCKBLOB), ("pages", BlobType.PAGEBLOB)):
        blob = client.get_blob_client(clients.container.container_name, name)
        blob.upload_blob(content, blob_type=kind)
        assert blob.download_blob().readall() == content
        assert blob.get_blob_properties().blob_type == kind
    queries = [one.query.get("comp") for one in clients.azure.requests() if one.path.endswith(("/blocks", "/pages"))]
    assert {"block", "blocklist", "page"} <= set(queries)


def test_a_copy_is_polled_to_its_end(clients: Clients) -> None:
    machine(clients.cloud)
    (disk,) = clients.compute.disks.list()
    asked: Any = {"access": "Read", "durationInSeconds": 3600}
    source = str(clients.compute.disks.begin_grant_access("rg", str(disk.name), asked).result().access_sas)
    clients.cloud.set(copies={"reads": 1})
    blob = clients.container.get_blob_client("disk.vhd")
    assert blob.start_copy_from_url(source)["copy_status"] == "pending"
    assert [blob.get_blob_properties().copy.status for _ in range(2)] == ["pending", "success"]
    assert clients.azure.blobs.read("account", "files", "disk.vhd")[-512:].startswith(b"conectix")

    clients.cloud.set(copies={"reads": 1, "fails": "500 InternalServerError"})
    blob.start_copy_from_url(source)
    failed = [blob.get_blob_properties().copy for _ in range(2)][-1]
    assert (failed.status, failed.status_description) == ("failed", "500 InternalServerError")

    clients.cloud.set(copies={"reads": 9})
    begun = blob.start_copy_from_url(source)
    with pytest.raises(ResourceExistsError, match="PendingCopyOperation"):
        blob.start_copy_from_url(source)
    blob.abort_copy(str(begun["copy_id"]))
    assert blob.get_blob_properties().copy.status == "aborted"

    blob.start_copy_from_url(source)
    clients.compute.disks.begin_revoke_access("rg", str(disk.name)).result()
    assert blob.get_blob_properties().copy.status == "failed"  # its source was closed too early
    with pytest.raises(HttpResponseError, match="CannotVerifyCopySource"):
        blob.start_copy_from_url(source)


def _sas(clients: Clients, letters: str, expires: timedelta) -> BlobClient:
    now = datetime.now(UTC)
    key = clients.blobs.get_user_delegation_key(now - SOON, now + SOON)
    token = generate_blob_sas(
        "account", "files", "a", user_delegation_key=key, permission=BlobSasPermissions.from_string(letters),
        expiry=now + expires,
    )  # fmt: skip
    place = clients.container.get_blob_client("a").url
    return BlobClient.from_blob_url(f"{place}?{token}", connection_verify=clients.authority)


def test_a_signature_opens_one_door_for_a_while(clients: Clients) -> None:
    clients.container.get_blob_client("a").upload_blob(b"1")
    assert _sas(clients, "r", SOON).download_blob().readall() == b"1"
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        _sas(clients, "r", SOON).upload_blob(b"2", overwrite=True)
    with pytest.raises(ClientAuthenticationError, match="AuthenticationFailed"):
        _sas(clients, "r", -SOON).download_blob()


def test_without_a_key_there_is_nothing(clients: Clients) -> None:
    url = clients.container.get_blob_client("a").url
    for credential, status in ((None, 401), ("c2VjcmV0", 404)):
        client = BlobClient.from_blob_url(url, credential=credential, connection_verify=clients.authority)
        with pytest.raises(HttpResponseError) as refused:
            client.download_blob()
        assert refused.value.status_code == status
    clients.cloud.change(ACCOUNT, allowSharedKeyAccess=False)
    with pytest.raises(HttpResponseError, match="KeyBasedAuthenticationNotPermitted"):
        BlobClient.from_blob_url(url, credential="c2VjcmV0", connection_verify=clients.authority).download_blob()
    assert len(clients.send("POST", f"{ACCOUNT}/listKeys")["keys"]) == 2
    check = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Storage/checkNameAvailability"
    for name, free in (("account", False), ("another", True)):
        assert clients.send("POST", check, body={"name": name})["nameAvailable"] is free
    clients.cloud.set(denied={ACCOUNT: [f"{BLOBS}/write"]})
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        clients.container.get_blob_client("a").upload_blob(b"1")


def test_one_holds_a_lease(clients: Clients) -> None:
    blob = clients.container.get_blob_client("a")
    blob.upload_blob(b"1")
    before = blob.get_blob_properties().etag
    held = blob.acquire_lease(lease_duration=15)
    with pytest.raises(ResourceExistsError, match="LeaseAlreadyPresent"):
        blob.acquire_lease(lease_duration=-1)
    held.renew()
    shown = blob.get_blob_properties()
    assert (shown.lease.state, shown.lease.duration, shown.etag) == ("leased", "fixed", before)
    with pytest.raises(HttpResponseError, match="LeaseIdMissing"):
        blob.upload_blob(b"2", overwrite=True)
    with pytest.raises(HttpResponseError, match="LeaseIdMissing"):
        blob.delete_blob()
    blob.upload_blob(b"2", overwrite=True, lease=held)
    held.release()
    assert blob.get_blob_properties().lease.state == "available"
    forever = blob.acquire_lease()
    assert blob.get_blob_properties().lease.duration == "infinite"
    forever.break_lease()
    assert blob.get_blob_properties().lease.state == "broken"
    with pytest.raises(ResourceExistsError, match="LeaseIsBroken"):
        forever.renew()
    blob.delete_blob()
    with pytest.raises(HttpResponseError, match="InvalidHeaderValue"):
        clients.container.acquire_lease(lease_duration=5)
    clients.container.acquire_lease(lease_duration=60)


def test_changes_can_be_bound_to_what_was_read(clients: Clients) -> None:
    blob = clients.container.get_blob_client("a")
    blob.upload_blob(b"1")
    etag = blob.get_blob_properties().etag
    blob.set_blob_metadata({"a": "b"})
    from azure.core import MatchConditions

    with pytest.raises(ResourceModifiedError, match="ConditionNotMet"):
        blob.upload_blob(b"2", overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified)


def test_blobs_go_wrong_when_told_to(clients: Clients) -> None:
    blob = clients.container.get_blob_client("a")
    clients.cloud.plant(fault("create", BLOBS, status=503, code="ServerBusy", retry_after=0.05))
    blob.upload_blob(b"1")
    assert [one.status for one in clients.azure.requests() if one.path.endswith("/a")] == [503, 201]
    clients.cloud.plant(fault("read", BLOBS, status=404, code="BlobNotFound", message="gone"))
    assert not blob.exists()
