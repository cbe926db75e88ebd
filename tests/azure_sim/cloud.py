"""A small Azure, for tests: a mock, not Azure.

It keeps resources by id, applies the rules of `rules` and what a test planted, and knows neither HTTP nor Terraform:
fronts translate. Nothing here sleeps. An operation that takes time leaves a resource whose `provisioningState` is
Creating, Updating or Deleting until its time has come; who wants to see the end asks again, as with ARM.

Where it differs from Azure: one version of every API; properties are kept as they come and only those a rule or an
answer needs are understood; access rights, quotas and prices do not exist; names are never checked.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.azure_sim import actions, assigned, faults, rules
from tests.azure_sim.arm_id import GROUPS, SUBSCRIPTIONS, ArmId
from tests.azure_sim.errors import CloudError
from tests.azure_sim.store import Contents, Resource, Store

# Resources that ARM also takes and shows as a list within their parent.
INLINE = {
    "microsoft.network/virtualnetworks": "subnets",
    "microsoft.network/networksecuritygroups": "securityRules",
}
NO_PARENT_NEEDED = ("Microsoft.Authorization/", "Microsoft.MarketplaceOrdering/")


class Cloud:
    """All resources of all subscriptions, in one file that several processes share."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path)

    def get(self, resource_id: str) -> Resource | None:
        """A resource as ARM would show it; None when there is none."""
        target = ArmId(resource_id)
        self._store.log("read", resource_id)
        contents = self._store.read()
        if faults.find(contents, "read", target):
            with self._store.changing() as contents:
                planted = faults.take(contents, "read", target)
            faults.refuse(planted)
        return _shown(contents, target.key)

    def put(self, resource_id: str, body: Mapping[str, Any]) -> Resource:
        """Create or replace a resource: `location`, `tags` and `properties`. What Azure itself assigns is kept."""
        target = ArmId(resource_id)
        contents = self._store.read()
        action = "update" if target.key in contents["resources"] else "create"
        self._store.log(action, resource_id)
        with self._request(action, target) as (contents, planted):
            rules.check_size(body)
            _require_parent(contents, target)
            old = contents["resources"].get(target.key)
            rules.check_put(contents, target, old, body)
            record = _write(contents, target, body)
            faults.schedule(contents, record, planted)
        faults.lose(planted)
        shown = _shown(self._store.read(), target.key)
        assert shown is not None
        return shown

    def delete(self, resource_id: str) -> None:
        """Delete a resource and all under it; what is not there is no error, as with ARM."""
        target = ArmId(resource_id)
        self._store.log("delete", resource_id)
        with self._request("delete", target) as (contents, planted):
            record = contents["resources"].get(target.key)
            if record is None:
                return
            rules.check_delete(contents, target, record)
            faults.schedule(contents, record, planted)
            if planted is None or planted["how"] != "fail":
                for one in [record, *_under(contents, target)]:
                    one["gone_at"] = record["ready_at"]
        faults.lose(planted)

    def act(self, resource_id: str, action: str) -> Resource:
        """What ARM takes by POST: start, restart, powerOff, deallocate, generalize."""
        target = ArmId(resource_id)
        self._store.log(action, resource_id)
        with self._request(action, target) as (contents, planted):
            record = contents["resources"].get(target.key)
            if record is None:
                raise rules.not_found(target)
            actions.act(action, target, record)
            faults.schedule(contents, record, planted)
        faults.lose(planted)
        shown = _shown(self._store.read(), target.key)
        assert shown is not None
        return shown

    def resources(self, under: str = "", arm_type: str = "") -> list[Resource]:
        """All resources under an id and of a type; everything by default."""
        contents = self._store.read()
        keys = [
            key
            for key, record in contents["resources"].items()
            if (not under or ArmId(under).holds(key)) and (not arm_type or record["type"].lower() == arm_type.lower())
        ]
        return [shown for key in keys if (shown := _shown(contents, key))]

    def authenticate(self, subscription: str) -> None:
        """Where a front asks whether its credential is good; refused only by a planted fault."""
        with self._request("authenticate", ArmId(f"/subscriptions/{subscription}")):
            pass

    def versions(self, publisher: str, offer: str, sku: str) -> list[str]:
        """The versions of a marketplace image, oldest first."""
        return assigned.marketplace(self._store.read(), publisher, offer, sku)["versions"]  # type: ignore[no-any-return]

    def failure(self, resource_id: str) -> CloudError | None:
        """Why the last operation on a resource ended as Failed."""
        record = self._store.read()["resources"].get(ArmId(resource_id).key)
        failure = record and record["failure"]
        return CloudError(200, failure["code"], failure["message"]) if failure else None

    # What tests use.

    def plant(self, fault: faults.Fault) -> None:
        """Add a line to the table of faults: `cloud.plant(fault("create", "Microsoft.Compute/images"))`."""
        with self._store.changing() as contents:
            contents["faults"].append(fault)

    def set(self, **hooks: Any) -> None:
        """Set hooks.

        echo_case: types whose answers carry ids in other letter case, or `*`. delay: seconds by type, or by `*`.
        marketplace: `publisher:offer:sku` to `versions`, `generation`, `architecture`. scripts: how run commands end,
        see `assigned`. addresses: the public addresses to hand out first.
        """
        with self._store.changing() as contents:
            unknown = set(hooks) - set(contents)
            assert not unknown, f"no such hook: {unknown}"
            contents.update(hooks)

    def change(self, resource_id: str, **properties: Any) -> None:
        """Change properties, or `tags` and `state`, behind everybody's back."""
        with self._store.changing() as contents:
            record = contents["resources"][ArmId(resource_id).key]
            for name, value in properties.items():
                (record if name in ("tags", "state") else record["properties"])[name] = value

    def journal(self, *actions: str) -> list[tuple[str, str]]:
        """The requests so far, as action and id; all of them, or those of some actions."""
        lines = self._store.journal()
        return [(line["action"], line["id"]) for line in lines if not actions or line["action"] in actions]

    @contextmanager
    def _request(self, action: str, target: ArmId) -> Iterator[tuple[Contents, faults.Fault | None]]:
        """Take the fault for a request, and carry it out if the fault lets it."""
        with self._store.changing() as contents:
            planted = faults.take(contents, action, target)
        faults.refuse(planted)
        with self._store.changing() as contents:
            yield contents, planted


