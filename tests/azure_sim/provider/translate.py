"""Between azurerm's arguments and ARM's properties.

By rule, `some_name` is `someName` in `properties`, at every depth. Where ARM differs and somebody needs it (a rule of
the cloud, or the ARM front), `PATHS` has the true path, and `OUT` and `IN` what a path cannot say. Everything else is
kept at a name ARM may not have, which harms nobody.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.azure_sim.provider.plan import location
from tests.azure_sim.provider.schema import Field, Fields

Values = dict[str, Any]
Properties = dict[str, Any]

# Type, argument, and its path below `properties`; a leading `1:` where azurerm has a block and ARM one object.
MACHINE = {
    "size": "hardwareProfile.vmSize",
    "source_image_reference": "1:storageProfile.imageReference",
    "os_disk": "1:storageProfile.osDisk",
    "os_managed_disk_id": "storageProfile.osDisk.managedDisk.id",
    "admin_username": "osProfile.adminUsername",
    "admin_password": "osProfile.adminPassword",
    "computer_name": "osProfile.computerName",
    "custom_data": "osProfile.customData",
    "secure_boot_enabled": "securityProfile.uefiSettings.secureBootEnabled",
    "vtpm_enabled": "securityProfile.uefiSettings.vTpmEnabled",
    "virtual_machine_id": "vmId",
    "plan": "1:plan",
    "boot_diagnostics": "1:diagnosticsProfile.bootDiagnostics",
}
PATHS: dict[str, dict[str, str]] = {
    "azurerm_linux_virtual_machine": MACHINE,
    "azurerm_windows_virtual_machine": MACHINE,
    "azurerm_image": {"source_virtual_machine_id": "sourceVirtualMachine.id", "os_disk": "1:storageProfile.osDisk"},
    "azurerm_shared_image": {"identifier": "1:identifier", "purchase_plan": "1:purchasePlan"},
    "azurerm_shared_image_version": {
        "os_disk_snapshot_id": "storageProfile.osDiskImage.source.id",
        "blob_uri": "storageProfile.osDiskImage.source.uri",
        "storage_account_id": "storageProfile.osDiskImage.source.storageAccountId",
        "target_region": "publishingProfile.targetRegions",
        "replication_mode": "publishingProfile.replicationMode",
        "exclude_from_latest": "publishingProfile.excludeFromLatest",
        "end_of_life_date": "publishingProfile.endOfLifeDate",
        "deletion_of_replicated_locations_enabled": "safetyProfile.allowDeletionOfReplicatedLocations",
    },
    "azurerm_virtual_machine_run_command": {
        "source": "1:source",
        "instance_view": "1:instanceView",
        "parameter": "parameters",
        "protected_parameter": "protectedParameters",
    },
    "azurerm_virtual_network": {
        "address_space": "addressSpace.addressPrefixes",
        "subnet": "subnets",
        "guid": "resourceGuid",
    },
    "azurerm_network_security_group": {"security_rule": "securityRules"},
    "azurerm_network_interface": {"ip_configuration": "ipConfigurations"},
    "azurerm_public_ip": {"allocation_method": "publicIPAllocationMethod"},
    "azurerm_managed_disk_sas_token": {"sas_url": "accessSAS"},
    "azurerm_storage_account": {
        f"primary_{service}_endpoint": f"primaryEndpoints.{service}" for service in ("blob", "file", "queue", "table")
    },
}
NAMES = {
    "exclude_from_latest_enabled": "excludeFromLatest",
    "error_message": "error",
    "disk_size_gb": "diskSizeGB",
    "hyper_v_generation": "hyperVGeneration",
}
SECURITY = {
    "trusted_launch_supported": "TrustedLaunchSupported",
    "trusted_launch_enabled": "TrustedLaunch",
    "confidential_vm_supported": "ConfidentialVmSupported",
    "confidential_vm_enabled": "ConfidentialVM",
}

# Images of others that azurerm knows by how their id begins (its shared_schema.go, expandSourceImageReference).
GALLERIES = {"communityGalleries": "communityGalleryImageId", "sharedGalleries": "sharedGalleryImageId"}


def outward(kind: str, fields: Fields, values: Mapping[str, Any], skipped: Iterable[str]) -> Properties:
    """What azurerm would send to ARM; `skipped` are the arguments that are part of the id."""
    properties: Properties = {}
    left = {"id", "location", "tags", "timeouts", *skipped}
    for name, field in fields.items():
        value = values.get(name)
        if name not in left and value is not None and value != []:
            _put(properties, _path(kind, name), _camel_values(field, value))
    if more := OUT.get(kind):
        more(values, properties)
    return properties


def inward(kind: str, fields: Fields, properties: Properties) -> Values:
    """What azurerm would make of ARM's answer; null for what is not in it."""
    values = {
        name: _snake_values(field, _take(properties, _path(kind, name)))
        for name, field in fields.items()
        if name not in ("id", "location", "tags", "timeouts")
    }
    if more := IN.get(kind):
        more(properties, values)
    return values


