"""Functions that ask where the expression stands, and who deploys it.

Source: docs, «Deployment», «Resource» and «Scope functions for ARM templates».
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from generator.template.arm.assumed import DEFAULTS, ONLY_AZURE, Assumed
from generator.template.arm.bounds import ExpressionError
from generator.template.arm.functions.clouds import cloud_of
from generator.template.arm.functions.dates import COMPACT, moment, written
from generator.template.arm.functions.signature import Table, define
from generator.template.arm.values import MISSING, find

if TYPE_CHECKING:
    from generator.template.arm.scope import Scope

SCOPED: Table = {}
SEED = UUID("5f6a8f0e-5d1b-5c53-9b3e-6a2f5a3d9c10")  # ours: the namespace of the GUIDs that `newGuid` gives


@define(SCOPED, "parameters(name: string)", scoped=True)
def parameters(scope: "Scope", name: str) -> Any:
    """The value of a parameter, or of an argument inside a user-defined function."""
    return scope.parameter(name)


@define(SCOPED, "variables(name: string)", scoped=True)
def variables(scope: "Scope", name: str) -> Any:
    """The value of a variable."""
    return scope.variable(name)


@define(SCOPED, "lambdaVariables(name: string)", scoped=True)
def lambda_variables(scope: "Scope", name: str) -> Any:
    """What a lambda was given."""
    value = find(scope.lambdas, name)
    if value is MISSING:
        raise ExpressionError(f"no lambda around this names a variable `{name[:80]}`")
    return value


@define(SCOPED, "copyIndex(loopOrOffset: string|int?, offset: int?)", scoped=True)
def copy_index(scope: "Scope", loop: str | int = 0, offset: int = 0) -> int:
    """The number of the present round of a copy loop, from 0 or an offset."""
    name, start = (loop, offset) if isinstance(loop, str) else ("", loop)
    index = find(scope.copies, name)
    if index is MISSING:
        named = f"a copy loop `{name[:80]}`" if name else "a copy loop"
        raise ExpressionError(f"`copyIndex` does not stand in {named}")
    return int(index) + start


@define(SCOPED, "deployment()", scoped=True)
def deployment(scope: "Scope") -> dict[str, Any]:
    """This deployment, as one of a local file: without `templateLink`."""
    properties = {
        "template": scope.template.value, "templateHash": ONLY_AZURE, "parameters": ONLY_AZURE, "mode": "Incremental",
        "provisioningState": "Accepted",
    }  # fmt: skip
    name = scope.place.deployment
    given = name() if callable(name) else name
    return {"name": _said(given, "deployment_name"), "location": _location(scope), "properties": properties}


@define(SCOPED, "environment()", scoped=True)
def environment(scope: "Scope") -> dict[str, Any]:
    """The addresses of the cloud that the location is in."""
    return cloud_of(scope.place.location or "")


@define(SCOPED, "subscription()", scoped=True)
def subscription(scope: "Scope") -> dict[str, Any]:
    """The subscription."""
    number = _subscription(scope)
    return {
        "id": _told("/subscriptions/{}", number), "subscriptionId": number, "tenantId": _tenant(scope),
        "displayName": ONLY_AZURE, "tags": Assumed({}),
    }  # fmt: skip


@define(SCOPED, "resourceGroup()", scoped=True)
def resource_group(scope: "Scope") -> dict[str, Any]:
    """The resource group."""
    return {
        "id": _group(scope), "name": _said(scope.place.group, "resource_group"), "managedBy": ONLY_AZURE,
        "type": "Microsoft.Resources/resourceGroups", "location": _location(scope), "tags": Assumed({}),
        "properties": {"provisioningState": "Succeeded"},
    }  # fmt: skip


@define(SCOPED, "tenant()", scoped=True)
def tenant(scope: "Scope") -> dict[str, Any]:
    """The tenant."""
    return {"tenantId": _tenant(scope), "displayName": ONLY_AZURE, "countryCode": ONLY_AZURE}


@define(SCOPED, "utcNow(format: string?)", scoped=True)
def utc_now(scope: "Scope", form: str = COMPACT) -> Any:
    """The time that the settings fix; anywhere, though Azure lets it stand in default values only."""
    given = scope.run.inputs.utc_now
    now = written(moment(DEFAULTS["utc_now"] if given is None else given), form)
    return now if given is not None else Assumed(now, ("utc_now",))


@define(SCOPED, "newGuid()", scoped=True)
def new_guid(scope: "Scope") -> Any:
    """A GUID that is different each time, and the same in each run with the same seed."""
    scope.run.guids += 1
    seed = scope.run.inputs.seed
    made = str(uuid5(SEED, f"{DEFAULTS['seed'] if seed is None else seed}-{scope.run.guids}"))
    return made if seed is not None else Assumed(made, ("seed",))


@define(SCOPED, "fail(message: string)", scoped=True)
def fail(_: "Scope", message: str) -> Any:
    """Ends the evaluation, as the template wants it."""
    raise ExpressionError(f"the template says: {message[:200]}")


@define(SCOPED, "resourceId(first: string, ...more: string)", scoped=True)
def resource_id(scope: "Scope", *parts: str) -> Any:
    """The id of a resource in a group: ([subscription], [group], type, names…)."""
    before, rest = _split("resourceId", parts, 2)
    group = before[-1] if before else _said(scope.place.group, "resource_group")
    number = before[0] if len(before) == 2 else _subscription(scope)
    return _told("/subscriptions/{}/resourceGroups/{}{}", number, group, _provider("resourceId", rest))


@define(SCOPED, "subscriptionResourceId(first: string, ...more: string)", scoped=True)
def subscription_resource_id(scope: "Scope", *parts: str) -> Any:
    """The id of a resource of a subscription: ([subscription], type, names…)."""
    before, rest = _split("subscriptionResourceId", parts, 1)
    number = before[0] if before else _subscription(scope)
    return _told("/subscriptions/{}{}", number, _provider("subscriptionResourceId", rest))


@define(SCOPED, "managementGroupResourceId(first: string, ...more: string)", scoped=True)
def management_group_resource_id(_: "Scope", *parts: str) -> str:
    """The id of a resource of a management group: (group, type, names…)."""
    before, rest = _split("managementGroupResourceId", parts, 1)
    if not before:
        raise ExpressionError("`managementGroupResourceId` needs the management group as its first argument")
    kept = _provider("managementGroupResourceId", rest)
    return f"/providers/Microsoft.Management/managementGroups/{before[0]}{kept}"


@define(SCOPED, "tenantResourceId(type: string, ...names: string)", scoped=True)
def tenant_resource_id(_: "Scope", *parts: str) -> str:
    """The id of a resource of the tenant: (type, names…)."""
    return _provider("tenantResourceId", parts)


@define(SCOPED, "extensionResourceId(id: string, type: string, ...names: string)", scoped=True)
def extension_resource_id(_: "Scope", base: str, *parts: str) -> str:
    """The id of a resource that extends another: (id, type, names…)."""
    return base.rstrip("/") + _provider("extensionResourceId", parts)


@define(SCOPED, "resourceInfo(name: string)", scoped=True)
def resource_info(scope: "Scope", name: str) -> dict[str, Any]:
    """What a resource of the template is, by its symbolic name: its id, name, type and API version."""
    found = scope.resource(name)
    if found is None:
        raise ExpressionError(f"the template has no resource `{name[:80]}`")
    return found | {"id": resource_id(scope, found["type"], *found["name"].split("/"))}


def _group(scope: "Scope") -> Any:
    group = _said(scope.place.group, "resource_group")
    return _told("/subscriptions/{}/resourceGroups/{}", _subscription(scope), group)


def _subscription(scope: "Scope") -> Any:
    return _said(scope.place.subscription, "subscription_id")


def _location(scope: "Scope") -> Any:
    return _said(scope.place.location, "location")


def _tenant(scope: "Scope") -> Any:
    return _said(scope.place.tenant, "tenant_id")


def _said(given: str | None, setting: str) -> Any:
    """What was given, or what is assumed without the setting."""
    return given if given is not None else Assumed(DEFAULTS[setting], (setting,))


def _told(form: str, *parts: Any) -> Any:
    """A text of parts, itself an assumption where one of them is."""
    text = form.format(*(one.value if isinstance(one, Assumed) else one for one in parts))
    settings = [name for one in parts if isinstance(one, Assumed) for name in one.settings]
    return Assumed(text, tuple(settings)) if settings else text


def _split(name: str, parts: tuple[str, ...], most: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands before the resource type, which is the first text with a slash, and the rest."""
    at = next((index for index, part in enumerate(parts) if "/" in part), None)
    if at is None or at > most:
        raise ExpressionError(f"`{name}` needs a resource type such as Microsoft.Compute/images")
    return parts[:at], parts[at:]


def _provider(name: str, parts: tuple[str, ...]) -> str:
    """`/providers/NAMESPACE/TYPE/NAME/…` of a type and its names."""
    space, *types = parts[0].split("/")
    if len(types) != len(parts) - 1 or not types:
        raise ExpressionError(f"`{name}` needs a name for each part of the resource type", f"{len(types)} in this case")
    pairs = "".join(f"/{one}/{label}" for one, label in zip(types, parts[1:], strict=True))
    return f"/providers/{space}{pairs}"
