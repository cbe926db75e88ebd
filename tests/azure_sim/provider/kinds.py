"""The resource types: where each lies in ARM, and what Terraform calls it.

A template's names are the type's own arguments; `subscription` is the provider's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

GROUP = "/subscriptions/{subscription}/resourceGroups/{resource_group_name}"
COMPUTE, NETWORK, STORAGE = (f"{GROUP}/providers/Microsoft.{space}" for space in ("Compute", "Network", "Storage"))
IMAGES = COMPUTE + "/galleries/{gallery_name}/images"


@dataclass(frozen=True)
class Kind:
    """A resource type. `id` is Terraform's id where that is not ARM's."""

    type: str
    arm: str
    id: str = ""
    filled: Mapping[str, Any] | None = None  # what azurerm sends when the configuration is silent

    def arm_id(self, values: Mapping[str, Any], subscription: str) -> str:
        """Where a resource with these values lies."""
        return self.arm.format(subscription=subscription, **_usable(values))

    def terraform_id(self, values: Mapping[str, Any], subscription: str) -> str:
        """What Terraform calls it."""
        return (self.id or self.arm).format(subscription=subscription, **_usable(values))

    def parse(self, text: str) -> dict[str, str] | None:
        """The arguments in an id of Terraform's; None when it has another shape, or does not tell where it lies."""
        found = self._pattern.fullmatch(text)
        names = found.groupdict() if found else {}
        return names if set(self.names) <= set(names) else None

    @cached_property
    def names(self) -> list[str]:
        """The arguments that are part of the id."""
        return [name for name in re.findall(r"{(\w+)}", self.arm) if name != "subscription"]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"{(\w+)}", self.id or self.arm)
        # Names that are ids themselves span slashes; all others end at the next separator.
        seen: set[str] = set()
        groups = [_group(name, seen) for name in parts[1::2]]
        literals = [re.escape(part) for part in parts[::2]]
        joined = "".join(one for pair in zip(literals, [*groups, ""], strict=True) for one in pair)
        return re.compile(joined, re.IGNORECASE)


def _group(name: str, seen: set[str]) -> str:
    """What matches a name; when it comes again it is the same."""
    if name in seen:
        return f"(?P={name})"
    seen.add(name)
    return f"(?P<{name}>{'.+' if name.endswith('_id') or name == 'scope' else '[^/|]+'})"