def camel(name: str) -> str:
    """The name ARM would have for an argument: `public_ip_address_id` is `publicIPAddressId`."""
    head, *tail = name.split("_")
    joined = head + "".join(part.capitalize() for part in tail)
    return NAMES.get(name) or re.sub(r"(?<=[a-z])Ip(?=[A-Z]|$)", "IP", joined)


def _path(kind: str, name: str) -> str:
    return PATHS.get(kind, {}).get(name) or camel(name)


def _camel_values(field: Field, value: Any) -> Any:
    """Rename within lists of objects; what a map holds is the user's."""
    if not field.fields or not isinstance(value, list):
        return value
    return [
        {
            camel(name): _camel_values(one, item[name])
            for name, one in field.fields.items()
            if item.get(name) not in (None, [])
        }
        for item in value
    ]


def _snake_values(field: Field, value: Any) -> Any:
    if field.region and isinstance(value, str):
        return location(value)
    if value is None or not field.fields:
        return field.absent if value is None else value
    items = value if isinstance(value, list) else [value]
    return [{name: _snake_values(one, item.get(camel(name))) for name, one in field.fields.items()} for item in items]


def _put(properties: Properties, path: str, value: Any) -> None:
    if path.startswith("1:"):
        path, value = path[2:], value[0]
    *way, last = path.split(".")
    for step in way:
        properties = properties.setdefault(step, {})
    if isinstance(value, dict) and isinstance(properties.get(last), dict):
        properties[last].update(value)
    else:
        properties[last] = value


def _take(properties: Any, path: str) -> Any:
    for step in path.removeprefix("1:").split("."):
        properties = properties.get(step) if isinstance(properties, dict) else None
    return properties


def _machine_out(values: Mapping[str, Any], properties: Properties) -> None:
    """azurerm: secure boot or vTPM make it Trusted Launch, an encryption type of the disk makes it confidential."""
    interfaces = values.get("network_interface_ids") or []
    properties.pop("networkInterfaceIds", None)
    properties["networkProfile"] = {"networkInterfaces": [{"id": one} for one in interfaces]}
    if keys := properties.pop("adminSshKey", None):
        public = [{"path": _keys_of(one["username"]), "keyData": one["publicKey"]} for one in keys]
        linux = properties.setdefault("osProfile", {}).setdefault("linuxConfiguration", {})
        linux["ssh"] = {"publicKeys": public}
    if "bootDiagnostics" in properties.get("diagnosticsProfile", {}):
        properties["diagnosticsProfile"]["bootDiagnostics"]["enabled"] = True
    storage = properties.setdefault("storageProfile", {})
    if image := properties.pop("sourceImageId", None):
        storage["imageReference"] = {GALLERIES.get(image.split("/")[1], "id"): image}
    confidential = any(disk.get("security_encryption_type") for disk in values.get("os_disk") or [])
    if confidential or values.get("secure_boot_enabled") or values.get("vtpm_enabled"):
        security = "ConfidentialVM" if confidential else "TrustedLaunch"
        properties.setdefault("securityProfile", {})["securityType"] = security


