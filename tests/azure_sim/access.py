"""Who may do what: what the hook `roles` grants at a scope, less what `denied` takes away there."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

from tests.azure_sim.arm_id import GROUPS, SUBSCRIPTIONS, ArmId
from tests.azure_sim.contents import Contents
from tests.azure_sim.errors import CloudError

OBJECT_ID = str(UUID(int=0x33333333333333333333333333333333))
VERBS = {"read": "read", "list": "read", "create": "write", "update": "write", "delete": "delete"}
RESOURCE_GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"
AGREEMENTS = "Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements"
# What one resource refers to needs a right there too: by the type of what is written, then of what it names. Microsoft,
# "Azure built-in roles" and "Azure Compute Gallery": a version's source VM has to be writable.
LINKED: dict[str, dict[str, str]] = {
    "microsoft.network/networkinterfaces": {
        "microsoft.network/virtualnetworks/subnets": "join/action",
        "microsoft.network/publicipaddresses": "join/action",
        "microsoft.network/networksecuritygroups": "join/action",
    },
    "microsoft.network/networkinterfaces/associations": {"microsoft.network/networksecuritygroups": "join/action"},
    "microsoft.compute/virtualmachines": {
        "microsoft.network/networkinterfaces": "join/action",
        "microsoft.managedidentity/userassignedidentities": "assign/action",
        "microsoft.compute/images": "read",
        "microsoft.compute/galleries/images": "read",
        "microsoft.compute/galleries/images/versions": "read",
    },
    "microsoft.compute/galleries/images/versions": {
        "microsoft.compute/virtualmachines": "write",
        "microsoft.compute/images": "read",
    },
}


def operation(action: str, target: ArmId) -> str:
    """The name of a request in roles, such as `Microsoft.Compute/images/write`."""
    kind = RESOURCE_GROUPS if target.type == GROUPS else target.type
    if kind.lower().endswith(("/disks/grants", "/snapshots/grants")):  # which ARM has as an action of their disk
        return kind.rsplit("/", 1)[0] + ("/endGetAccess" if action == "delete" else "/beginGetAccess") + "/action"
    if kind.lower().endswith("/associations"):  # which ARM has as a property of the interface
        kind = kind.rsplit("/", 1)[0]
        return f"{kind}/{'read' if VERBS[action] == 'read' else 'write'}"
    if kind.lower().startswith("microsoft.marketplaceordering/"):
        kind = AGREEMENTS
    return f"{kind}/{VERBS[action]}" if action in VERBS else f"{kind}/{action}/action"


def inside(target: ArmId) -> str:
    """The name of a request for all resources of a group, or of a subscription."""
    return f"{RESOURCE_GROUPS}/resources/read" if target.group else "Microsoft.Resources/subscriptions/resources/read"


def polling(target: ArmId) -> str:
    """The name of a request for where an operation stands, by what it is about."""
    kind = target.type.lower()
    if target.type == GROUPS:
        return "Microsoft.Resources/subscriptions/operationresults/read"
    if kind.startswith("microsoft.storage/"):
        return "Microsoft.Storage/operations/read"
    if kind.startswith("microsoft.network/"):
        return "Microsoft.Network/locations/operations/read"
    for part, name in (("galleries", "capsOperations"), ("disks", "diskOperations"), ("snapshots", "diskOperations")):
        if kind.startswith(f"microsoft.compute/{part}"):
            return f"Microsoft.Compute/locations/{name}/read"
    return f"{target.type.partition('/')[0]}/locations/operations/read"


def taken(denied: Mapping[str, list[str]], target: ArmId) -> list[str]:
    """The operations that the hook `denied` takes away at a scope or above it."""
    return [name for scope, names in denied.items() if _covers(scope, target) for name in names]


def granted(roles: Iterable[Mapping[str, Any]], target: ArmId) -> list[Mapping[str, Any]]:
    """The permissions of the roles that are assigned at a scope or above it."""
    return [role for role in roles if _covers(role["scope"], target)]


def require(contents: Contents, name: str, target: ArmId, *, caller: bool = False, anywhere: bool = False) -> None:
    """Refuse an operation that is taken away, as ARM words it; of a caller also one that no role grants.

    anywhere: a role at any scope in the subscription is enough.
    """
    if target.type == SUBSCRIPTIONS and name.endswith("/authenticate/action"):
        return
    refused = _fits(taken(contents["denied"], target), name)
    if caller and not refused:
        roles = contents["roles"] if anywhere else granted(contents["roles"], target)
        refused = not any(_allows(role, name) for role in roles)
    if refused:
        raise CloudError(
            403,
            "AuthorizationFailed",
            f"The client '{OBJECT_ID}' with object id '{OBJECT_ID}' does not have authorization to perform action "
            f"'{name}' over scope '{target.text}' or the scope is invalid. If access was recently granted, please "
            "refresh your credentials.",
        )


def require_linked(contents: Contents, name: str, target: ArmId, body: Mapping[str, Any]) -> None:
    """Refuse what names another resource on which a right is missing, as ARM words it."""
    wanted = LINKED.get(target.type.lower(), {})
    for text in _ids(body):
        linked = ArmId(text)
        verb = wanted.get(linked.type.lower())
        if verb is None or target.holds(linked):
            continue
        action = f"{linked.type}/{verb}"
        if not any(_allows(role, action) for role in granted(contents["roles"], linked)):
            raise CloudError(
                403,
                "LinkedAuthorizationFailed",
                f"The client '{OBJECT_ID}' with object id '{OBJECT_ID}' has permission to perform action '{name}' on "
                f"scope '{target.text}'; however, it does not have permission to perform action(s) '{action}' on the "
                f"linked scope(s) '{linked.text}' or the linked scope(s) are invalid.",
            )


def _ids(value: Any) -> Iterator[str]:
    """Every resource id in a body, keys among them."""
    if isinstance(value, str):
        if value.lower().startswith("/subscriptions/"):
            yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _ids(key)
            yield from _ids(one)
    elif isinstance(value, list):
        for one in value:
            yield from _ids(one)


def _covers(scope: str, target: ArmId) -> bool:
    return scope == "/" or ArmId(scope).key == target.key or ArmId(scope).holds(target)


def _allows(role: Mapping[str, Any], name: str) -> bool:
    data = "/containers/blobs/" in name.lower()
    given, without = ("dataActions", "notDataActions") if data else ("actions", "notActions")
    return _fits(role.get(given, ()), name) and not _fits(role.get(without, ()), name)


def _fits(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name.lower(), one.lower()) for one in patterns)
