"""Between the cloud's records and ARM's JSON.

The cloud keeps everything of a resource in `properties`, and what lies within lists flat. ARM has some of it beside
`properties`, and never tells secrets.
"""

from collections.abc import Mapping
from typing import Any

from tests.azure_sim.contents import Resource

Body = dict[str, Any]
BESIDE = ("sku", "plan", "identity", "zones", "kind", "extendedLocation", "managedBy")
READ_ONLY = ("provisioningState", "instanceView", "vmId", "uniqueId", "timeCreated", "completionPercent")
SECRET = ("protectedParameters", "runAsPassword", "protectedSettings", "accessSAS")
SECRET_OF_MACHINE = ("adminPassword", "customData")
NESTED = ("ipConfigurations", "subnets", "securityRules")  # lists of resources, each with `properties`
REFERENCES = {
    "subnetId": "subnet",
    "publicIPAddressId": "publicIPAddress",
    "networkSecurityGroupId": "networkSecurityGroup",
}


def outward(record: Resource) -> Body:
    """A record as ARM shows it."""
    properties = _without(record["properties"], SECRET)
    if "osProfile" in properties:
        properties["osProfile"] = _without(properties["osProfile"], SECRET_OF_MACHINE)
    body: Body = {"id": record["id"], "name": record["name"], "type": record["type"]}
    if record["location"] is not None:
        body |= {"location": record["location"], "tags": record["tags"]}
    for name in BESIDE:
        value = properties.pop(name, None)
        if name == "sku" and isinstance(value, str):
            value = {"name": value}
        if value is not None and not (name == "identity" and isinstance(value, list)):
            body[name] = value
    for name in NESTED:
        if isinstance(properties.get(name), list):
            properties[name] = [_nested_out(record["id"], name, one) for one in properties[name]]
    return body | {"properties": properties}


def inward(body: Mapping[str, Any]) -> Body:
    """What the cloud keeps of a request's body; only what the body has."""
    properties = _without(body.get("properties") or {}, READ_ONLY)
    properties |= {name: body[name] for name in BESIDE if body.get(name) is not None}
    for name in NESTED:
        if isinstance(properties.get(name), list):
            properties[name] = [_nested_in(one) for one in properties[name]]
    kept = {name: body[name] for name in ("location", "tags") if name in body}
    return kept | {"properties": properties}


def _nested_out(parent: str, kind: str, item: Body) -> Body:
    inner = _without(item, ("name", "id"))
    for flat, name in REFERENCES.items():
        if value := inner.pop(flat, None):
            inner[name] = {"id": value}
    own = item.get("id") or f"{parent}/{kind}/{item.get('name')}"
    return {"name": item.get("name"), "id": own, "properties": inner}


def _nested_in(item: Body) -> Body:
    flat = {"name": item.get("name")} | dict(item.get("properties") or {})
    for key, name in REFERENCES.items():
        if isinstance(value := flat.pop(name, None), dict):
            flat[key] = value.get("id")
    return flat


def _without(values: Mapping[str, Any], names: tuple[str, ...]) -> Body:
    return {name: value for name, value in values.items() if name not in names}
