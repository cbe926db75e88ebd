"""What a build left in Azure beside its images: finding it, and ending it. Nothing that is not ours is touched."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from generator.azure import ids, staged, vhd
from generator.azure.auth.errors import code_of, is_code, told, unless_missing
from generator.azure.pollers import ended
from generator.azure.session import Session
from generator.builder.events import Events
from generator.errors import ImagegenError
from generator.system import wait
from generator.workspace.azure import BUILD_TAG, UNTIL_TAG, VERSION_TAG, WORKSPACE_TAG
from generator.workspace.blueprint import Azure

MACHINE = "microsoft.compute/virtualmachines"
DISK = "microsoft.compute/disks"
# What staging is made of: when each kind goes, and the version of its API. What holds on to others goes first.
KINDS = {
    MACHINE: (0, "2024-07-01"),
    "microsoft.network/networkinterfaces": (1, "2024-05-01"),
    "microsoft.compute/galleries/images/versions": (1, "2024-03-03"),
    DISK: (1, "2024-03-02"),
    "microsoft.compute/images": (1, "2024-07-01"),
    "microsoft.network/virtualnetworks": (2, "2024-05-01"),
    "microsoft.network/publicipaddresses": (2, "2024-05-01"),
    "microsoft.compute/galleries/images": (2, "2024-03-03"),
    "microsoft.network/networksecuritygroups": (3, "2024-05-01"),
    "microsoft.compute/galleries": (3, "2024-03-03"),
    "microsoft.storage/storageaccounts": (3, "2023-05-01"),
}
# What Azure answers while the end of something else has not sunk in yet; and for how long that is waited for.
IN_USE = (
    "NicInUse", "NicReservedForAnotherVm", "InUseSubnetCannotBeDeleted", "InUseNetworkSecurityGroupCannotBeDeleted",
    "PublicIPAddressCannotBeDeleted", "CannotDeleteResource", "OperationNotAllowed", "AnotherOperationInProgress",
)  # fmt: skip
IN_USE_SECONDS = 240.0
GROUP_SECONDS = 3600.0


def find(session: Session, azure: Azure) -> list[str]:
    """The ids of what staging of this workspace holds: its own group first, else our resources in the user's group."""
    with told(f"looking into the resource group {azure.group}"):
        group: Any = unless_missing(lambda: session.resources().resource_groups.get(azure.group))
        if group is None or (azure.own_group and not _is_ours(group.tags, azure)):
            return []
        return [group.id, *_ours(session, azure)] if azure.own_group else _ours(session, azure)


def end(session: Session, azure: Azure, events: Events, known: Collection[str] | None = None) -> list[str]:
    """End staging, and return what was ended.

    A group of our own goes in one stroke; of a user's group only our resources go, in the order they hang together.
    known: the builds whose staging it may be; None: whosever it is. Raises ImagegenError for a group that is not ours,
    holds a released image, or is of another build that may be under way.
    """
    if azure.own_group:
        with told(f"deleting the resource group {azure.group}"):
            return _end_group(session, azure, events, known)
    with told(f"deleting what the build left in {azure.group}"):
        return _end_resources(session, azure, events, known)


def _refuse_living(session: Session, what: str, tags: Any, known: Collection[str] | None) -> None:
    """Raise ImagegenError for the staging of a build that is not known here and may live, by Azure's clock."""
    token, _, host = (tags or {}).get(BUILD_TAG, "").partition("@")
    if known is None or not token or token in known or _is_over((tags or {}).get(UNTIL_TAG, ""), session):
        return
    raise ImagegenError(
        f"{what} is of a build that was begun in another folder or on another computer ({host or 'unknown'})",
        "wait for its end; if it has died, `imagegen cleanup DIR --others` ends it",
    )


def _is_over(until: str, session: Session) -> bool:
    try:
        return datetime.fromisoformat(until) < session.now()
    except (ValueError, TypeError):  # somebody has changed it
        return False


def _end_group(session: Session, azure: Azure, events: Events, known: Collection[str] | None) -> list[str]:
    groups = session.resources().resource_groups
    group: Any = unless_missing(lambda: groups.get(azure.group))
    if group is None:
        return []
    if not _is_ours(group.tags, azure):
        raise ImagegenError(
            f"the resource group {azure.group} is not of this workspace: it is left as it is",
            "give the template a `stagingResourceGroup` of another name",
        )
    _refuse_living(session, f"the resource group {azure.group}", group.tags, known)
    held = [each.id for each in _listed(session, azure) if VERSION_TAG in (each.tags or {})]
    if held:
        raise ImagegenError(
            f"the staging group holds a released image: {held[0]}", "move it, or distribute to another group"
        )
    events.note(f"deleting the resource group {azure.group}")
    _take_back_addresses(session, azure)
    _delete_group(groups, azure.group)
    return [group.id]


