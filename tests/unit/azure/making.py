"""Blueprints and small things in a simulated Azure."""

from dataclasses import replace
from typing import Any

from generator.azure.session import Session
from generator.azure.sources import Resolved
from generator.workspace.blueprint import Azure, Blueprint, Destination, Region, Source, Versioning
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.mirror import SUBSCRIPTION

WORKSPACE = "0123456789ab"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/images"
STAGING = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/staging"
COMPUTE = f"{GROUP}/providers/Microsoft.Compute"
GALLERY = f"{COMPUTE}/galleries/gallery"
DEFINITION = f"{GALLERY}/images/web"
IMAGE = f"{COMPUTE}/images/web"
MACHINE = f"{STAGING}/providers/Microsoft.Compute/virtualMachines/machine"
TAGS = (("imagegen:workspace", WORKSPACE),)

AZURE = Azure(
    id=WORKSPACE, subscription_id=SUBSCRIPTION, location="westeurope", group="staging", own_group=True,
    storage_account=f"igs{WORKSPACE}", system="linux", communicator="ssh", subnet_id="", bastion=None, identities=(),
    tags=TAGS, update_rounds=4, backend=(),
)  # fmt: skip
SOURCE = Source(publisher="Debian", offer="debian-12", sku="12-gen2", version="latest")
RESOLVED = Resolved(
    exact="Debian:debian-12:12-gen2:1.0.0", version="1.0.0", id="", system="linux", generation="V2", architecture="x64",
    security_types=frozenset({"Standard", "TrustedLaunch"}), plan=None, disk_size_gb=30, features={},
)  # fmt: skip


def blueprint(*destinations: Destination, **differs: Any) -> Blueprint:
    """A build of nothing for these destinations."""
    base = Blueprint(
        name="web", target="azure", source=SOURCE, vm_size="", disk_size_gb=0, steps=(), validations=(),
        destinations=destinations, timeout_minutes=240, on_customizer_error="cleanup", on_validation_error="cleanup",
        distribute_despite_failure=False, source_validation_only=False, version=None, versioning=Versioning(),
        azure=AZURE,
    )  # fmt: skip
    return replace(base, **differs)


def gallery_image(name: str = "gallery", resource: str = DEFINITION, regions: tuple[str, ...] = ()) -> Destination:
    """A gallery destination."""
    targets = tuple(Region(region, 1, "Standard_LRS") for region in regions)
    return Destination(name, "SharedImage", resource, (), regions=targets)


def put(cloud: Cloud, resource_id: str, tags: dict[str, str] | None = None, **properties: Any) -> None:
    """Put a resource with these properties into West Europe."""
    cloud.put(resource_id, {"location": "westeurope", "tags": tags or {}, "properties": properties})


def definition(cloud: Cloud, resource: str = DEFINITION, security: str = "", **differs: Any) -> None:
    """A gallery with an image definition for Linux, Gen2, x64."""
    group, _, _ = resource.partition("/providers/")
    put(cloud, group)
    put(cloud, resource.rpartition("/images/")[0])
    features = [{"name": "SecurityType", "value": security}] if security else []
    usual = {"osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64"}
    put(cloud, resource, features=features, **(usual | differs))


def machine(cloud: Cloud, **properties: Any) -> None:
    """A running machine in the staging group."""
    put(cloud, STAGING, tags=dict(TAGS))
    image = {"publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"}
    usual = {
        "storageProfile": {"imageReference": image},
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
    }
    cloud.put(MACHINE, {"location": "westeurope", "tags": dict(TAGS), "properties": usual | properties})


def version(cloud: Cloud, number: str, regions: tuple[str, ...] = ("westeurope",), **profile: Any) -> str:
    """A version of the definition, without a source; its id."""
    where = f"{DEFINITION}/versions/{number}"
    targets = {"targetRegions": [{"name": region, "regionalReplicaCount": 1} for region in regions]}
    cloud.put(
        where,
        {
            "location": regions[0], "tags": dict(TAGS) | {"imagegen:version": number},
            "properties": {"publishingProfile": targets | profile, "storageProfile": {"osDiskImage": {"sizeInGB": 30}}},
        },
    )  # fmt: skip
    return where


def state(cloud: Cloud, what: str) -> Any:
    """What the simulated Azure knows of the machine."""
    record = cloud.get(MACHINE)
    assert record is not None
    return record["state"][what]


def power_off(session: Session) -> None:
    """The machine switches itself off."""
    session.compute().virtual_machines.begin_power_off("staging", "machine").wait()


def account(cloud: Cloud) -> str:
    """The address of a new storage account's blob service."""
    where = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/account"
    put(cloud, GROUP)
    put(cloud, where)
    made = cloud.get(where)
    assert made is not None
    return str(made["properties"]["primaryEndpoints"]["blob"]).rstrip("/")