def _usable(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values for a template, and the names of what holds a secret or a blob, for their addresses."""
    vault = str(values.get("key_vault_id")).rsplit("/", 1)[-1]
    container = str(values.get("storage_container_id")).split("/")
    derived = {"vault": vault, "account": container[-5:-4] and container[-5], "container": container[-1]}
    return derived | {name: value for name, value in values.items() if name != "subscription"}


MACHINE = {
    "provision_vm_agent": True, "allow_extension_operations": True, "patch_assessment_mode": "ImageDefault",
    "computer_name": "{name}", "vm_agent_platform_updates_enabled": False,
}  # fmt: skip

KINDS = {
    kind.type: kind
    for kind in (
        Kind("azurerm_bastion_host", NETWORK + "/bastionHosts/{name}"),
        Kind("azurerm_disk_encryption_set", COMPUTE + "/diskEncryptionSets/{name}"),
        Kind("azurerm_image", COMPUTE + "/images/{name}"),
        Kind("azurerm_key_vault", GROUP + "/providers/Microsoft.KeyVault/vaults/{name}"),
        Kind(
            "azurerm_key_vault_access_policy",
            "{key_vault_id}/accessPolicies/{object_id}",
            "{key_vault_id}/objectId/{object_id}",
        ),
        Kind(
            "azurerm_key_vault_certificate",
            "{key_vault_id}/certificates/{name}",
            "https://{vault}.vault.azure.net/certificates/{name}/v1",
        ),
        Kind(
            "azurerm_key_vault_secret",
            "{key_vault_id}/secrets/{name}",
            "https://{vault}.vault.azure.net/secrets/{name}/v1",
        ),
        Kind(
            "azurerm_linux_virtual_machine",
            COMPUTE + "/virtualMachines/{name}",
            filled=MACHINE | {"patch_mode": "ImageDefault", "disable_password_authentication": True},
        ),
        Kind("azurerm_managed_disk", COMPUTE + "/disks/{name}"),
        Kind("azurerm_managed_disk_sas_token", "{managed_disk_id}/grants/sas", "{managed_disk_id}"),
        Kind(
            "azurerm_marketplace_agreement",
            "/subscriptions/{subscription}/providers/Microsoft.MarketplaceOrdering"
            "/agreements/{publisher}/offers/{offer}/plans/{plan}",
        ),
        Kind("azurerm_nat_gateway", NETWORK + "/natGateways/{name}"),
        Kind(
            "azurerm_nat_gateway_public_ip_association",
            "{nat_gateway_id}/associations/address",
            "{nat_gateway_id}|{public_ip_address_id}",
        ),
        Kind("azurerm_network_interface", NETWORK + "/networkInterfaces/{name}"),
        Kind(
            "azurerm_network_interface_security_group_association",
            "{network_interface_id}/associations/rules",
            "{network_interface_id}|{network_security_group_id}",
        ),
        Kind("azurerm_network_security_group", NETWORK + "/networkSecurityGroups/{name}"),
        Kind(
            "azurerm_network_security_rule",
            NETWORK + "/networkSecurityGroups/{network_security_group_name}/securityRules/{name}",
        ),
        Kind("azurerm_orchestrated_virtual_machine_scale_set", COMPUTE + "/virtualMachineScaleSets/{name}"),
        Kind("azurerm_private_endpoint", NETWORK + "/privateEndpoints/{name}"),
        Kind("azurerm_private_link_service", NETWORK + "/privateLinkServices/{name}"),
        Kind("azurerm_public_ip", NETWORK + "/publicIPAddresses/{name}"),
        Kind("azurerm_resource_group", "/subscriptions/{subscription}/resourceGroups/{name}"),
        Kind(
            "azurerm_resource_group_template_deployment",
            GROUP + "/providers/Microsoft.Resources/deployments/{name}",
        ),
        Kind("azurerm_role_assignment", "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"),
        Kind(
            "azurerm_role_definition",
            "{scope}/providers/Microsoft.Authorization/roleDefinitions/{role_definition_id}",
            "{scope}/providers/Microsoft.Authorization/roleDefinitions/{role_definition_id}|{scope}",
        ),
        Kind("azurerm_shared_image", IMAGES + "/{name}"),
        Kind("azurerm_shared_image_gallery", COMPUTE + "/galleries/{name}"),
        Kind("azurerm_shared_image_version", IMAGES + "/{image_name}/versions/{name}"),
        Kind("azurerm_snapshot", COMPUTE + "/snapshots/{name}"),
        Kind("azurerm_storage_account", STORAGE + "/storageAccounts/{name}"),
        Kind(
            "azurerm_storage_blob",
            "{storage_container_id}/blobs/{name}",
            "https://{account}.blob.core.windows.net/{container}/{name}",
        ),
        Kind("azurerm_storage_container", "{storage_account_id}/blobServices/default/containers/{name}"),
        Kind("azurerm_subnet", NETWORK + "/virtualNetworks/{virtual_network_name}/subnets/{name}"),
        Kind("azurerm_subnet_nat_gateway_association", "{subnet_id}/associations/gateway", "{subnet_id}"),
        Kind("azurerm_subnet_network_security_group_association", "{subnet_id}/associations/rules", "{subnet_id}"),
        Kind(
            "azurerm_user_assigned_identity",
            GROUP + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
        ),
        Kind(
            "azurerm_virtual_machine_data_disk_attachment",
            "{virtual_machine_id}/dataDisks/{lun}",
        ),
        Kind("azurerm_virtual_machine_extension", "{virtual_machine_id}/extensions/{name}"),
        Kind("azurerm_virtual_machine_run_command", "{virtual_machine_id}/runCommands/{name}"),
        Kind("azurerm_virtual_network", NETWORK + "/virtualNetworks/{name}"),
        Kind(
            "azurerm_windows_virtual_machine",
            COMPUTE + "/virtualMachines/{name}",
            filled=MACHINE
            | {"patch_mode": "AutomaticByOS", "automatic_updates_enabled": True, "hotpatching_enabled": False},
        ),
    )
}
