"""Every distributor, alone and together: what lands in Azure, and what the ledger says of it."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.azure.conftest import OTHER, Azure, Write
from tests.azure.killing import kill
from tests.azure.making import (
    MANAGED,
    SHELL,
    VERSIONS,
    Part,
    entry,
    ledger,
    managed,
    private,
    security,
    shared,
)
from tests.azure.rest import at_rest, terraform
from tests.azure_sim.faults import fault
from tests.support.waiting import wait_until

REGIONS = [
    {"name": "westeurope", "replicaCount": 2, "storageAccountType": "Standard_ZRS"},
    {"name": "northeurope", "replicaCount": 1, "storageAccountType": "Premium_LRS"},
]
TARGETS = [
    {"name": "westeurope", "regionalReplicaCount": 2, "storageAccountType": "Standard_ZRS"},
    {"name": "northeurope", "regionalReplicaCount": 1, "storageAccountType": "Premium_LRS"},
]


def properties(azure: Azure, resource_id: str) -> Part:
    """The properties of what is in Azure."""
    found = azure.cloud.get(resource_id)
    assert found
    return dict(found["properties"])


def test_a_gallery_version_is_as_the_template_has_it(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Regions, replicas, storage, tags and date. The id's letter case is the user's; azurerm would not take it."""
    image = azure.definition("web")
    azure.imagegen.environment["IMAGEGEN_END_OF_LIFE_DATE"] = "2030-01-31T00:00:00Z"
    target = shared(image.replace("resourceGroups", "resourcegroups"), excludeFromLatest=True, targetRegions=REGIONS)
    path = template(SHELL, vmProfile=private(azure), distribute=[target | {"artifactTags": {"Team": "web ä"}}])
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out)
    version = f"{image}/versions/1.0.0"
    profile = properties(azure, version)["publishingProfile"]
    regions = sorted(profile["targetRegions"], key=lambda each: -each["regionalReplicaCount"])
    assert [{name: each[name] for name in TARGETS[0]} for each in regions] == TARGETS
    assert profile["excludeFromLatest"] is True
    assert profile["endOfLifeDate"] == "2030-01-31T00:00:00Z"
    found = azure.cloud.get(version)
    assert found
    assert found["tags"] | {"Team": "web ä", "imagegen:version": "1.0.0"} == found["tags"]
    at_rest(azure, out, before, {version})


