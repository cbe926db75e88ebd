"""What Azure itself gives a resource: addresses, identifiers, the state of a machine, the result of a script."""

import time
from collections.abc import Callable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.azure_sim import clock, life, scripts
from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.contents import Contents, Resource

TENANT = "11111111-1111-1111-1111-111111111111"


def stable_uuid(*parts: str) -> str:
    """An identifier that is the same in every run, so that tests can name it."""
    return str(uuid5(NAMESPACE_URL, "/".join(parts).lower()))


def assign(contents: Contents, record: Resource, old: Resource) -> None:
    """Give a record that is put what Azure gives; what was given before stays."""
    if give := GIVEN.get(record["type"].lower()):
        give(contents, record, old)


def marketplace(contents: Contents, publisher: str, offer: str, sku: str) -> dict[str, Any]:
    """What is known of a marketplace image. By default there is one version, and the name tells the rest."""
    gen2 = any(part in sku.lower() for part in ("gen2", "g2"))
    usual = {
        "versions": ["1.0.0"],
        "generation": "V2" if gen2 else "V1",
        "architecture": "Arm64" if "arm64" in sku.lower() else "x64",
    }
    known: dict[str, Any] = contents["marketplace"].get(f"{publisher}:{offer}:{sku}", {})
    return usual | known


def _machine(contents: Contents, record: Resource, old: Resource) -> None:
    """An identifier of its own for each machine, a disk, the exact version of its image, and that it runs."""
    properties = record["properties"]
    before = old.get("properties", {})
    properties["vmId"] = before.get("vmId") or stable_uuid(record["id"], str(clock.now()))
    image = properties.get("storageProfile", {}).get("imageReference") or {}
    offered = _offered(contents, image)
    if image.get("version"):
        known = before.get("storageProfile", {}).get("imageReference", {}).get("exactVersion")
        newest = offered["versions"][-1] if image["version"] == "latest" else image["version"]
        image["exactVersion"] = known or newest
    if not record["state"]:
        secure = properties.get("securityProfile", {}).get("securityType") not in (None, "Standard")
        record["state"] = {
            "generalized": False, "generation": "V2" if secure else offered["generation"],
            "architecture": offered["architecture"],
        }  # fmt: skip
        life.boot(contents, record["state"])
    _os_disk(contents, record)


def _offered(contents: Contents, image: dict[str, Any]) -> dict[str, Any]:
    """What a machine inherits from its image: an own one, a version and its definition, or the marketplace's."""
    for kind in ("community", "shared"):
        if path := image.get(f"{kind}GalleryImageId"):
            return _offered_publicly(contents, kind, path)
    if not image.get("id"):
        return marketplace(contents, *(str(image.get(part, "")) for part in ("publisher", "offer", "sku")))
    source = ArmId(image["id"])
    if source.type.lower().endswith("/versions") and source.parent:
        source = source.parent
    properties = contents["resources"].get(source.key, {}).get("properties", {})
    return {
        "versions": [],
        "generation": properties.get("hyperVGeneration") or "V1",
        "architecture": properties.get("architecture") or "x64",
    }


def _offered_publicly(contents: Contents, kind: str, path: str) -> dict[str, Any]:
    """What an image of a community or shared gallery has: `/communityGalleries/G/images/I/versions/V`."""
    _, gallery, _, image, *_ = path.strip("/").split("/")
    images: dict[str, Any] = contents["galleries"].get(f"{kind}/{gallery}", {})
    return {"versions": ["1.0.0"], "generation": "V2", "architecture": "x64", **images.get(image, {})}


def _os_disk(contents: Contents, record: Resource) -> None:
    """A machine comes with a disk, which is a resource beside it."""
    os_disk = record["properties"].setdefault("storageProfile", {}).setdefault("osDisk", {})
    name = os_disk.setdefault("name", f"{record['name']}_OsDisk_1_{stable_uuid(record['id'])[:8]}")
    machine = ArmId(record["id"])
    group = f"/subscriptions/{machine.subscription}/resourceGroups/{machine.group}"
    disk_id = f"{group}/providers/Microsoft.Compute/disks/{name}"
    os_disk["managedDisk"] = {"id": disk_id}
    size = os_disk.setdefault("diskSizeGB", 30)
    contents["resources"].setdefault(
        ArmId(disk_id).key,
        {
            "id": disk_id, "name": name, "type": "Microsoft.Compute/disks", "location": record["location"], "tags": {},
            "properties": {"diskSizeGB": size, "managedBy": record["id"], "osType": os_disk.get("osType")},
            "state": {}, "was": "Creating", "ready_at": 0.0, "failure": None,
        },
    )  # fmt: skip


