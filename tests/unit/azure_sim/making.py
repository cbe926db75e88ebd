"""Small things in a simulated Azure, made without Terraform."""

from collections.abc import Mapping
from typing import Any

from tests.azure_sim.cloud import Cloud
from tests.azure_sim.mirror import SUBSCRIPTION

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
COMPUTE, NETWORK = (f"{GROUP}/providers/Microsoft.{space}" for space in ("Compute", "Network"))
MACHINE, IMAGE, DEFINITION = (
    f"{COMPUTE}/{kind}/{name}"
    for kind, name in (("virtualMachines", "m"), ("images", "i"), ("galleries/g/images", "d"))
)
VERSION = f"{DEFINITION}/versions/1.0.0"
TRUSTED: dict[str, Any] = {"securityProfile": {"securityType": "TrustedLaunch"}}
PLAN = {"name": "p", "product": "o", "publisher": "s"}


FROM_MACHINE = {"virtualMachineId": MACHINE}
FROM_IMAGE = {"id": IMAGE}


def put(cloud: Cloud, resource_id: str, **properties: Any) -> dict[str, Any]:
    """Put a resource with these properties."""
    return cloud.put(resource_id, {"location": "westeurope", "properties": properties})


def machine(cloud: Cloud, *, sku: str = "12-gen2", generalized: bool = True, **properties: Any) -> None:
    """A machine; of a Gen2 image, off and generalized unless said otherwise."""
    image = {"publisher": "p", "offer": "o", "sku": sku, "version": "latest"}
    put(cloud, MACHINE, **properties, storageProfile={"imageReference": image})
    if generalized:
        cloud.act(MACHINE, "deallocate")
        cloud.act(MACHINE, "generalize")


def definition(cloud: Cloud, security: str = "", *, generation: str = "V2", **properties: Any) -> None:
    """A gallery image definition of a security type."""
    features = [{"name": "SecurityType", "value": security}] if security else []
    put(cloud, DEFINITION, features=features, hyperVGeneration=generation, **properties)


def version(cloud: Cloud, source: Mapping[str, str], regions: tuple[str, ...] = ("West Europe",)) -> dict[str, Any]:
    """A version from a source, replicated to regions."""
    targets = {"targetRegions": [{"name": name, "regionalReplicaCount": 1} for name in regions]}
    return put(cloud, VERSION, storageProfile={"source": dict(source)}, publishingProfile=targets)


def image(cloud: Cloud, generation: str = "V2", name: str = MACHINE) -> dict[str, Any]:
    """A managed image of the machine."""
    return put(cloud, IMAGE, sourceVirtualMachine={"id": name}, hyperVGeneration=generation)