def test_an_explicit_version_in_another_case(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Azure compares ids without case: the number is the build's, and the definition is what stands before it."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(f"{image}/Versions/3.2.1")])
    before, out = azure.names(), tmp_path / "out"
    azure.imagegen("apply", path, "--out", out)
    assert entry(out, "3.2.1")["id"] == f"{image}/versions/3.2.1"
    at_rest(azure, out, before, {f"{image}/versions/3.2.1"})


@pytest.mark.parametrize(
    ("kind", "machine", "source"),
    [
        ("TrustedLaunchSupported", "", "/images/captured"),
        ("TrustedLaunch", "TrustedLaunch", "/virtualMachines/machine"),
    ],
)
def test_the_definition_decides_the_way(
    azure: Azure, template: Write, tmp_path: Path, kind: str, machine: str, source: str
) -> None:
    """For a …Supported definition a managed image goes between; for a TrustedLaunch one the machine itself is such."""
    image = azure.definition("web", features=security(kind))
    target = shared(image, replicationRegions=["West Europe"], storageAccountType="Standard_ZRS")
    path = template(SHELL, vmProfile=private(azure), distribute=[target])
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out)
    (made,) = azure.cloud.asked("Microsoft.Compute/virtualMachines")
    assert made["properties"].get("securityProfile", {}).get("securityType", "") == machine
    assert entry(out)["source_id"].endswith(source)
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_a_managed_image_and_a_blob_give_way_to_the_next(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Several images at once, one in another subscription; then a second build, in whose place the first was."""
    near, far = azure.definition("web"), azure.definition("web", subscription=OTHER)
    uri = azure.container()
    blob = {"type": "VHD", "runOutputName": "disk", "uri": f"{uri}/web/disk.vhd"}
    targets = [shared(near, replicationMode="Shallow"), shared(far, "far"), managed(f"{MANAGED}/web"), blob]
    path = template(SHELL, vmProfile=private(azure), distribute=targets, api="2025-10-01")
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out)
    versions = {f"{near}/versions/1.0.0", f"{far}/versions/1.0.0"}
    at_rest(azure, out, before, versions | {f"{MANAGED}/web"})
    assert properties(azure, f"{near}/versions/1.0.0")["publishingProfile"]["replicationMode"] == "Shallow"
    first = azure.arm.blobs.blob("vault", "vhds", "web/disk.vhd")
    assert first.content.endswith(b"conectix".ljust(512, b"\0"))
    assert first.metadata["imagegen_version"] == "1.0.0"

    done = azure.imagegen("apply", out)
    versions |= {f"{near}/versions/1.0.1", f"{far}/versions/1.0.1"}
    at_rest(azure, out, before, versions | {f"{MANAGED}/web"})
    image = azure.cloud.get(f"{MANAGED}/web")
    assert image
    assert image["tags"]["imagegen:version"] == "1.0.1"
    assert "web/disk.vhd.new" not in azure.arm.blobs.names("vault", "vhds")
    assert azure.arm.blobs.blob("vault", "vhds", "web/disk.vhd").metadata["imagegen_version"] == "1.0.1"
    images = ledger(out)["1.0.0"]["images"]
    assert {name: each.get("status") for name, each in images.items()} == {
        "disk": "superseded", "far": None, "managed": "superseded", "out": None,
    }  # fmt: skip
    assert "replacing the image" in done.stderr
    assert not [each for each in azure.names() if each.endswith("/grants/sas")]


@pytest.mark.parametrize("how", ["fail", "refuse"])
def test_a_managed_image_that_gave_way_is_followed_by_the_new_one(
    azure: Azure, template: Write, tmp_path: Path, how: Any
) -> None:
    """The old one had to go first: where Azure fails to make the new one, it is made from the machine after all."""
    azure.definition("web")  # and with it the group
    path = template(SHELL, vmProfile=private(azure), distribute=[managed(f"{MANAGED}/web")])
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out)
    azure.cloud.plant(fault("create", "Microsoft.Compute/images", how, name="web"))
    failed = azure.imagegen("apply", out, code=1)
    assert "the new ones are made after all" in failed.stderr
    assert "1.0.1 is released" in failed.stderr
    at_rest(azure, out, before, {f"{MANAGED}/web"})
    image = azure.cloud.get(f"{MANAGED}/web")
    assert image
    assert image["tags"]["imagegen:version"] == "1.0.1"
    assert ledger(out)["1.0.0"]["images"]["managed"]["status"] == "superseded"


@pytest.fixture
def replaced(azure: Azure, template: Write, tmp_path: Path) -> Path:
    """A workspace whose second blob is released: it took the place of the first, and stands where the next one goes."""
    blob = {"type": "VHD", "runOutputName": "disk", "uri": f"{azure.container()}/web/disk.vhd"}
    path = template(SHELL, vmProfile=private(azure), distribute=[blob])
    azure.imagegen("apply", path, "--out", tmp_path / "out")
    azure.imagegen("apply", tmp_path / "out")
    return tmp_path / "out"


def test_a_released_blob_outlives_a_copy_that_fails(azure: Azure, replaced: Path) -> None:
    before = copy.deepcopy(azure.arm.blobs.blob("vault", "vhds", "web/disk.vhd"))
    azure.cloud.set(copies={"fails": "no space"})
    assert "no space" in azure.imagegen("apply", replaced, code=1).stderr
    after = azure.arm.blobs.blob("vault", "vhds", "web/disk.vhd")
    assert (after.metadata, after.content) == (before.metadata, before.content)
    assert "web/disk.vhd.new" not in azure.arm.blobs.names("vault", "vhds")
    assert ledger(replaced)["1.0.1"]["images"]["disk"].get("status") is None
    assert list(ledger(replaced)) == ["1.0.0", "1.0.1"]


def test_a_blob_that_is_half_overwritten_is_made_whole(azure: Azure, replaced: Path) -> None:
    """imagegen is killed while the new blob, which is whole, is copied to the place of the old one."""
    azure.cloud.set(copies={"reads": 2})
    child = azure.imagegen.start("apply", replaced)
    wait_until(lambda: azure.arm.blobs.blob("vault", "vhds", "web/disk.vhd").metadata["imagegen_version"] == "1.0.2")
    kill(child.pid)
    child.wait()
    azure.cloud.set(copies={})
    azure.imagegen("cleanup", replaced)
    assert "web/disk.vhd.new" not in azure.arm.blobs.names("vault", "vhds")
    blob = azure.arm.blobs.blob("vault", "vhds", "web/disk.vhd")
    assert (blob.metadata["imagegen_version"], blob.copy and blob.copy.status) == ("1.0.2", "success")
    assert blob.content.endswith(b"conectix".ljust(512, b"\0"))
    assert ledger(replaced)["1.0.2"]["status"] == "released"
    assert ledger(replaced)["1.0.1"]["images"]["disk"]["status"] == "superseded"


def test_blobs_that_cannot_be_written_are_refused(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Without an address, without a container, and where somebody else's blob lies; nothing is made."""
    azure.container()
    azure.arm.blobs.write("vault", "vhds", "foreign.vhd", b"somebody's")
    cases = {
        "": "a VHD without `uri` is not supported",
        azure.container().replace("vhds", "missing") + "/a.vhd": "there is no container missing",
        azure.container() + "/foreign.vhd": "exists that this workspace did not make",
    }
    profile = private(azure)
    before = azure.names()
    for number, (uri, told) in enumerate(cases.items()):
        blob = {"type": "VHD", "runOutputName": "disk"} | ({"uri": uri} if uri else {})
        path = template(SHELL, name=f"web{number}", vmProfile=profile, distribute=[blob])
        done = azure.imagegen("apply", path, "--out", tmp_path / f"out{number}", code=1)
        assert told in done.stderr
        assert "hint:" in done.stderr
    assert azure.names() == before
    assert azure.cloud.asked("Microsoft.Compute/virtualMachines") == []


@pytest.mark.parametrize(
    ("target", "version"),
    [
        ({"galleryImageId": "/versions/3.2.1"}, "3.2.1"),
        ({"versioning": {"scheme": "Latest", "major": 1}}, "1.5.1"),
        ({"versioning": {"scheme": "Source"}}, "0.20250101.1"),
    ],
    ids=["explicit", "major", "source"],
)
def test_versions(azure: Azure, template: Write, tmp_path: Path, target: Part, version: str) -> None:
    """The number is the template's, the next of a major one that the gallery has, or the source's."""
    image = azure.definition("web")
    for taken in ("1.5.0", "2.0.0"):
        azure.version(image, taken)
    wanted = shared(image) | target | {"galleryImageId": image + target.get("galleryImageId", "")}
    path = template(SHELL, vmProfile=private(azure), distribute=[wanted])
    out = tmp_path / "out"
    done = azure.imagegen("apply", path, "--out", out)
    assert done.stdout.strip() == f"{image}/versions/{version}"
    assert [each["id"] for each in azure.cloud.asked(VERSIONS)][-1] == f"{image}/versions/{version}"
    assert terraform(azure, out, "plan", "-detailed-exitcode").returncode == 0
    if target.get("versioning", {}).get("scheme") != "Latest":
        again = azure.imagegen("apply", out, code=1)
        assert f"version {version}" in again.stderr
        assert "exists already" in again.stderr
        assert len(azure.cloud.asked("Microsoft.Compute/virtualMachines")) == 1
