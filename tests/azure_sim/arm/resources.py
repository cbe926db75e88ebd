"""Resources of every type, as ARM treats them all: read, list, put, patch, delete, and wait for the end."""

import re
from collections.abc import Callable, Mapping

from tests.azure_sim import access, clock
from tests.azure_sim.arm import disks, galleries, machines, operations, shapes
from tests.azure_sim.arm.common import begun, canonical, links, not_found
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.pages import page
from tests.azure_sim.arm.web import Answer, Request, shown
from tests.azure_sim.arm_id import GROUPS, ArmId
from tests.azure_sim.contents import Resource
from tests.azure_sim.errors import CloudError

Parts = Mapping[str, str]
# Made and deleted before the answer comes; everything else takes an operation.
AT_ONCE = (
    "microsoft.authorization/", "microsoft.managedidentity/", "microsoft.storage/storageaccounts/",
    "microsoft.keyvault/",
)  # fmt: skip
ACCEPTED = ("microsoft.compute/disks", "microsoft.compute/snapshots")  # 202 where others say 201
EXPANDED: dict[str, Callable[[Arm, Resource, shapes.Body, str], shapes.Body]] = {
    "microsoft.compute/virtualmachines": machines.expanded,
    "microsoft.compute/virtualmachines/runcommands": machines.expanded_command,
    "microsoft.compute/galleries/images/versions": galleries.expanded,
    "microsoft.compute/disks": disks.expanded,
    "microsoft.compute/snapshots": disks.expanded,
}


def get(arm: Arm, request: Request, parts: Parts) -> Answer:
    """A resource, or all of a type when the path ends with one."""
    target = canonical(parts["id"])
    if _is_collection(target):
        return _collection(arm, request, target)
    record = arm.cloud.get(target.text)
    if record is None:
        raise not_found(arm, target)
    return shown(_body(arm, request, record), wait=record.get("wait", 0.0))


def head(arm: Arm, request: Request, parts: Parts) -> Answer:
    """Whether a resource exists."""
    return Answer(204 if arm.cloud.get(canonical(parts["id"]).text) else 404)


def put(arm: Arm, request: Request, parts: Parts) -> Answer:
    """Make or replace a resource."""
    target = canonical(parts["id"])
    _require_registered(arm, target)
    if request.headers.get("if-none-match") == "*" and arm.cloud.exists(target.text):
        raise CloudError(412, "PreconditionFailed", f"The resource '{target.name}' exists already.")
    return _written(arm, request, target, arm.cloud.put(target.text, shapes.inward(request.json())))


def patch(arm: Arm, request: Request, parts: Parts) -> Answer:
    """Change what the body names."""
    target = canonical(parts["id"])
    return _written(arm, request, target, arm.cloud.patch(target.text, shapes.inward(request.json())))


def delete(arm: Arm, request: Request, parts: Parts) -> Answer:
    """Delete a resource, or a group with all that is in it."""
    target = canonical(parts["id"])
    record = arm.cloud.delete(target.text)
    if record is None:
        if target.type == GROUPS:
            raise not_found(arm, target)
        return Answer(204)
    if target.type.lower().startswith(AT_ONCE):
        return Answer(200)
    return begun(arm, record)


def operation(arm: Arm, request: Request, parts: Parts) -> Answer:
    """Where an operation stands."""
    found = _polled(arm, parts["operation"])
    headers = {"x-ms-retry-after-ms": str(operations.PACE_MS)}
    return shown(operations.described(parts["operation"], found), headers=headers)


def result(arm: Arm, request: Request, parts: Parts) -> Answer:
    """What an operation ended with; 202 while it runs."""
    found = _polled(arm, parts["operation"])
    if found.status == "InProgress":
        here = f"{arm.endpoint}{request.path}?api-version={request.query['api-version']}"
        return Answer(202, b"", {"Location": here, "x-ms-retry-after-ms": str(operations.PACE_MS)})
    if found.failure:
        raise CloudError(409, found.failure.code, found.failure.message)
    return Answer(204) if found.answer is None else shown(found.answer)


def _polled(arm: Arm, name: str) -> operations.Operation:
    """An operation. Microsoft, "Track asynchronous Azure operations": a right in the resource's group is enough."""
    found = arm.operations.find(name)
    target = ArmId(found.target)
    arm.cloud.require(access.polling(target), f"/subscriptions/{target.subscription}", anywhere=True)
    return found


