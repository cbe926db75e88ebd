"""Whether images can go where they shall, which way, and as which version."""

from dataclasses import replace

import pytest

from generator.azure.destinations import check, existing_versions
from generator.azure.session import Session
from generator.azure.sources import Resolved
from generator.errors import InvalidTemplate
from generator.workspace.blueprint import Destination, Plan
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.fixtures import AzureArm
from tests.azure_sim.mirror import SUBSCRIPTION
from tests.unit.azure import making
from tests.unit.azure.making import DEFINITION, GALLERY, IMAGE, RESOLVED, blueprint, gallery_image

MANAGED = Destination("managed", "ManagedImage", IMAGE, ())
ARM = replace(RESOLVED, architecture="Arm64")
OTHER = "99999999-9999-9999-9999-999999999999"


def problems(session: Session, *destinations: Destination, resolved: Resolved = RESOLVED) -> list[str]:
    """What is wrong, all of it, with the hints."""
    with pytest.raises(InvalidTemplate) as told:
        check(session, blueprint(*destinations), resolved, "westeurope")
    return [f"{problem.path}: {problem.message} | {problem.hint or ''}" for problem in told.value.problems]


@pytest.mark.parametrize(
    ("security", "machine", "via_image", "validate_by"),
    [
        ("", "Standard", False, "image"),
        ("Standard", "Standard", False, "image"),
        ("TrustedLaunchSupported", "Standard", True, "image"),
        ("TrustedLaunchAndConfidentialVmSupported", "Standard", True, "image"),
        ("TrustedLaunch", "TrustedLaunch", False, "gallery"),
    ],
)
def test_the_definition_decides_the_way(
    session: Session, cloud: Cloud, security: str, machine: str, via_image: bool, validate_by: str
) -> None:
    making.definition(cloud, security=security)
    route = check(session, blueprint(gallery_image()), RESOLVED, "westeurope")
    assert (route.security, route.via_image, route.validate_by) == (machine, via_image, validate_by)


def test_arm64_goes_straight_to_a_gallery(session: Session, cloud: Cloud) -> None:
    making.definition(cloud, architecture="Arm64")
    making.put(cloud, making.GROUP)
    route = check(session, blueprint(gallery_image()), ARM, "westeurope")
    assert (route.via_image, route.validate_by, route.architecture) == (False, "gallery", "Arm64")
    assert "no managed image of an Arm64" in problems(session, MANAGED, resolved=ARM)[0]


def test_arm64_cannot_take_the_way_over_an_image(session: Session, cloud: Cloud) -> None:
    making.definition(cloud, security="TrustedLaunchSupported", architecture="Arm64")
    assert "Arm64 machines have none" in problems(session, gallery_image(), resolved=ARM)[0]


def test_a_source_that_is_only_validated_needs_no_machine(session: Session, cloud: Cloud) -> None:
    making.definition(cloud)
    route = check(session, blueprint(gallery_image(), source_validation_only=True), RESOLVED, "westeurope")
    assert route.validate_by == "source"


def test_trusted_launch_goes_nowhere_else(session: Session, cloud: Cloud) -> None:
    making.definition(cloud, security="TrustedLaunch")
    making.definition(cloud, f"{GALLERY}/images/plain")
    said = problems(session, gallery_image(), MANAGED, gallery_image("plain", f"{GALLERY}/images/plain"))
    assert [line.partition(":")[0] for line in said] == ["managed", "plain"]
    assert all("cannot go to" in line and "TrustedLaunchSupported" in line for line in said)


def test_a_source_that_cannot_be_trusted_is_refused(session: Session, cloud: Cloud) -> None:
    making.definition(cloud, security="TrustedLaunch")
    standard = replace(RESOLVED, security_types=frozenset({"Standard"}))
    assert "not TrustedLaunch" in problems(session, gallery_image(), resolved=standard)[0]


def test_confidential_definitions_are_refused(session: Session, cloud: Cloud) -> None:
    making.definition(cloud, security="ConfidentialVM")
    assert "confidential" in problems(session, gallery_image())[0]


def test_a_missing_definition_or_gallery_comes_with_its_command(session: Session, cloud: Cloud) -> None:
    making.put(cloud, making.GROUP)
    [said] = problems(session, gallery_image())
    assert "no gallery gallery in images | az sig create -g images -r gallery && az sig image-definition create" in said
    making.put(cloud, GALLERY)
    [said] = problems(session, gallery_image())
    assert "no image definition web" in said
    for part in ("--os-type Linux", "--hyper-v-generation V2", "--architecture x64", "TrustedLaunchSupported"):
        assert part in said


