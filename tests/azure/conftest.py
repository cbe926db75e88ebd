"""A simulated Azure with galleries to build for, and the command that builds."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.azure_sim.cloud import Cloud
from tests.azure_sim.fixtures import (  # noqa: F401 - fixtures
    AzureArm,
    azure_arm,
    azure_certificates,
    azure_sim,
    azurerm_mirror,
)
from tests.machine.conftest import Imagegen

ROLES = Path(__file__).parents[2] / "examples/roles"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
OTHER = "00000000-0000-0000-0000-000000000002"
IMAGES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/images"
SUBNET = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/build"
)
LINUX = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"}
WINDOWS = {
    "type": "PlatformImage", "publisher": "MicrosoftWindowsServer", "offer": "WindowsServer",
    "sku": "2022-datacenter-g2", "version": "latest",
}  # fmt: skip

# What machines answer when nothing is wrong with them: deprovisioning switches them off; Windows tells when it booted,
# and has nothing to install.
USUAL: list[dict[str, Any]] = [
    {"name": "999-deprovision", "powers_off": True},
    {"name": "imagegen-probe", "output": 'imagegen:{"boot": "{booted_at}", "restart_pending": false}'},
    {"name": "imagegen-update", "output": 'imagegen:{"found": 0, "failed": false, "restart_pending": false}'},
]


def gallery_image(name: str, subscription: str = SUBSCRIPTION) -> str:
    """The id of an image definition in the gallery `gallery` of the group `images`."""
    return (
        f"/subscriptions/{subscription}/resourceGroups/images/providers/Microsoft.Compute/galleries/gallery"
        f"/images/{name}"
    )


def role(name: str) -> dict[str, Any]:
    """What a role of examples/roles grants, as Azure shows it."""
    found = json.loads((ROLES / name).read_text())
    return {
        part[0].lower() + part[1:]: found[part] for part in ("Actions", "NotActions", "DataActions", "NotDataActions")
    }


def grant_state(azure: "Azure", account: str) -> None:
    """Grant what a Terraform state in a storage account needs, beside the role: see the README of examples/roles."""
    keys = {"actions": ["Microsoft.Storage/storageAccounts/listKeys/action"], "notActions": []}
    role: dict[str, Any] = {"scope": account, "dataActions": [], "notDataActions": []}
    azure.cloud.set(roles=[*azure.cloud.hook("roles"), role | keys])


@dataclass
class Azure:
    """The simulated Azure of a test, and imagegen with its credential."""

    arm: AzureArm
    imagegen: Imagegen
    folder: Path

    @property
    def cloud(self) -> Cloud:
        """What is there."""
        return self.arm.cloud

    def definition(self, name: str, system: str = "Linux", subscription: str = SUBSCRIPTION, **properties: Any) -> str:
        """Make an image definition, with its group and gallery; returns its id."""
        image = gallery_image(name, subscription)
        gallery, group = image.rpartition("/images/")[0], image.partition("/providers/")[0]
        for made in (group, gallery):
            if self.cloud.get(made) is None:
                self.cloud.put(made, {"location": "westeurope"})
        facts = {"osType": system, "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64"}
        self.cloud.put(image, {"location": "westeurope", "properties": facts | properties})
        return image

    def version(self, definition: str, number: str, **profile: Any) -> str:
        """Make a version of an image definition, of whatever it may be; returns its id."""
        targets = {"targetRegions": [{"name": "westeurope", "regionalReplicaCount": 1}]} | profile
        body = {"publishingProfile": targets, "storageProfile": {"osDiskImage": {"sizeInGB": 30}}}
        self.cloud.put(f"{definition}/versions/{number}", {"location": "westeurope", "properties": body})
        return f"{definition}/versions/{number}"

    def container(self) -> str:
        """Make a storage account `vault` with a container `vhds`, if need be; returns the container's address."""
        account = f"{IMAGES}/providers/Microsoft.Storage/storageAccounts/vault"
        places = (IMAGES, account, f"{account}/blobServices/default/containers/vhds")
        for made in places:
            if self.cloud.get(made) is None:
                self.cloud.put(made, {"location": "westeurope"})
        return f"{self.arm.endpoint}/vault/vhds"

    def subnet(self) -> str:
        """Make a network of the user's with a subnet; returns the subnet's id."""
        network = SUBNET.partition("/subnets/")[0]
        self.cloud.put(network.partition("/providers/")[0], {"location": "westeurope"})
        space = {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}
        self.cloud.put(network, {"location": "westeurope", "properties": space})
        self.cloud.put(SUBNET, {"properties": {"addressPrefix": "10.1.0.0/24"}})
        return SUBNET

    def names(self, arm_type: str = "") -> list[str]:
        """What is in Azure, by id, in lower case."""
        return sorted(resource["id"].lower() for resource in self.cloud.resources(arm_type=arm_type))


Write = Callable[..., Path]


@pytest.fixture
def azure(azure_arm: AzureArm, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Azure]:  # noqa: F811
    """An Azure that powers a machine off when its deprovisioning was started."""
    environment = azure_arm.env | {"IMAGEGEN_ALLOW_FROM": "192.0.2.1/32", "HOME": str(tmp_path)}
    command = Imagegen(tmp_path_factory.mktemp("state"), environment=environment)
    azure_arm.cloud.set(
        scripts=USUAL,
        marketplace={
            "Debian:debian-12:12-gen2": {"versions": ["0.20250101.1"]},
            "MicrosoftWindowsServer:WindowsServer:2022-datacenter-g2": {"os": "Windows", "versions": ["20348.1.1"]},
        },
    )
    azure_arm.cloud.set(roles=[{"scope": "/", **role("imagegen.json")}])
    yield Azure(azure_arm, command, tmp_path)
    command.end()


@pytest.fixture
def template(tmp_path: Path) -> Write:
    """Write a template with these steps and properties; returns its path."""

    def write(
        *steps: dict[str, Any], name: str = "web", source: dict[str, Any] = LINUX, api: str = "2024-02-01",
        **properties: Any,
    ) -> Path:  # fmt: skip
        body = {
            "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": api, "name": name,
            "location": "westeurope", "properties": {"source": source, "customize": list(steps)} | properties,
        }  # fmt: skip
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(body, ensure_ascii=False))
        return path

    return write
