"""A small Azure, for tests: a mock, not Azure.

It keeps resources by id, applies the rules of `rules` and what a test planted, and knows neither HTTP nor Terraform:
fronts translate. Nothing here sleeps. An operation that takes time leaves a resource whose `provisioningState` is
Creating, Updating or Deleting until its time has come; who wants to see the end asks again, as with ARM.

Where it differs from Azure: one version of every API; properties are kept as they come and only those a rule or an
answer needs are understood; quotas and prices do not exist; names are never checked. A test may do everything; fronts
ask for their caller, who may do what the hook `roles` grants.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.azure_sim import access, actions, assigned, faults, rules
from tests.azure_sim.arm_id import GROUPS, SUBSCRIPTIONS, ArmId
from tests.azure_sim.contents import Contents, Resource
from tests.azure_sim.errors import CloudError
from tests.azure_sim.shown import INLINE, show, under
from tests.azure_sim.store import Store

NO_PARENT_NEEDED = ("Microsoft.Authorization/", "Microsoft.MarketplaceOrdering/")


class Cloud:
    """All resources of all subscriptions, in one file that several processes share."""

    def __init__(self, path: Path, *, caller: bool = False) -> None:
        """`caller`: ask for somebody whose rights count, as fronts do."""
        self._store = Store(path)
        self._caller = caller

    def for_caller(self, *, caller: bool = True) -> "Cloud":
        """The same cloud, asked for somebody whose rights count; or for nobody in particular."""
        return Cloud(self._store.path, caller=caller)

    def require(self, name: str, scope: str, *, anywhere: bool = False) -> None:
        """Refuse a caller an operation, by its name in roles, at a scope."""
        access.require(self._store.read(), name, ArmId(scope), caller=self._caller, anywhere=anywhere)

    def get(self, resource_id: str) -> Resource | None:
        """A resource as ARM would show it; None when there is none. A slow answer has `wait`, in seconds."""
        target = ArmId(resource_id)
        contents, planted = self._reading("read", target)
        shown = show(contents, target.key)
        return shown | {"wait": planted["seconds"]} if shown and planted else shown

    def listed(self, under: str, arm_type: str = "") -> list[Resource]:
        """What `resources` has, as a request: it is in the journal, and faults for the `list` of a type apply."""
        target = ArmId(under).child(arm_type) if arm_type else ArmId(under)
        self._reading("list", target, "" if arm_type else access.inside(target))
        return self.resources(under, arm_type)

    def put(self, resource_id: str, body: Mapping[str, Any]) -> Resource:
        """Create or replace a resource: `location`, `tags` and `properties`. What Azure itself assigns is kept."""
        target = ArmId(resource_id)
        contents = self._store.read()
        action = "update" if target.key in contents["resources"] else "create"
        self._store.log(action, resource_id, body=dict(body))
        with self._request(action, target) as (contents, planted):
            if self._caller:
                access.require_linked(contents, access.operation(action, target), target, body)
            rules.check_size(body)
            _require_parent(contents, target)
            old = contents["resources"].get(target.key)
            rules.check_put(contents, target, old, body)
            record = _write(contents, target, body)
            faults.schedule(contents, record, planted)
        faults.lose(planted)
        shown = show(self._store.read(), target.key)
        assert shown is not None
        return shown

    def patch(self, resource_id: str, changes: Mapping[str, Any]) -> Resource:
        """Change what is named of a resource, at every depth; tags are replaced as a whole."""
        target = ArmId(resource_id)
        record = self._store.read()["resources"].get(target.key)
        if record is None:
            raise rules.not_found(target)
        properties = _merged(record["properties"], changes.get("properties") or {})
        body = {name: changes.get(name, record[name]) for name in ("location", "tags")}
        return self.put(resource_id, body | {"properties": properties})

    def delete(self, resource_id: str) -> Resource | None:
        """Delete a resource and all under it; what is not there is no error, as with ARM. What is being deleted."""
        target = ArmId(resource_id)
        self._store.log("delete", resource_id)
        with self._request("delete", target) as (contents, planted):
            record = contents["resources"].get(target.key)
            if record is None:
                return None
            rules.check_delete(contents, target, record)
            record["failure"] = None
            faults.schedule(contents, record, planted)
            if planted is None or planted["how"] != "fail":
                for one in [record, *under(contents, target)]:
                    one["gone_at"] = record["ready_at"]
            shown = show(contents, target.key)
        faults.lose(planted)
        return shown

    def act(self, resource_id: str, action: str, body: Mapping[str, Any] | None = None) -> Resource:
        """What a machine takes by POST: see `actions`. What the action itself answers is the `answer`."""
        target = ArmId(resource_id)
        self._store.log(action, resource_id)
        with self._request(action, target) as (contents, planted):
            record = contents["resources"].get(target.key)
            if record is None:
                raise rules.not_found(target)
            record["failure"] = None
            answer = actions.act(contents, action, target, record, dict(body or {}))
            faults.schedule(contents, record, planted)
        faults.lose(planted)
        shown = show(self._store.read(), target.key)
        assert shown is not None
        return shown | {"answer": answer}

    def request(self, action: str, resource_id: str) -> None:
        """A request that changes nothing here: it is in the journal, and what is planted for it applies."""
        self._store.log(action, resource_id)
        with self._request(action, ArmId(resource_id)) as (_, planted):
            pass
        faults.lose(planted)

    def resources(self, under: str = "", arm_type: str = "") -> list[Resource]:
        """All resources under an id and of a type; everything by default."""
        contents = self._store.read()
        keys = [
            key
            for key, record in contents["resources"].items()
            if (not under or ArmId(under).holds(key)) and (not arm_type or record["type"].lower() == arm_type.lower())
        ]
        return [shown for key in keys if (shown := show(contents, key))]

    def authenticate(self, subscription: str) -> None:
        """Where a front asks whether its credential is good; refused only by a planted fault."""
        with self._request("authenticate", ArmId(f"/subscriptions/{subscription}")):
            pass

    def exists(self, resource_id: str) -> bool:
        """Whether there is such a resource; no request."""
        return ArmId(resource_id).key in self._store.read()["resources"]

    def offer(self, publisher: str, offer: str, sku: str) -> dict[str, Any]:
        """What is known of a marketplace image."""
        return assigned.marketplace(self._store.read(), publisher, offer, sku)

    def versions(self, publisher: str, offer: str, sku: str) -> list[str]:
        """The versions of a marketplace image, oldest first."""
        return self.offer(publisher, offer, sku)["versions"]  # type: ignore[no-any-return]

    def failure(self, resource_id: str) -> CloudError | None:
        """Why the last operation on a resource ended as Failed."""
        record = self._store.read()["resources"].get(ArmId(resource_id).key)
        failure = record and record["failure"]
        return CloudError(200, failure["code"], failure["message"]) if failure else None

    # What tests use.

    def hook(self, name: str) -> Any:
        """What a hook is set to."""
        return self._store.read()[name]

    def ran(self) -> list[dict[str, Any]]:
        """The scripts that machines were given, in order: machine, name, script, at, and what came with them."""
        return list(self._store.read()["ran"])

    def asked(self, arm_type: str) -> list[dict[str, Any]]:
        """The resources of a type that were asked for, in order, as they were asked for."""
        return [
            {"id": line["id"]} | line["body"]
            for line in self._store.journal()
            if "body" in line and ArmId(line["id"]).type.lower() == arm_type.lower()
        ]

    def plant(self, fault: faults.Fault) -> None:
        """Add a line to the table of faults: `cloud.plant(fault("create", "Microsoft.Compute/images"))`."""
        with self._store.changing() as contents:
            contents["faults"].append(fault)

    def set(self, **hooks: Any) -> None:
        """Set hooks: `contents.HOOKS` has them all."""
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

    def timed(self) -> list[tuple[float, str, str]]:
        """The journal with the time of each request."""
        return [(line["at"], line["action"], line["id"]) for line in self._store.journal()]

    @contextmanager
    def _request(self, action: str, target: ArmId) -> Iterator[tuple[Contents, faults.Fault | None]]:
        """Take the fault for a request, and carry it out if the fault lets it."""
        with self._store.changing() as contents:
            access.require(contents, access.operation(action, target), target, caller=self._caller)
            planted = faults.take(contents, action, target)
        faults.refuse(planted)
        with self._store.changing() as contents:
            yield contents, planted

    def _reading(self, action: str, target: ArmId, name: str = "") -> tuple[Contents, faults.Fault | None]:
        """The contents for a request that only reads, after what was planted for it. `name`: what it is in roles, where
        that does not follow from the action."""
        self._store.log(action, target.text)
        contents = self._store.read()
        access.require(contents, name or access.operation(action, target), target, caller=self._caller)
        planted = None
        if faults.find(contents, action, target):
            with self._store.changing() as changed:
                planted = faults.take(changed, action, target)
            faults.refuse(planted)
            faults.lose(planted)
        return contents, planted


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
    for record in under(contents, target):
        if record["type"].lower().endswith(f"/{kind.lower()}") and ArmId(record["id"]).key not in {
            one.key for one in wanted
        }:
            rules.check_delete(contents, ArmId(record["id"]), record)
            del contents["resources"][ArmId(record["id"]).key]
    for one, item in wanted.items():
        properties = {name: value for name, value in item.items() if name not in ("name", "id")}
        faults.schedule(contents, _write(contents, one, {"properties": properties}), None)


def _merged(old: Any, new: Any) -> Any:
    """JSON merge (RFC 7396), as PATCH has it."""
    if not isinstance(old, dict) or not isinstance(new, Mapping):
        return new
    both = old | {name: _merged(old.get(name), value) for name, value in new.items()}
    return {name: value for name, value in both.items() if value is not None}


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
