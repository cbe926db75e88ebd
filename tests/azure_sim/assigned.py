"""What Azure itself gives a resource: addresses, identifiers, the state of a machine, the result of a script."""

import time
from collections.abc import Callable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.store import Contents, Resource

TENANT = "11111111-1111-1111-1111-111111111111"
OUTPUT_LIMIT = 4096


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
    properties["vmId"] = before.get("vmId") or stable_uuid(record["id"], str(time.time()))
    image = properties.get("storageProfile", {}).get("imageReference") or {}
    offered = _offered(contents, image)
    if image.get("version"):
        known = before.get("storageProfile", {}).get("imageReference", {}).get("exactVersion")
        newest = offered["versions"][-1] if image["version"] == "latest" else image["version"]
        image["exactVersion"] = known or newest
    if not record["state"]:
        secure = properties.get("securityProfile", {}).get("securityType")
        record["state"] = {
            "power": "running", "generalized": False, "booted_at": time.time(),
            "generation": "V2" if secure else offered["generation"], "architecture": offered["architecture"],
        }  # fmt: skip
    _os_disk(contents, record)


def _offered(contents: Contents, image: dict[str, Any]) -> dict[str, Any]:
    """What a machine inherits from its image: an own one, a version and its definition, or the marketplace's."""
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


def _result(contents: Contents, record: Resource, script: str) -> dict[str, Any]:
    """How a script ends: as the first of the hook's `scripts` says whose `match` is in it, else well.

    Such an entry has `match`, and any of `exit_code`, `output`, `error` and `reboots`.
    """
    usual: dict[str, Any] = {"exit_code": 0, "output": "", "error": ""}
    result = usual | next((one for one in contents["scripts"] if one["match"] in script), {})
    machine = ArmId(record["id"]).parent
    if result.get("reboots") and machine:
        contents["resources"][machine.key]["state"]["booted_at"] = time.time()
    return result


def _run_command(contents: Contents, record: Resource, old: Resource) -> None:
    """Run the script. Fact 22: only the last 4 KB of its output are kept."""
    properties = record["properties"]
    result = _result(contents, record, str(properties.get("source", {}).get("script") or ""))
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    properties["instanceView"] = {
        "exitCode": result["exit_code"], "executionState": "Failed" if result["exit_code"] else "Succeeded",
        "executionMessage": "", "output": result["output"][-OUTPUT_LIMIT:], "error": result["error"][-OUTPUT_LIMIT:],
        "startTime": now, "endTime": now,
    }  # fmt: skip
    if result["exit_code"] and properties.get("treatFailureAsDeploymentFailure"):
        message = f"Failed to execute script, exit code {result['exit_code']}: {result['error']}"
        record["failure"] = {"code": "VMExtensionProvisioningError", "message": message}


def _extension(contents: Contents, record: Resource, old: Resource) -> None:
    """An extension has no result to read: it fails as a whole."""
    properties = record["properties"]
    result = _result(contents, record, f"{properties.get('settings')}{properties.get('protectedSettings')}")
    if result["exit_code"]:
        message = f"VM has reported a failure when processing extension '{record['name']}': {result['error']}"
        record["failure"] = {"code": "VMExtensionProvisioningError", "message": message}


def _storage_account(contents: Contents, record: Resource, old: Resource) -> None:
    name = record["name"]
    record["properties"]["primaryEndpoints"] = {
        service: f"https://{name}.{service}.core.windows.net/" for service in ("blob", "file", "queue", "table")
    }


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
    "microsoft.compute/disks/grants": _fixed(
        accessSAS=lambda one: f"https://md-{stable_uuid(one['id'])[:8]}.blob.core.windows.net/d/abcd?sig=simulated"
    ),
    "microsoft.keyvault/vaults": _fixed(vaultUri=lambda one: f"https://{one['name']}.vault.azure.net/"),
    "microsoft.managedidentity/userassignedidentities": _fixed(
        clientId=lambda one: stable_uuid(one["id"], "client"),
        principalId=lambda one: stable_uuid(one["id"], "principal"),
        tenantId=lambda _: TENANT,
    ),
}
