"""Who may do what: everything, but for what a test has taken away."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from uuid import UUID

from tests.azure_sim.arm_id import GROUPS, SUBSCRIPTIONS, ArmId
from tests.azure_sim.contents import Contents
from tests.azure_sim.errors import CloudError

OBJECT_ID = str(UUID(int=0x33333333333333333333333333333333))
VERBS = {"read": "read", "list": "read", "create": "write", "update": "write", "delete": "delete"}


def operation(action: str, target: ArmId) -> str:
    """The name of a request in roles, such as `Microsoft.Compute/images/write`."""
    kind = "Microsoft.Resources/subscriptions/resourceGroups" if target.type == GROUPS else target.type
    if kind.lower().endswith(("/disks/grants", "/snapshots/grants")):  # which ARM has as an action of their disk
        return kind.rsplit("/", 1)[0] + ("/endGetAccess" if action == "delete" else "/beginGetAccess") + "/action"
    return f"{kind}/{VERBS[action]}" if action in VERBS else f"{kind}/{action}/action"


def taken(denied: Mapping[str, list[str]], target: ArmId) -> list[str]:
    """The operations that the hook `denied` takes away at a scope or above it."""
    scopes = [(ArmId(one), operations) for one, operations in denied.items()]
    return [name for one, names in scopes if one.key == target.key or one.holds(target) for name in names]


def require(contents: Contents, name: str, target: ArmId) -> None:
    """Refuse an operation that is taken away, as ARM words it."""
    if target.type == SUBSCRIPTIONS and name.endswith("/authenticate/action"):
        return
    if any(fnmatchcase(name.lower(), one.lower()) for one in taken(contents["denied"], target)):
        raise CloudError(
            403,
            "AuthorizationFailed",
            f"The client '{OBJECT_ID}' with object id '{OBJECT_ID}' does not have authorization to perform action "
            f"'{name}' over scope '{target.text}' or the scope is invalid. If access was recently granted, please "
            "refresh your credentials.",
        )