def _interface(contents: Contents, record: Resource, old: Resource) -> None:
    place = list(contents["resources"]).index(ArmId(record["id"]).key)
    for number, item in enumerate(record["properties"].get("ipConfigurations") or []):
        item["privateIPAddress"] = item.get("privateIPAddress") or f"10.0.{place}.{number + 4}"
        item["primary"] = item["primary"] if item.get("primary") is not None else number == 0
    record["properties"]["macAddress"] = "00-0D-3A-" + stable_uuid(record["id"])[:8].upper()


def _public_address(contents: Contents, record: Resource, old: Resource) -> None:
    given = old.get("properties", {}).get("ipAddress")
    if not given:
        used = sum(1 for one in contents["resources"].values() if one["type"] == record["type"])
        given = contents["addresses"].pop(0) if contents["addresses"] else f"203.0.113.{used}"
    record["properties"]["ipAddress"] = given


def _run_command(contents: Contents, record: Resource, old: Resource) -> None:
    scripts.run_command(contents, record, _machine_of(contents, record))


def _extension(contents: Contents, record: Resource, old: Resource) -> None:
    scripts.extension(contents, record, _machine_of(contents, record))


def _machine_of(contents: Contents, record: Resource) -> Resource | None:
    machine = ArmId(record["id"]).parent
    return contents["resources"].get(machine.key) if machine else None


def _storage_account(contents: Contents, record: Resource, old: Resource) -> None:
    """With the ARM front, blobs are at its address, with the account in the path."""
    name = record["name"]
    endpoints = {
        service: f"https://{name}.{service}.core.windows.net/" for service in ("blob", "file", "queue", "table")
    }
    if contents["endpoint"]:
        endpoints["blob"] = f"{contents['endpoint']}/{name}/"
    record["properties"]["primaryEndpoints"] = endpoints


def _grant(contents: Contents, record: Resource, old: Resource) -> None:
    """The address at which the disk's bytes can be read until the grant ends."""
    disk = str(ArmId(record["id"]).parent and ArmId(record["id"]).parent.text)  # type: ignore[union-attr]
    name = f"md-{stable_uuid(disk)[:8]}"
    host = f"{contents['endpoint']}/{name}" if contents["endpoint"] else f"https://{name}.blob.core.windows.net"
    until = clock.now() + float(record["properties"].get("durationInSeconds") or 3600)
    expiry = time.strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ", time.gmtime(until))
    record["state"] = {"place": name, "until": until}
    record["properties"].setdefault("accessSAS", f"{host}/d/abcd?sv=2018-03-28&sr=b&sp=r&se={expiry}&sig=simulated")


def _snapshot(contents: Contents, record: Resource, old: Resource) -> None:
    """A copy from another region goes on after the snapshot stands."""
    creation = record["properties"].get("creationData", {})
    record["properties"].setdefault("diskSizeGB", 30)
    if creation.get("createOption") == "CopyStart" and not record["state"]:
        record["state"] = {"copied_at": clock.now() + contents["copies"].get("snapshot_seconds", 0.0)}


def _fixed(**values: Callable[[Resource], Any]) -> Callable[[Contents, Resource, Resource], None]:
    """Properties that follow from the record alone."""

    def give(contents: Contents, record: Resource, old: Resource) -> None:
        for name, value in values.items():
            record["properties"].setdefault(name, value(record))

    return give


GIVEN: dict[str, Callable[[Contents, Resource, Resource], None]] = {
    "microsoft.compute/virtualmachines": _machine,
    "microsoft.compute/virtualmachines/runcommands": _run_command,
    "microsoft.compute/virtualmachines/extensions": _extension,
    "microsoft.network/networkinterfaces": _interface,
    "microsoft.network/publicipaddresses": _public_address,
    "microsoft.storage/storageaccounts": _storage_account,
    "microsoft.network/virtualnetworks": _fixed(resourceGuid=lambda one: stable_uuid(one["id"])),
    "microsoft.compute/galleries": _fixed(uniqueName=lambda one: f"{stable_uuid(one['id'])}-{one['name']}"),
    "microsoft.compute/disks": _fixed(diskSizeGB=lambda _: 30),
    "microsoft.compute/disks/grants": _grant,
    "microsoft.compute/snapshots/grants": _grant,
    "microsoft.compute/snapshots": _snapshot,
    "microsoft.keyvault/vaults": _fixed(vaultUri=lambda one: f"https://{one['name']}.vault.azure.net/"),
    "microsoft.managedidentity/userassignedidentities": _fixed(
        clientId=lambda one: stable_uuid(one["id"], "client"),
        principalId=lambda one: stable_uuid(one["id"], "principal"),
        tenantId=lambda _: TENANT,
    ),
}
