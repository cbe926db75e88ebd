"""A record as an answer shows it: with what time has made of it, and in other letter case if a test asked for that."""

import json
from copy import deepcopy
from typing import Any

from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.contents import Contents, Resource
from tests.azure_sim.scripts import Run

VERSIONS = "microsoft.compute/galleries/images/versions"
# Resources that ARM also takes and shows as a list within their parent.
INLINE = {
    "microsoft.network/virtualnetworks": "subnets",
    "microsoft.network/networksecuritygroups": "securityRules",
}


def show(contents: Contents, key: str) -> Resource | None:
    """A record with its inline lists and provisioningState; None when there is none."""
    record = contents["resources"].get(key)
    if record is None:
        return None
    shown = {name: deepcopy(record[name]) for name in ("id", "name", "type", "location", "tags", "properties", "state")}
    if kind := INLINE.get(record["type"].lower()):
        items = [one for one in under(contents, ArmId(key)) if one["type"].lower().endswith(f"/{kind.lower()}")]
        shown["properties"][kind] = [{"name": one["name"], "id": one["id"], **one["properties"]} for one in items]
    if contents["regions_by_name"] and record["type"].lower() == VERSIONS:
        shown["properties"]["publishingProfile"]["targetRegions"].sort(key=lambda one: str(one["name"]).lower())
    shown["properties"]["provisioningState"] = provisioning(record, contents["now"])
    if run := record["state"].get("run"):
        shown["properties"]["instanceView"] = Run(**run).view(contents["now"])
    if copied_at := record["state"].get("copied_at"):
        shown["properties"]["completionPercent"] = 100.0 if copied_at <= contents["now"] else 50.0
    shown["was"] = record["was"]
    shown["busy_until"] = max(record["ready_at"], record.get("gone_at", 0.0))
    if {"*", record["type"]} & set(contents["echo_case"]):
        shown = json.loads(json.dumps(shown), object_hook=_in_other_case)
    return shown


def under(contents: Contents, target: ArmId) -> list[Resource]:
    """All records under an id."""
    return [record for key, record in contents["resources"].items() if target.holds(key)]


def provisioning(record: Resource, now: float) -> str:
    """Where the operation on a record stands."""
    if record.get("gone_at"):
        return "Deleting"
    if record["ready_at"] > now:
        return str(record["was"])
    return "Failed" if record["failure"] else "Succeeded"


def _in_other_case(part: dict[str, Any]) -> dict[str, Any]:
    """azure/FACTS.md 3: ARM may answer with the group's name in other letter case than it was given."""
    return {name: _recased(value) for name, value in part.items()}


def _recased(value: Any) -> Any:
    if isinstance(value, list):
        return [_recased(one) for one in value]
    if isinstance(value, str) and value.lower().startswith("/subscriptions/") and (group := ArmId(value).group):
        return value.replace(f"/{group}", f"/{group.upper()}", 1)
    return value
