"""Parts of templates, and what one looks at after a build."""

from pathlib import Path
from typing import Any

from tests.azure.conftest import IMAGES, Azure
from tests.invariants import read_ledger

Part = dict[str, Any]
SHELL: Part = {"type": "Shell", "name": "hello", "inline": ["echo hello"]}
VERSIONS = "Microsoft.Compute/galleries/images/versions"
MACHINES = "Microsoft.Compute/virtualMachines"
COMMANDS = f"{MACHINES}/runCommands"
MANAGED = f"{IMAGES}/providers/Microsoft.Compute/images"


def shared(image: str, name: str = "out", **more: Any) -> Part:
    """A SharedImage distributor."""
    return {"type": "SharedImage", "runOutputName": name, "galleryImageId": image} | more


def managed(image: str, name: str = "managed", **more: Any) -> Part:
    """A ManagedImage distributor."""
    return {"type": "ManagedImage", "runOutputName": name, "imageId": image, "location": "westeurope"} | more


def private(azure: Azure) -> Part:
    """A machine in a subnet of the user's: steps are run commands."""
    return {"vnetConfig": {"subnetId": azure.subnet()}}


def security(value: str) -> list[Part]:
    """The features of an image definition or version with this security type."""
    return [{"name": "SecurityType", "value": value}]


def ledger(workspace: Path) -> dict[str, Any]:
    """The releases of a workspace, by version."""
    return read_ledger(workspace)


def entry(workspace: Path, version: str = "1.0.0", name: str = "out") -> dict[str, Any]:
    """What the ledger says of one image."""
    found: dict[str, Any] = ledger(workspace)[version]["images"][name]
    return found
