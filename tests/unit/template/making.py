"""Small templates for tests, and what is said of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generator.errors import InvalidTemplate, Problem
from generator.settings import Settings
from generator.template import Read, read_bytes

Problems = Callable[..., list[Problem]]
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute"
GALLERY = f"{GROUP}/galleries/g/images/web"
IDENTITY = GROUP.replace("Microsoft.Compute", "Microsoft.ManagedIdentity/userAssignedIdentities/me")
SUBNET = GROUP.replace("Microsoft.Compute", "Microsoft.Network/virtualNetworks/net/subnets/")
SHA = "a" * 64
SOURCE = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12", "version": "latest"}
WINDOWS = SOURCE | {"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "sku": "2022-datacenter"}
LOCAL = Settings(target="local", cache_dir=Path("none"), state_dir=Path("none"))


def template(**properties: Any) -> dict[str, Any]:
    """A small good template, with other properties."""
    usual = {
        "source": SOURCE,
        "customize": [{"type": "Shell", "inline": ["true"]}],
        "distribute": [{"type": "VHD", "runOutputName": "disk"}],
    }
    return {"apiVersion": "2025-10-01", "location": "westeurope", "properties": usual | properties}


def raw(value: Any) -> bytes:
    """The bytes of a template: given as they are, as text, or as a value."""
    return (
        value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode()
    )


def good(value: Any, settings: Settings = LOCAL) -> Read:
    """A template that has no errors."""
    return read_bytes(raw(value), "t.json", settings)


def problems(value: Any, settings: Settings = LOCAL, *, building: bool = True) -> list[Problem]:
    """Everything that is said of a template."""
    try:
        return read_bytes(raw(value), "t.json", settings, building=building).warnings
    except InvalidTemplate as error:
        return error.problems


def shell(**more: Any) -> dict[str, Any]:
    """A Shell step."""
    return {"type": "Shell", **more}


def file(**more: Any) -> dict[str, Any]:
    """A File step."""
    return {"type": "File", "sourceUri": "a", "destination": "/tmp/a", **more}


def shared(**more: Any) -> dict[str, Any]:
    """A SharedImage distributor."""
    return {"type": "SharedImage", "runOutputName": "shared", "galleryImageId": GALLERY, **more}


def vhd(name: str = "disk", **more: Any) -> dict[str, Any]:
    """A VHD distributor."""
    return {"type": "VHD", "runOutputName": name, **more}


def said(found: list[Problem], level: str = "error") -> list[tuple[str, str]]:
    """Path and message of the problems of a level."""
    return [(problem.path, problem.message) for problem in found if problem.level == level]