def _write(contents: Contents, target: ArmId, body: Mapping[str, Any]) -> Resource:
    """Put a record in its place, and what it holds inline in theirs."""
    old: Resource = contents["resources"].get(target.key, {})
    record: Resource = {
        "id": old.get("id", target.text),
        "name": old.get("name", target.name),
        "type": target.type,
        "location": body.get("location", old.get("location")),
        "tags": dict(body.get("tags") or {}),
        "properties": deepcopy(dict(body.get("properties") or {})),
        "state": old.get("state", {}),
        "was": "Updating" if old else "Creating",
    }
    inline = record["properties"].pop(INLINE.get(target.type.lower(), ""), None)
    contents["resources"][target.key] = record
    assigned.assign(contents, record, old)
    if inline is not None:
        _write_inline(contents, target, inline)
    return record


def _write_inline(contents: Contents, target: ArmId, items: list[dict[str, Any]]) -> None:
    """Make what a parent lists exist, and nothing else of that type."""
    kind = INLINE[target.type.lower()]
    wanted = {ArmId(f"{target.text}/{kind}/{item['name']}"): item for item in items}
    for record in _under(contents, target):
        if record["type"].lower().endswith(f"/{kind.lower()}") and ArmId(record["id"]).key not in {
            one.key for one in wanted
        }:
            rules.check_delete(contents, ArmId(record["id"]), record)
            del contents["resources"][ArmId(record["id"]).key]
    for one, item in wanted.items():
        properties = {name: value for name, value in item.items() if name not in ("name", "id")}
        faults.schedule(contents, _write(contents, one, {"properties": properties}), None)


def _under(contents: Contents, target: ArmId) -> list[Resource]:
    return [record for key, record in contents["resources"].items() if target.holds(key)]


def _require_parent(contents: Contents, target: ArmId) -> None:
    """ARM: what is in a group or part of a resource cannot be made before it."""
    parent = target.parent
    if parent is not None and parent.name == "default":  # such as `blobServices/default`, which nobody makes
        parent = parent.parent
    if parent is None or parent.type == SUBSCRIPTIONS or target.type.startswith(NO_PARENT_NEEDED):
        return
    if contents["resources"].get(parent.key, {}).get("gone_at"):
        raise CloudError(409, "ResourceGroupBeingDeleted", f"'{parent.name}' is being deleted.")
    if parent.key not in contents["resources"]:
        code = "ResourceGroupNotFound" if parent.type == GROUPS else "ParentResourceNotFound"
        raise CloudError(404, code, f"'{parent.name}' of type {parent.type} could not be found.")


def _shown(contents: Contents, key: str) -> Resource | None:
    """A record as an answer: with its inline lists and provisioningState, and in other letter case if asked for."""
    record = contents["resources"].get(key)
    if record is None:
        return None
    shown = {name: deepcopy(record[name]) for name in ("id", "name", "type", "location", "tags", "properties", "state")}
    if kind := INLINE.get(record["type"].lower()):
        items = [one for one in _under(contents, ArmId(key)) if one["type"].lower().endswith(f"/{kind.lower()}")]
        shown["properties"][kind] = [{"name": one["name"], "id": one["id"], **one["properties"]} for one in items]
    shown["properties"]["provisioningState"] = _provisioning(record)
    shown["busy_until"] = max(record["ready_at"], record.get("gone_at", 0.0))
    if {"*", record["type"]} & set(contents["echo_case"]):
        shown = json.loads(json.dumps(shown), object_hook=_in_other_case)
    return shown


def _provisioning(record: Resource) -> str:
    if record.get("gone_at"):
        return "Deleting"
    if record["ready_at"] > time.time():
        return str(record["was"])
    return "Failed" if record["failure"] else "Succeeded"


def _in_other_case(part: dict[str, Any]) -> dict[str, Any]:
    """Fact 3: ARM may answer with the group's name in other letter case than it was given."""
    return {name: _recased(value) for name, value in part.items()}


def _recased(value: Any) -> Any:
    if isinstance(value, list):
        return [_recased(one) for one in value]
    if isinstance(value, str) and value.lower().startswith("/subscriptions/") and (group := ArmId(value).group):
        return value.replace(f"/{group}", f"/{group.upper()}", 1)
    return value