def every(arm: Arm, request: Request, parts: Parts) -> Answer:
    """The resources of a group or a subscription, in the short form: those with a location."""
    scope = f"/subscriptions/{parts['subscription']}" + (
        f"/resourceGroups/{parts['group']}" if "group" in parts else ""
    )
    if "group" in parts and not arm.cloud.exists(scope):
        raise not_found(arm, ArmId(scope))
    records = [one for one in arm.cloud.listed(scope) if one["location"] and one["type"] != GROUPS]
    bodies = [
        {name: value for name, value in shapes.outward(one).items() if name != "properties"}
        | {"provisioningState": one["properties"]["provisioningState"]}
        for one in records
    ]
    return page(arm, request, [one for one in bodies if _fits(one, request.query.get("$filter", ""))])


def groups(arm: Arm, request: Request, parts: Parts) -> Answer:
    """The resource groups of a subscription."""
    bodies = [shapes.outward(one) for one in arm.cloud.listed(f"/subscriptions/{parts['subscription']}", GROUPS)]
    return page(arm, request, [one for one in bodies if _fits(one, request.query.get("$filter", ""))])


def _written(arm: Arm, request: Request, target: ArmId, record: Resource) -> Answer:
    """The answer to PUT and PATCH."""
    kind = target.type.lower()
    created = record["was"] == "Creating" and request.method == "PUT"
    if target.type == GROUPS or kind.startswith(AT_ONCE):
        return shown(_body(arm, request, record), 201 if created else 200)
    if kind == "microsoft.storage/storageaccounts":
        return _written_account(arm, request, record)
    status = 200
    if created:
        status = 202 if kind in ACCEPTED else 201
    return shown(_body(arm, request, record), status, links(arm, record))


def _written_account(arm: Arm, request: Request, record: Resource) -> Answer:
    """Storage answers 202 without a body, and 200 with one once it is done."""
    if record["busy_until"] <= clock.now() and arm.cloud.failure(record["id"]) is None:
        return shown(_body(arm, request, record))
    headers = links(arm, record, shapes.outward(record))
    return Answer(202, b"", {name: value for name, value in headers.items() if name != "Azure-AsyncOperation"})


def _body(arm: Arm, request: Request, record: Resource) -> shapes.Body:
    """A record with what its type adds, and what `$expand` asks for."""
    body = shapes.outward(record)
    if expand := EXPANDED.get(record["type"].lower()):
        return expand(arm, record, body, request.query.get("$expand", "").lower())
    return body


def _is_collection(target: ArmId) -> bool:
    """Whether a path ends with a type: after `providers` come a namespace, and types and names in turn."""
    _, found, own = target.text.lower().rpartition("/providers/")
    return bool(found) and len(own.split("/")) % 2 == 0


def _collection(arm: Arm, request: Request, target: ArmId) -> Answer:
    before, _, own = target.text.rpartition("/providers/")
    namespace, *rest = own.split("/")
    kind = "/".join([namespace, *rest[0::2]])
    parent = target.text.rpartition("/")[0] if len(rest) > 1 else before
    if ArmId(parent).group and not arm.cloud.exists(parent):
        raise not_found(arm, ArmId(parent))
    return page(arm, request, [_body(arm, request, one) for one in arm.cloud.listed(parent, kind)])


def _require_registered(arm: Arm, target: ArmId) -> None:
    namespace = target.type.split("/")[0]
    if namespace.lower() in [one.lower() for one in arm.cloud.hook("unregistered")]:
        raise CloudError(
            409,
            "MissingSubscriptionRegistration",
            f"The subscription is not registered to use namespace '{namespace}'. See "
            "https://aka.ms/rps-not-found for how to register subscriptions.",
        )


def _fits(body: shapes.Body, text: str) -> bool:
    """The part of OData that ARM's lists take: `eq` and `and`, over a tag, a type, a name or a group."""
    asked = re.findall(r"(\w+) eq '((?:[^']|'')*)'", text)
    values = {name.lower(): value.replace("''", "'") for name, value in asked}
    tag = values.pop("tagname", None)
    wanted = values.pop("tagvalue", None)
    if tag is not None:
        tags = {name.lower(): value for name, value in (body.get("tags") or {}).items()}
        if tag.lower() not in tags or (wanted is not None and tags[tag.lower()] != wanted):
            return False
    own = {"resourcetype": body["type"], "name": body["name"], "resourcegroup": ArmId(body["id"]).group}
    return all(own.get(name, value).lower() == value.lower() for name, value in values.items())
