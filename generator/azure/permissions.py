"""The actions that a build needs in Azure: one table, from which `examples/roles`, `doctor` and the tests take theirs.

What a resource type requests is from azurerm 5.2.0 (internal/services, `Create`, `Read` and `Delete` of each resource):
Create asks first whether the resource exists, and Read follows it. Names of actions are those of Microsoft's "Azure
permissions". Long operations are polled at a URL of the provider's own, which takes a right of its own (Microsoft,
"Track asynchronous Azure operations", permission for tracking async status).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from generator.azure import ids
from generator.azure.session import Session
from generator.workspace import context
from generator.workspace.blueprint import Azure, Blueprint

PERMISSIONS_VERSION = "2022-04-01"  # of Microsoft.Authorization

# Where a right is needed: on the subscription, in the staging group (with a group of the build's own: in the
# subscription), or on what the template names.
Place = Literal["subscription", "staging", "subnet", "identity", "source", "gallery", "managed image", "blob", "state"]
When = Callable[[Blueprint, Azure], bool]
COMPUTE, NETWORK, STORAGE = "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage/storageAccounts"
GROUP = "Microsoft.Resources/subscriptions/resourceGroups"
MACHINE, BLOBS = f"{COMPUTE}/virtualMachines", f"{STORAGE}/blobServices/containers/blobs"
POLL_COMPUTE = (f"{COMPUTE}/locations/operations/read",)
POLL_DISKS = (f"{COMPUTE}/locations/diskOperations/read",)
POLL_GALLERIES = (f"{COMPUTE}/locations/capsOperations/read",)
POLL_NETWORK = (f"{NETWORK}/locations/operations/read", f"{NETWORK}/locations/operationResults/read")
POLL_STORAGE = ("Microsoft.Storage/operations/read",)
POLL_GROUPS = ("Microsoft.Resources/subscriptions/operationresults/read",)


def _of(resource: str, *verbs: str) -> tuple[str, ...]:
    return tuple(f"{resource}/{verb}" for verb in verbs or ("read", "write", "delete"))


def _always(_blueprint: Blueprint, _azure: Azure) -> bool:
    return True


def _builds(blueprint: Blueprint, _azure: Azure) -> bool:
    return not blueprint.source_validation_only


def _own_group(_blueprint: Blueprint, azure: Azure) -> bool:
    return azure.own_group


def _own_network(_blueprint: Blueprint, azure: Azure) -> bool:
    return not azure.subnet_id


def _subnet(_blueprint: Blueprint, azure: Azure) -> bool:
    return bool(azure.subnet_id)


def _linux(_blueprint: Blueprint, azure: Azure) -> bool:
    return azure.system == "linux"


def _windows(_blueprint: Blueprint, azure: Azure) -> bool:
    return azure.system == "windows"


def _run_commands(_blueprint: Blueprint, azure: Azure) -> bool:
    return azure.communicator == "run-command"


def _over_ssh(_blueprint: Blueprint, azure: Azure) -> bool:
    return azure.communicator == "ssh"


def _extension(_blueprint: Blueprint, azure: Azure) -> bool:
    return azure.communicator == "extension"


def _uploads(blueprint: Blueprint, _azure: Azure) -> bool:
    return context.uploads(blueprint)


def _to(kind: str) -> When:
    return lambda blueprint, _azure: any(one.kind == kind for one in blueprint.destinations)


def _from(kind: str) -> When:
    return lambda blueprint, _azure: blueprint.source.kind == kind


@dataclass(frozen=True)
class Need:
    """A row: the resource type of azurerm, or the SDK client and its methods; the place; the actions; and when a build
    has it. `data`: the actions are data actions."""

    what: str
    place: Place
    actions: tuple[str, ...]
    when: When = _always
    data: bool = False


_VM = (
    *_of(MACHINE), *_of(f"{COMPUTE}/disks"), *_of(f"{NETWORK}/networkInterfaces", "read", "join/action"),
    *_of(f"{NETWORK}/publicIPAddresses", "read"), *POLL_COMPUTE, *POLL_DISKS,
)  # fmt: skip
TABLE = (
    Need("azurerm_resource_group", "staging", (*_of(GROUP), *POLL_GROUPS), _own_group),
    # The subnet is inline and is written with the network: its action adds no right.
    Need(
        "azurerm_virtual_network", "staging",
        (*_of(f"{NETWORK}/virtualNetworks"), f"{NETWORK}/virtualNetworks/subnets/write", *POLL_NETWORK), _own_network,
    ),
    Need("azurerm_network_security_group", "staging", _of(f"{NETWORK}/networkSecurityGroups"), _own_network),
    Need("azurerm_public_ip", "staging", _of(f"{NETWORK}/publicIPAddresses"), _own_network),
    Need("azurerm_network_interface", "staging", (*_of(f"{NETWORK}/networkInterfaces"), *POLL_NETWORK)),
    Need(
        "azurerm_network_interface", "staging",
        (f"{NETWORK}/publicIPAddresses/join/action", f"{NETWORK}/virtualNetworks/subnets/join/action"), _own_network,
    ),
    Need("azurerm_network_interface", "subnet", (f"{NETWORK}/virtualNetworks/subnets/join/action",), _subnet),
    Need(
        "azurerm_network_interface_security_group_association", "staging",
        (*_of(f"{NETWORK}/networkInterfaces", "read", "write"), f"{NETWORK}/networkSecurityGroups/join/action"),
        _own_network,
    ),
    Need("azurerm_linux_virtual_machine", "staging", _VM, _linux),
    Need("azurerm_windows_virtual_machine", "staging", _VM, _windows),
    Need(
        "azurerm_linux_virtual_machine", "identity",
        ("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",),
        lambda _blueprint, azure: bool(azure.identities),
    ),
    Need("azurerm_virtual_machine_run_command", "staging", _of(f"{MACHINE}/runCommands"), _run_commands),
    Need("azurerm_virtual_machine_extension", "staging", _of(f"{MACHINE}/extensions"), _extension),
    # The SSH host keys of a VM that does not print them to its serial console (azure/hostkeys.py).
    Need(
        "virtual_machine_run_commands begin_create_or_update, get, begin_delete", "staging",
        _of(f"{MACHINE}/runCommands"), _over_ssh,
    ),
    # azurerm's read also lists the account's keys, and continues where that is refused. The role leaves `listKeys`
    # out, since the keys would end up in the state.
    Need(
        "azurerm_storage_account", "staging",
        (*_of(STORAGE), f"{STORAGE}/blobServices/read", f"{STORAGE}/fileServices/read", *POLL_STORAGE), _uploads,
    ),
    # What the captured VM becomes on its way.
    Need("azurerm_image", "staging", _of(f"{COMPUTE}/images"), _builds),
    Need("azurerm_shared_image_gallery", "staging", (*_of(f"{COMPUTE}/galleries"), *POLL_GALLERIES), _builds),
    Need("azurerm_shared_image", "staging", _of(f"{COMPUTE}/galleries/images"), _builds),
    Need("azurerm_shared_image_version", "staging", _of(f"{COMPUTE}/galleries/images/versions"), _builds),
    # What is released.
    Need("azurerm_image", "managed image", (*_of(f"{COMPUTE}/images"), *POLL_COMPUTE), _to("ManagedImage")),
    Need(
        "azurerm_shared_image_version", "gallery", (*_of(f"{COMPUTE}/galleries/images/versions"), *POLL_GALLERIES),
        _to("SharedImage"),
    ),
    # The SDK's calls.
    Need("subscriptions get", "subscription", ("Microsoft.Resources/subscriptions/read",)),
    Need("providers get", "subscription", ("Microsoft.Resources/subscriptions/providers/read",)),
    Need("resource_skus list, usage list", "subscription", _of(COMPUTE, "skus/read", "locations/usages/read")),
    Need(
        "virtual_machine_images list, get", "subscription",
        (f"{COMPUTE}/locations/publishers/artifacttypes/offers/skus/versions/read",), _from("PlatformImage"),
    ),
    Need(
        "marketplace agreements get, put", "subscription",
        _of("Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements", "read", "write"),
        lambda blueprint, _azure: bool(blueprint.source.plan),
    ),
    Need(
        "community_gallery_images, shared_gallery_images and their versions", "subscription",
        tuple(
            f"{COMPUTE}/locations/{kind}Galleries/images/{what}"
            for kind in ("community", "shared")
            for what in ("read", "versions/read")
        ),
        lambda blueprint, _azure: bool(blueprint.source.id) and not ids.parts(blueprint.source.id).get("subscriptions"),
    ),
    Need("images get", "source", (f"{COMPUTE}/images/read",), _from("ManagedImage")),
    Need(
        "gallery_images get, gallery_image_versions list", "source",
        _of(f"{COMPUTE}/galleries/images", "read", "versions/read"),
        lambda blueprint, _azure: "galleries" in ids.parts(blueprint.source.id),
    ),
    Need("resource_groups get, resources list", "staging", _of(GROUP, "read", "resources/read")),
    Need("resource_groups get", "managed image", _of(GROUP, "read"), _to("ManagedImage")),
    Need("disks list, begin_revoke_access", "staging", _of(f"{COMPUTE}/disks", "read", "endGetAccess/action")),
    Need("disks begin_grant_access", "staging", _of(f"{COMPUTE}/disks", "beginGetAccess/action"), _to("VHD")),
    Need(
        "virtual_machines get, instance_view, begin_deallocate, generalize, retrieve_boot_diagnostics_data", "staging",
        _of(
            MACHINE, "read", "instanceView/read", "deallocate/action", "generalize/action",
            "retrieveBootDiagnosticsData/action",
        ),
    ),
    Need("virtual_machines begin_restart", "staging", _of(MACHINE, "restart/action"), _windows),
    Need("galleries get, gallery_images get", "gallery", _of(f"{COMPUTE}/galleries", "read", "images/read"),
         _to("SharedImage")),
    Need(
        "storage: containers, user delegation keys", "staging",
        (f"{STORAGE}/blobServices/containers/write", f"{STORAGE}/blobServices/generateUserDelegationKey/action"),
        _uploads,
    ),
    Need("storage: blobs of uploads", "staging", _of(BLOBS), _uploads, data=True),
    Need("storage: the container of a VHD", "blob", (f"{STORAGE}/blobServices/containers/read",), _to("VHD")),
    Need("storage: the blob of a VHD", "blob", _of(BLOBS), _to("VHD"), data=True),
    Need(
        "storage: the state by key", "state", _of(STORAGE, "read", "listKeys/action"),
        lambda _blueprint, azure: bool(azure.backend) and not _by_login(azure),
    ),
    Need(
        "storage: the state by login", "state", _of(BLOBS),
        lambda _blueprint, azure: bool(azure.backend) and _by_login(azure), data=True,
    ),
)  # fmt: skip
# `doctor` asks for the rights at each place.
PERMISSIONS = "Microsoft.Authorization/permissions/read"


def _granted(rows: Iterable[Need]) -> tuple[str, ...]:
    return tuple(sorted({action for row in rows for action in row.actions}))


# A role in a whole subscription must not open every account there: rights to the state are given on its account.
ACTIONS = tuple(sorted({*_granted(row for row in TABLE if not row.data and row.place != "state"), PERMISSIONS}))
DATA_ACTIONS = _granted(row for row in TABLE if row.data)
# What is read in the subscription, whatever group a build is in.
LOOKUPS = tuple(sorted({*_granted(row for row in TABLE if row.place == "subscription"), PERMISSIONS}))


def _by_login(azure: Azure) -> bool:
    """Whether the state's account is entered by the login rather than by its key (azure/lease.py has the rule)."""
    backend = dict(azure.backend)
    return backend.get("use_azuread_auth", "").lower() in ("1", "true") or "resource_group_name" not in backend


