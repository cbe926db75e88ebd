"""Subscriptions: what they are, what is registered in them, and what the caller may do."""

from collections.abc import Mapping

from tests.azure_sim import access
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.web import Answer, Request, shown
from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.assigned import TENANT
from tests.azure_sim.errors import CloudError
from tests.azure_sim.mirror import SUBSCRIPTION

Parts = Mapping[str, str]
NAMESPACES = (
    "Microsoft.Authorization", "Microsoft.Compute", "Microsoft.KeyVault", "Microsoft.ManagedIdentity",
    "Microsoft.MarketplaceOrdering", "Microsoft.Network", "Microsoft.Resources", "Microsoft.Storage",
)  # fmt: skip
LOCATIONS = {
    "westeurope": "West Europe", "northeurope": "North Europe", "eastus": "East US", "eastus2": "East US 2",
    "westus2": "West US 2", "westus3": "West US 3", "uksouth": "UK South", "germanywestcentral": "Germany West Central",
    "swedencentral": "Sweden Central", "southeastasia": "Southeast Asia",
}  # fmt: skip


def require(arm: Arm, path: str) -> None:
    """Refuse a subscription that is not there: any is, unless the hook `subscriptions` names those that are."""
    words = path.strip("/").split("/")
    known = {one.lower() for one in arm.cloud.hook("subscriptions")}
    if known and len(words) > 1 and words[0].lower() == "subscriptions" and words[1].lower() not in known:
        raise CloudError(404, "SubscriptionNotFound", f"The subscription '{words[1]}' could not be found.")


def every(arm: Arm, request: Request, parts: Parts) -> Answer:
    """All subscriptions."""
    names = list(arm.cloud.hook("subscriptions")) or [SUBSCRIPTION]
    return shown({"value": [_body(arm, name) for name in names], "count": {"type": "Total", "value": len(names)}})


def one(arm: Arm, request: Request, parts: Parts) -> Answer:
    """One subscription."""
    arm.cloud.request("read", f"/subscriptions/{parts['subscription']}")
    return shown(_body(arm, parts["subscription"]))


def locations(arm: Arm, request: Request, parts: Parts) -> Answer:
    """The regions there are."""
    return shown({
        "value": [
            {
                "id": f"/subscriptions/{parts['subscription']}/locations/{name}", "name": name, "type": "Region",
                "displayName": display, "regionalDisplayName": display, "metadata": {"regionType": "Physical"},
            }
            for name, display in LOCATIONS.items()
        ]
    })  # fmt: skip


def providers(arm: Arm, request: Request, parts: Parts) -> Answer:
    """Resource providers, and whether they are registered: all but those of the hook `unregistered`."""
    if "namespace" not in parts:
        return shown({"value": [_provider(arm, parts["subscription"], name) for name in NAMESPACES]})
    known = {name.lower(): name for name in NAMESPACES}
    if parts["namespace"].lower() not in known:
        raise CloudError(404, "InvalidResourceNamespace", f"The resource namespace '{parts['namespace']}' is invalid.")
    return shown(_provider(arm, parts["subscription"], known[parts["namespace"].lower()]))


def register(arm: Arm, request: Request, parts: Parts) -> Answer:
    """Register a provider."""
    left = [name for name in arm.cloud.hook("unregistered") if name.lower() != parts["namespace"].lower()]
    arm.cloud.set(unregistered=left)
    return providers(arm, request, parts)


def permissions(arm: Arm, request: Request, parts: Parts) -> Answer:
    """What the caller may do at a scope: what roles grant there, but for what the hook `denied` takes away."""
    scope = ArmId(parts["scope"])
    taken = access.taken(arm.cloud.hook("denied"), scope)
    data = [name for name in taken if "/blobs/" in name]
    control = [name for name in taken if name not in data]
    values = [
        {
            "actions": role["actions"], "notActions": [*role["notActions"], *control],
            "dataActions": role["dataActions"], "notDataActions": [*role["notDataActions"], *data],
        }
        for role in access.granted(arm.cloud.hook("roles"), scope)
    ]  # fmt: skip
    return shown({"value": values})


def _body(arm: Arm, name: str) -> dict[str, object]:
    given: dict[str, object] = arm.cloud.hook("subscriptions").get(name, {})
    return {
        "id": f"/subscriptions/{name}", "subscriptionId": name, "tenantId": TENANT, "displayName": "Simulated",
        "state": "Enabled", "authorizationSource": "RoleBased",
        "subscriptionPolicies": {"spendingLimit": "Off", "quotaId": "PayAsYouGo_2014-09-01"},
    } | given  # fmt: skip


def _provider(arm: Arm, subscription: str, name: str) -> dict[str, object]:
    missing = name.lower() in [one.lower() for one in arm.cloud.hook("unregistered")]
    return {
        "id": f"/subscriptions/{subscription}/providers/{name}", "namespace": name,
        "registrationPolicy": "RegistrationRequired", "resourceTypes": [],
        "registrationState": "NotRegistered" if missing else "Registered",
    }  # fmt: skip
