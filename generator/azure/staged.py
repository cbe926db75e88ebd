"""The ids of what staging has. All names there are fixed, so that a lost run is found again."""

import re

from generator.workspace.blueprint import Azure


def machine(azure: Azure, subscription: str, name: str = "machine") -> str:
    """The build's machine, or its second one, `validation`. `subscription`: where the template names none."""
    return _of(azure, subscription, f"virtualMachines/{name}{azure.suffix}")


def disks(azure: Azure) -> set[str]:
    """The names of the machines' system disks in a group of the user's, in lower case; none in a group of our own,
    where they do not tell of whom they are."""
    return {f"{name}{azure.suffix}-disk".lower() for name in ("machine", "validation")} if azure.suffix else set()


def image(azure: Azure, subscription: str) -> str:
    """The managed image that was captured from the machine."""
    return _of(azure, subscription, f"images/captured{azure.suffix}")


def version(azure: Azure, subscription: str) -> str:
    """The version in the throw-away gallery that was captured from the machine."""
    return _of(azure, subscription, f"galleries/captured_{azure.id}/images/captured/versions/1.0.0")


def is_of(azure: Azure, resource_id: str) -> bool:
    """Whether an id, as Terraform has it, can be one of staging."""
    inside = re.match(
        rf"/subscriptions/[^/]+/resourceGroups/{re.escape(azure.group)}(/.*|$)", resource_id, re.IGNORECASE
    )
    return inside is not None and (azure.own_group or azure.id[:8] in inside[1])


def _of(azure: Azure, subscription: str, what: str) -> str:
    of = azure.subscription_id or subscription
    return f"/subscriptions/{of}/resourceGroups/{azure.group}/providers/Microsoft.Compute/{what}"