def _keys_of(user: str) -> str:
    return f"/home/{user}/.ssh/authorized_keys"


def _machine_in(properties: Properties, values: Values) -> None:
    interfaces = properties.get("networkProfile", {}).get("networkInterfaces") or []
    values["network_interface_ids"] = [one["id"] for one in interfaces]
    ssh = properties.get("osProfile", {}).get("linuxConfiguration", {}).get("ssh", {})
    if "admin_ssh_key" in values:
        values["admin_ssh_key"] = [
            {"username": one["path"].split("/")[2], "public_key": one["keyData"]} for one in ssh.get("publicKeys") or []
        ]
    storage = properties.get("storageProfile", {})
    image = storage.get("imageReference") or {}
    if found := next((image[name] for name in ("id", *GALLERIES.values()) if image.get(name)), None):
        values["source_image_id"], values["source_image_reference"] = found, []
    for disk in values.get("os_disk") or []:
        disk["id"] = storage["osDisk"].get("managedDisk", {}).get("id")


def _definition_out(values: Mapping[str, Any], properties: Properties) -> None:
    for name, security in SECURITY.items():
        properties.pop(camel(name), None)
        if values.get(name):
            properties.setdefault("features", []).append({"name": "SecurityType", "value": security})
    properties["osState"] = "Specialized" if properties.pop("specialized", False) else "Generalized"


def _definition_in(properties: Properties, values: Values) -> None:
    security = {one["value"] for one in properties.get("features") or [] if one["name"] == "SecurityType"}
    values.update({name: value in security for name, value in SECURITY.items()})
    values["specialized"] = properties.get("osState") == "Specialized"


def _version_out(values: Mapping[str, Any], properties: Properties) -> None:
    """azure/FACTS.md 15: a machine is sent as `virtualMachineId`, everything else as `id`."""
    properties.pop("managedImageId", None)
    if source := values.get("managed_image_id"):
        key = "virtualMachineId" if "/virtualmachines/" in source.lower() else "id"
        properties.setdefault("storageProfile", {})["source"] = {key: source}


def _version_in(properties: Properties, values: Values) -> None:
    source = properties.get("storageProfile", {}).get("source") or {}
    values["managed_image_id"] = source.get("virtualMachineId") or source.get("id")


def _run_command_out(values: Mapping[str, Any], properties: Properties) -> None:
    """azurerm: a script that fails is a resource that failed."""
    properties.pop("instanceView", None)
    properties["treatFailureAsDeploymentFailure"] = True


def _interface_in(properties: Properties, values: Values) -> None:
    addresses = [one.get("privateIPAddress") for one in properties.get("ipConfigurations") or []]
    values["private_ip_addresses"] = addresses
    values["private_ip_address"] = next(iter(addresses), None)


def _network_in(properties: Properties, values: Values) -> None:
    if "subnets" in values:  # the data source has only their names
        values["subnets"] = [one["name"] for one in properties.get("subnets") or []]


OUT: dict[str, Callable[[Mapping[str, Any], Properties], None]] = {
    "azurerm_linux_virtual_machine": _machine_out,
    "azurerm_windows_virtual_machine": _machine_out,
    "azurerm_shared_image": _definition_out,
    "azurerm_shared_image_version": _version_out,
    "azurerm_virtual_machine_run_command": _run_command_out,
}
IN: dict[str, Callable[[Properties, Values], None]] = {
    "azurerm_linux_virtual_machine": _machine_in,
    "azurerm_windows_virtual_machine": _machine_in,
    "azurerm_shared_image": _definition_in,
    "azurerm_shared_image_version": _version_in,
    "azurerm_network_interface": _interface_in,
    "azurerm_virtual_network": _network_in,
}
