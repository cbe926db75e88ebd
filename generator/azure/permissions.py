"""What a build needs to be allowed, and whether it is. examples/roles/imagegen.json grants exactly this."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from generator.azure.session import Session

PERMISSIONS_VERSION = "2022-04-01"  # of Microsoft.Authorization

# Names of the operations: Microsoft, "Azure permissions" (resource provider operations).
GROUPS = (
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/providers/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.Resources/subscriptions/resourceGroups/delete",
    "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
)
MACHINES = (
    "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/read",
    "Microsoft.Compute/locations/communityGalleries/images/read",
    "Microsoft.Compute/locations/communityGalleries/images/versions/read",
    "Microsoft.Compute/locations/sharedGalleries/images/read",
    "Microsoft.Compute/locations/sharedGalleries/images/versions/read",
    "Microsoft.Compute/locations/usages/read",
    "Microsoft.Compute/skus/read",
    *(f"Microsoft.Compute/virtualMachines/{what}" for what in (
        "read", "write", "delete", "instanceView/read", "restart/action", "powerOff/action", "deallocate/action",
        "generalize/action", "retrieveBootDiagnosticsData/action", "extensions/read", "extensions/write",
        "extensions/delete", "runCommands/read", "runCommands/write", "runCommands/delete",
    )),
    *(f"Microsoft.Compute/disks/{what}" for what in (
        "read", "write", "delete", "beginGetAccess/action", "endGetAccess/action",
    )),
    "Microsoft.ManagedIdentity/userAssignedIdentities/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
)  # fmt: skip
NETWORKS = tuple(
    f"Microsoft.Network/{kind}/{what}"
    for kind, whats in {
        "virtualNetworks": ("read", "write", "delete"),
        "virtualNetworks/subnets": ("read", "write", "delete", "join/action"),
        "networkSecurityGroups": ("read", "write", "delete", "join/action"),
        "publicIPAddresses": ("read", "write", "delete", "join/action"),
        "networkInterfaces": ("read", "write", "delete", "join/action"),
    }.items()
    for what in whats
)
IMAGES = tuple(
    f"Microsoft.Compute/{kind}/{what}"
    for kind in ("images", "galleries", "galleries/images", "galleries/images/versions")
    for what in ("read", "write", "delete")
)
TERMS = tuple(
    f"Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/{what}" for what in ("read", "write")
)
STORAGE = tuple(
    f"Microsoft.Storage/storageAccounts/{what}"
    for what in (
        "read", "write", "delete", "listKeys/action", "blobServices/read", "blobServices/write",
        "blobServices/containers/read", "blobServices/containers/write",
        "blobServices/generateUserDelegationKey/action",
    )
)  # fmt: skip
ACTIONS = (*GROUPS, *MACHINES, *NETWORKS, *IMAGES, *TERMS, *STORAGE)
DATA_ACTIONS = tuple(
    f"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/{what}"
    for what in ("read", "write", "delete", "add/action")
)
# What is needed at each place that a template names.
GALLERY = tuple(action for action in IMAGES if "/versions/" in action or action.endswith("/read"))
MANAGED_IMAGE = tuple(action for action in IMAGES if "/galleries" not in action)
SUBNET = (
    "Microsoft.Network/virtualNetworks/subnets/read",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
)


def missing(session: Session, scope: str, needed: Iterable[str]) -> list[str]:
    """Those of the needed actions that this login may not do at a scope. Raises what Azure's client raises.

    Data actions are among the needed where they name blobs.
    """
    granted = session.arm("GET", f"{scope}/providers/Microsoft.Authorization/permissions", PERMISSIONS_VERSION)
    return [action for action in needed if not any(_allows(each, action) for each in granted.get("value", []))]


def _allows(permission: Mapping[str, Any], action: str) -> bool:
    kind = "DataActions" if action in DATA_ACTIONS else "Actions"
    given = permission.get(kind[0].lower() + kind[1:]) or []
    taken = permission.get(f"not{kind}") or []
    return any(matches(each, action) for each in given) and not any(matches(each, action) for each in taken)


def matches(pattern: str, action: str) -> bool:
    """Whether an action is one of a role's pattern: `*` stands for anything, and case does not count."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None
