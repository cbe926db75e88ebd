"""Where the Terraform state of an Azure workspace is kept. Pure."""

from collections.abc import Mapping

from generator.errors import ImagegenError

NAME = "{name}"  # in a backend: each workspace needs a key of its own
EXAMPLE = f"azurerm:resource_group_name=GROUP,storage_account_name=ACCOUNT,container_name=NAME,key={NAME}.tfstate"
REQUIRED = {"storage_account_name", "container_name", "key"}
# Arguments of the azurerm backend that say where, and none that is a secret (Terraform, "Backend Type: azurerm").
ARGUMENTS = (
    "resource_group_name", "storage_account_name", "container_name", "key", "subscription_id", "tenant_id",
    "use_azuread_auth", "use_oidc", "use_msi", "use_cli",
)  # fmt: skip


def arguments(setting: str, workspace: str) -> tuple[tuple[str, str], ...]:
    """The arguments of Terraform's azurerm backend, sorted; nothing for a local state.

    setting: `azurerm:NAME=VALUE,…`; workspace: its name, which `{name}` in a value stands for. Raises ImagegenError.
    """
    if not setting:
        return ()
    kind, _, rest = setting.partition(":")
    pairs = [part.partition("=") for part in rest.split(",") if part]
    values = {name.strip(): value.strip().replace(NAME, workspace) for name, _, value in pairs}
    if unknown := [value for value in values.values() if "{" in value or "}" in value]:
        raise ImagegenError(f"`{unknown[0]}` has a placeholder that the backend does not know", f"use {NAME}")
    if kind != "azurerm" or set(values) - set(ARGUMENTS) or not set(values) >= REQUIRED:
        raise ImagegenError(f"`{setting}` is not a backend", f"write {EXAMPLE}")
    return tuple(sorted(values.items()))


def location(backend: Mapping[str, str]) -> str:
    """Account, container and blob of a state, "" for a local one. Names of accounts and containers have no case."""
    if not backend:
        return ""
    return "/".join([backend["storage_account_name"].lower(), backend["container_name"].lower(), backend["key"]])
