"""Where the Terraform state of an Azure workspace is kept. Pure."""

from collections.abc import Mapping

from generator.errors import ImagegenError
from generator.settings.kinds import Backend

NAME = "{name}"  # in a backend: each workspace needs a key of its own
EXAMPLE = f"azurerm:resource_group_name=GROUP,storage_account_name=ACCOUNT,container_name=NAME,key={NAME}.tfstate"
REQUIRED = {"storage_account_name", "container_name", "key"}


def arguments(setting: str, workspace: str) -> tuple[tuple[str, str], ...]:
    """The arguments of Terraform's azurerm backend, sorted; nothing for a local state.

    setting: `azurerm:NAME=VALUE,…`; workspace: its name, which `{name}` in a value stands for. Raises ImagegenError.
    """
    if not setting:
        return ()
    kind, _, rest = setting.partition(":")
    pairs = [part.partition("=") for part in rest.split(",") if part]
    values = {name.strip(): value.strip().replace(NAME, workspace) for name, _, value in pairs}
    if kind == "azurerm" and (strange := sorted(set(values) - set(Backend.arguments))):
        raise ImagegenError(
            f"the backend may not have `{strange[0]}`: it says where the state is, and is committed",
            f"give credentials to Terraform by ARM_ variables; known are {', '.join(Backend.arguments)}",
        )
    if unknown := [value for value in values.values() if "{" in value or "}" in value]:
        raise ImagegenError(f"`{unknown[0]}` has a placeholder that the backend does not know", f"use {NAME}")
    if kind != "azurerm" or not set(values) >= REQUIRED:
        raise ImagegenError(f"`{Backend().show(setting)}` is not a backend", f"write {EXAMPLE}")
    return tuple(sorted(values.items()))


def location(backend: Mapping[str, str]) -> str:
    """Account, container and blob of a state, "" for a local one. Names of accounts and containers have no case."""
    if not backend:
        return ""
    return "/".join([backend["storage_account_name"].lower(), backend["container_name"].lower(), backend["key"]])