def _take_back_addresses(session: Session, azure: Azure) -> None:
    """An export that died leaves its disk with an address, and Azure deletes no disk that has one."""
    disks = unless_missing(lambda: list(session.compute().disks.list_by_resource_group(azure.group))) or []
    ours = {each.lower() for each in _ours(session, azure)}
    for disk in disks:
        if vhd.is_granted(disk) and disk.id.lower() in ours:
            vhd.revoke(session, disk.id)


def _delete_group(groups: Any, name: str) -> None:
    """Delete a group and wait until it is gone, also when its deletion was begun before."""
    from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - heavy

    machines_at_once = "Microsoft.Compute/virtualMachines"
    try:
        poller = unless_missing(lambda: groups.begin_delete(name, force_deletion_types=machines_at_once))
    except HttpResponseError as error:
        if not is_code(error, "ResourceGroupBeingDeleted"):
            raise
        if not wait.until(lambda: unless_missing(lambda: groups.get(name)) is None, GROUP_SECONDS):
            raise ImagegenError(f"the resource group {name} is not gone yet", "try again later") from error
        return
    if poller is not None:
        ended(poller, GROUP_SECONDS)


def _end_resources(session: Session, azure: Azure, events: Events, known_builds: Collection[str] | None) -> list[str]:
    for each in _listed(session, azure):
        if _is_ours(each.tags, azure) and VERSION_TAG not in each.tags:
            _refuse_living(session, each.id, each.tags, known_builds)
    found = _ours(session, azure)
    _take_back_addresses(session, azure)
    known = sorted((each for each in found if ids.kind(each) in KINDS), key=lambda each: KINDS[ids.kind(each)][0])
    for rank in sorted({rank for rank, _ in KINDS.values()}):
        now = [each for each in known if KINDS[ids.kind(each)][0] == rank]
        for each in now:
            events.note(f"deleting {each}")
        for poller in [_deletion(session, each) for each in now]:
            if poller is not None:
                ended(poller)
    for each in set(found) - set(known):
        events.note(f"left, since it is no part of staging: {each}")
    return known


def _deletion(session: Session, resource_id: str) -> Any:
    """Begin to delete a resource; None when it is gone. What still counts as in use is asked for again."""
    from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - heavy

    deadline = wait.now() + IN_USE_SECONDS
    while True:
        try:
            return unless_missing(lambda: _begun(session, resource_id))
        except HttpResponseError as error:
            if code_of(error) not in IN_USE or wait.now() >= deadline:
                raise
        wait.sleep(wait.LOOK_SECONDS)


def _begun(session: Session, resource_id: str) -> Any:
    kind = ids.kind(resource_id)
    if kind == MACHINE:
        client = session.compute().virtual_machines
        return client.begin_delete(ids.group(resource_id), ids.name(resource_id), force_deletion=True)
    return session.resources().resources.begin_delete_by_id(resource_id, api_version=KINDS[kind][1])


def _ours(session: Session, azure: Azure) -> list[str]:
    """Our resources in the group that are no released images; what is part of a machine goes with it.

    A machine's disk counts as ours whether or not Azure gave it the machine's tags. Where its machine is gone already
    it is known by its name, which has the workspace's hash in it.
    """
    listed = _listed(session, azure)
    tagged = [each.id for each in listed if _is_ours(each.tags, azure) and VERSION_TAG not in each.tags]
    disks = [disk for each in tagged if ids.kind(each) == MACHINE and (disk := _disk_of(session, each))]
    disks += [
        each.id for each in listed if ids.kind(each.id) == DISK and ids.name(each.id).lower() in staged.disks(azure)
    ]
    found = {each.lower(): each for each in [*tagged, *disks] if not ids.kind(each).startswith(f"{MACHINE}/")}
    return list(found.values())


def _disk_of(session: Session, machine_id: str) -> str:
    """The id of a machine's system disk, "" when either is gone."""
    client = session.compute().virtual_machines
    machine: Any = unless_missing(lambda: client.get(ids.group(machine_id), ids.name(machine_id)))
    disk = machine and machine.properties.storage_profile.os_disk.managed_disk
    return str((disk and disk.id) or "")


def _listed(session: Session, azure: Azure) -> list[Any]:
    """What the group holds, whosever it is. Asked for by tag, Azure leaves the tags out of its answer."""
    return unless_missing(lambda: list(session.resources().resources.list_by_resource_group(azure.group))) or []


def _is_ours(tags: Any, azure: Azure) -> bool:
    return bool((tags or {}).get(WORKSPACE_TAG) == azure.id)