def test_every_difference_is_told_at_once(session: Session, cloud: Cloud) -> None:
    making.definition(cloud, osType="Windows", hyperVGeneration="V1", architecture="Arm64", osState="Specialized")
    said = problems(
        session, gallery_image(regions=("northeurope",)), resolved=replace(RESOLVED, plan=Plan("n", "p", "v"))
    )
    for part in ("the system Windows", "generation V1", "architecture Arm64", "are Specialized", "purchase plan none"):
        assert any(part in line for line in said), part
    assert any('add {"name": "westeurope"} to targetRegions' in line for line in said)


def test_regions_are_compared_as_azure_does(session: Session, cloud: Cloud) -> None:
    making.definition(cloud)
    assert check(session, blueprint(gallery_image(regions=("North Europe", "West Europe"))), RESOLVED, "westeurope")


def test_a_gallery_in_another_subscription(session: Session, cloud: Cloud) -> None:
    elsewhere = DEFINITION.replace(SUBSCRIPTION, OTHER)
    making.definition(cloud, elsewhere)
    assert check(session, blueprint(gallery_image(resource=elsewhere)), RESOLVED, "westeurope").security == "Standard"


def test_a_managed_image_needs_its_group_here(session: Session, cloud: Cloud) -> None:
    assert "az group create -n images -l westeurope" in problems(session, MANAGED)[0]
    making.put(cloud, making.GROUP)
    assert check(session, blueprint(MANAGED), RESOLVED, "westeurope").validate_by == "image"
    assert "region westeurope, not East US" in problems(session, replace(MANAGED, location="East US"))[0]
    there = replace(MANAGED, resource=IMAGE.replace(SUBSCRIPTION, OTHER))
    assert f"subscription {SUBSCRIPTION}" in problems(session, there)[0]


def test_only_our_own_managed_image_is_replaced(session: Session, cloud: Cloud) -> None:
    making.put(cloud, making.GROUP)
    making.put(cloud, IMAGE, tags=dict(making.TAGS))
    assert check(session, blueprint(MANAGED), RESOLVED, "westeurope")
    making.put(cloud, IMAGE, tags={"imagegen:workspace": "another"})
    assert "did not make" in problems(session, MANAGED)[0]


def test_a_source_of_the_other_system_is_told(session: Session, cloud: Cloud) -> None:
    making.put(cloud, making.GROUP)
    assert "windows image" in problems(session, MANAGED, resolved=replace(RESOLVED, system="windows"))[0]


def account(azure_arm: AzureArm) -> str:
    """The address of a new storage account's blob service."""
    where = f"{making.GROUP}/providers/Microsoft.Storage/storageAccounts/account"
    making.put(azure_arm.cloud, making.GROUP)
    making.put(azure_arm.cloud, where)
    made = azure_arm.cloud.get(where)
    assert made is not None
    return str(made["properties"]["primaryEndpoints"]["blob"]).rstrip("/")


def test_a_blob_needs_its_container_and_must_be_ours(session: Session, azure_arm: AzureArm) -> None:
    at = account(azure_arm)
    vhd = Destination("disk", "VHD", f"{at}/vhds/web/disk.vhd", ())
    assert "az storage container create" in problems(session, vhd)[0]
    container = session.blobs(at).create_container("vhds")
    assert check(session, blueprint(vhd), RESOLVED, "westeurope")
    assert list(container.list_blob_names()) == []
    blob = container.get_blob_client("web/disk.vhd")
    blob.upload_blob(b"", metadata={"imagegen_workspace": making.WORKSPACE})
    assert check(session, blueprint(vhd), RESOLVED, "westeurope")
    blob.set_blob_metadata({})
    assert "a blob web/disk.vhd exists that this workspace did not make" in problems(session, vhd)[0]


@pytest.mark.parametrize("uri", ["", "ftp://a/b/c", "https://account.blob.core.windows.net/disk.vhd"])
def test_a_vhd_needs_an_address(session: Session, uri: str) -> None:
    assert "address" in problems(session, Destination("disk", "VHD", uri, ()))[0]


def test_what_a_gallery_holds(session: Session, cloud: Cloud) -> None:
    assert existing_versions(session, gallery_image()) == {}
    making.definition(cloud)
    making.version(cloud, "1.0.0")
    cloud.set(delay={"Microsoft.Compute/galleries/images/versions": 3600})
    making.version(cloud, "1.0.1")
    found = existing_versions(session, gallery_image())
    assert {number: each.state for number, each in found.items()} == {"1.0.0": "Succeeded", "1.0.1": "Creating"}
    assert found["1.0.0"].tags == dict(making.TAGS) | {"imagegen:version": "1.0.0"}
    assert existing_versions(session, MANAGED) == {}
