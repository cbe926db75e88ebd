"""Images that exist: whether they are whole, how they are exported, and how they go."""

from typing import Any

import pytest

from generator.azure import versions, vhd
from generator.azure.session import Session
from generator.errors import ImagegenError
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.faults import fault
from tests.azure_sim.fixtures import AzureArm
from tests.unit.azure import making
from tests.unit.azure.making import DEFINITION, GROUP, IMAGE, MACHINE

TAGS = {"imagegen:workspace": making.WORKSPACE, "imagegen:version": "1.0.0", "team": "web", "a b": "no name"}
VERSIONS = "Microsoft.Compute/galleries/images/versions"


def entry(kind: str, where: str, **tags: str) -> dict[str, Any]:
    """What a ledger says of an image."""
    return {"kind": kind, "id": where, "tags": TAGS | tags}


def test_a_version_that_is_replicating_is_waited_for(session: Session, cloud: Cloud) -> None:
    making.definition(cloud)
    where = making.version(cloud, "1.0.0", ("westeurope", "northeurope"))
    cloud.set(replication=3)
    notes: list[str] = []
    assert versions.whole(session, entry("SharedImage", where), 600, notes.append)
    assert "northeurope Replicating 50 %" in notes[0]
    assert versions.whole(session, entry("SharedImage", where), 600)


def test_a_version_that_is_being_made_is_waited_for(session: Session, cloud: Cloud) -> None:
    making.definition(cloud)
    cloud.set(delay={VERSIONS: 0.2})
    assert versions.whole(session, entry("SharedImage", making.version(cloud, "1.0.0")), 600)


def test_an_absent_version_is_none(session: Session, cloud: Cloud) -> None:
    making.definition(cloud)
    assert not versions.whole(session, entry("SharedImage", f"{DEFINITION}/versions/1.0.0"), 10)


def test_a_failed_version_is_deleted(session: Session, cloud: Cloud) -> None:
    making.definition(cloud)
    cloud.plant(fault("create", VERSIONS, "fail"))
    where = making.version(cloud, "1.0.0")
    assert not versions.whole(session, entry("SharedImage", where, **{"imagegen:workspace": "another"}), 10)
    assert cloud.get(where) is not None
    assert not versions.whole(session, entry("SharedImage", where), 600)
    assert cloud.get(where) is None


@pytest.mark.parametrize("tag", ["imagegen:workspace", "imagegen:version"])
def test_a_version_of_somebody_elses_is_not_ours(session: Session, cloud: Cloud, tag: str) -> None:
    """It may have the number that was free when the build began."""
    making.definition(cloud)
    where = making.version(cloud, "1.0.0")
    assert not versions.whole(session, entry("SharedImage", where, **{tag: "another"}), 10)


def test_a_replication_that_outlives_its_time_goes_on(session: Session, cloud: Cloud) -> None:
    making.definition(cloud)
    where = making.version(cloud, "1.0.0")
    cloud.set(replication=-1)
    with pytest.raises(ImagegenError, match="not whole after 0 min: westeurope Replicating") as told:
        versions.whole(session, entry("SharedImage", where), 0)
    assert "run `imagegen apply DIR` again later" in (told.value.hint or "")


def test_a_managed_image_is_whole_when_it_is_this_version(session: Session, cloud: Cloud) -> None:
    image = entry("ManagedImage", IMAGE)
    making.put(cloud, GROUP)
    assert not versions.whole(session, image, 1)
    making.put(cloud, IMAGE, tags=TAGS)
    assert versions.whole(session, image, 1)
    assert not versions.whole(session, entry("ManagedImage", IMAGE, **{"imagegen:version": "1.0.1"}), 1)