def needed(blueprint: Blueprint, azure: Azure, place: Place) -> tuple[str, ...]:
    """The actions, data actions among them, that a build needs at a place; empty where it needs nothing there."""
    return _granted(row for row in TABLE if row.place == place and row.when(blueprint, azure))


def types(blueprint: Blueprint, azure: Azure) -> set[str]:
    """The resource types of azurerm that a build makes."""
    return {row.what for row in TABLE if row.what.startswith("azurerm_") and row.when(blueprint, azure)}


def roles() -> dict[str, dict[str, Any]]:
    """The custom roles of examples/roles, by file name: all that a build needs, and the part of it that is read in the
    subscription."""
    return {
        "imagegen.json": _role(
            "imagegen", "Builds images with imagegen: staging, the machine, images and their galleries.",
            ACTIONS, DATA_ACTIONS,
        ),
        "imagegen-lookups.json": _role(
            "imagegen lookups", "What imagegen reads in a subscription: sources, sizes, quotas, terms.", LOOKUPS, (),
        ),
    }  # fmt: skip


def _role(name: str, description: str, actions: Iterable[str], data_actions: Iterable[str]) -> dict[str, Any]:
    return {
        "Name": name, "IsCustom": True, "Description": description, "Actions": list(actions), "NotActions": [],
        "DataActions": list(data_actions), "NotDataActions": [],
        "AssignableScopes": ["/subscriptions/00000000-0000-0000-0000-000000000000"],
    }  # fmt: skip


def missing(session: Session, scope: str, needed: Iterable[str]) -> list[str]:
    """Those of the needed actions that the credential may not do at a scope. Raises what Azure's client raises.

    Data actions are among the needed where they name blobs.
    """
    granted = session.arm("GET", f"{scope}/providers/Microsoft.Authorization/permissions", PERMISSIONS_VERSION)
    return [action for action in needed if not any(_allows(each, action) for each in granted.get("value", []))]


def _allows(permission: Mapping[str, Any], action: str) -> bool:
    kind = "DataActions" if action in DATA_ACTIONS else "Actions"
    given = permission.get(kind[0].lower() + kind[1:]) or []
    taken = permission.get(f"not{kind}") or []
    return any(matches(each, action) for each in given) and not any(matches(each, action) for each in taken)


def matches(pattern: str, action: str) -> bool:
    """Whether an action is one of a role's pattern: `*` stands for anything, and case does not count."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None