def test_retired_images_go_and_nobody_elses(session: Session, cloud: Cloud, azure_arm: AzureArm) -> None:
    making.definition(cloud)
    version = making.version(cloud, "1.0.0")
    making.put(cloud, IMAGE, tags=TAGS)
    address = making.account(azure_arm.cloud)
    blob = session.blobs(address).create_container("vhds").get_blob_client("web.vhd")
    blob.upload_blob(b"", metadata=vhd.metadata(TAGS))
    for kind, where in (("SharedImage", version), ("ManagedImage", IMAGE), ("VHD", f"{address}/vhds/web.vhd")):
        notes: list[str] = []
        versions.retire(session, entry(kind, where, **{"imagegen:workspace": "another"}), notes.append)
        assert "it is left as it is" in notes[0]
        for _ in range(2):
            versions.retire(session, entry(kind, where))
    assert cloud.get(version) is None
    assert cloud.get(IMAGE) is None
    assert not blob.exists()


@pytest.fixture
def target(session: Session, azure_arm: AzureArm) -> str:
    """Where to export to, beside a machine that is off."""
    address = making.account(azure_arm.cloud)
    session.blobs(address).create_container("vhds")
    making.machine(azure_arm.cloud)
    session.compute().virtual_machines.begin_deallocate("staging", "machine").wait()
    return f"{address}/vhds/web/disk.vhd"


def disk_of(session: Session) -> Any:
    """The machine's disk."""
    machine: Any = session.compute().virtual_machines.get("staging", "machine")
    return session.compute().disks.get("staging", machine.properties.storage_profile.os_disk.name)


def test_a_disk_becomes_a_blob(session: Session, azure_arm: AzureArm, target: str) -> None:
    azure_arm.cloud.set(copies={"reads": 2})
    notes: list[str] = []
    vhd.export(session, MACHINE, target, TAGS, notes.append)
    container = session.blobs(target.partition("/vhds/")[0]).get_container_client("vhds")
    [blob] = container.list_blobs(include=["metadata"])
    assert (blob.name, blob.blob_type) == ("web/disk.vhd", "PageBlob")
    assert blob.metadata == {
        "imagegen_workspace": making.WORKSPACE, "imagegen_version": "1.0.0", "team": "web",
    }  # fmt: skip
    assert versions.whole(session, {"kind": "VHD", "id": target, "tags": TAGS}, 1)
    assert disk_of(session).properties.disk_state != "ActiveSAS"
    assert any("copied" in note for note in notes)


def test_the_old_blob_stays_until_the_new_is_whole(session: Session, azure_arm: AzureArm, target: str) -> None:
    vhd.export(session, MACHINE, target, TAGS)
    azure_arm.cloud.set(copies={"fails": "no space"})
    with pytest.raises(ImagegenError, match="the copy ended as failed"):
        vhd.export(session, MACHINE, target, TAGS | {"imagegen:version": "1.0.1"})
    assert versions.whole(session, {"kind": "VHD", "id": target, "tags": TAGS}, 1)
    assert disk_of(session).properties.disk_state != "ActiveSAS"
    azure_arm.cloud.set(copies={})
    vhd.export(session, MACHINE, target, TAGS | {"imagegen:version": "1.0.1"})
    assert not versions.whole(session, {"kind": "VHD", "id": target, "tags": TAGS}, 1)
    container = session.blobs(target.partition("/vhds/")[0]).get_container_client("vhds")
    assert list(container.list_blob_names()) == ["web/disk.vhd"]


def test_an_address_of_a_dead_run_is_taken_back_first(session: Session, azure_arm: AzureArm, target: str) -> None:
    disk = disk_of(session)
    granted: Any = {"access": "Read", "durationInSeconds": 3600}
    session.compute().disks.begin_grant_access("staging", disk.name, granted).result()
    vhd.export(session, disk.id, target, TAGS)
    assert versions.whole(session, {"kind": "VHD", "id": target, "tags": TAGS}, 1)


def test_a_copy_that_does_not_end_is_given_up(session: Session, azure_arm: AzureArm, target: str) -> None:
    azure_arm.cloud.set(copies={"reads": 10**6})
    with pytest.raises(ImagegenError, match="did not end in time"):
        vhd.export(session, MACHINE, target, TAGS, timeout=0.1)
    assert disk_of(session).properties.disk_state != "ActiveSAS"
    azure_arm.cloud.set(copies={})
    vhd.export(session, MACHINE, target, TAGS)
