"""Images that exist: whether they are whole, and how they go."""

from collections.abc import Callable, Mapping
from typing import Any

from generator.azure import ids, vhd
from generator.azure.auth.errors import told, unless_missing
from generator.azure.pollers import ended
from generator.azure.session import Session
from generator.errors import ImagegenError
from generator.system import wait
from generator.workspace.azure import VERSION_TAG, WORKSPACE_TAG

# Replication takes minutes to hours: it is asked for at this distance, in seconds.
LOOK_SECONDS = 20.0
# Azure may not show yet what it has just begun to make: "is not there" is believed when it was said so often.
LATE_LOOKS = 4
LATE_SECONDS = 5.0
MOVING = ("Creating", "Updating", "Deleting", "Migrating")
Noted = Callable[[str], None]


def _settle_version(session: Session, image: Mapping[str, Any], timeout: float, on_note: Noted) -> bool:
    """See `whole`. The version may be what a failed or interrupted Terraform run has made. One that is not of the
    entry's workspace was made by somebody else meanwhile, and is left as it is."""
    version_id = image["id"]
    with told(f"asking for {version_id}"):
        found = _ended(session, version_id, timeout, on_note)
        if found is None or not _is_of(found, image):
            return False
        if _is_whole(found):
            return True
        on_note(f"version {found.name} had failed ({_why(found)}): it is deleted")
        _delete_version(session, version_id)
        return False


def whole(session: Session, image: Mapping[str, Any], timeout: float, on_note: Noted = lambda _text: None) -> bool:
    """Whether the image that a ledger entry names exists, is of its workspace and version, and is complete.

    One on its way is waited for, `timeout` seconds at most; a failed one of ours is deleted, so that it can be made
    again. Raises ImagegenError when it is not settled in that time.
    """
    where = image["id"]
    match image["kind"]:
        case "SharedImage":
            return _settle_version(session, image, timeout, on_note)
        case "ManagedImage":
            with told(f"asking for {where}"):
                return _settle_managed(session, image, timeout)
    return vhd.whole(session, where, image["tags"], timeout, on_note)


def as_made(session: Session, image: Mapping[str, Any]) -> dict[str, Any]:
    """The ledger entry of an image that is whole, with the regions of a gallery version in the order in which Azure
    shows them. azurerm takes `target_region` for a list, and would show a change in every plan otherwise (5.2.0,
    internal/services/compute/shared_image_version_resource.go)."""
    if image["kind"] != "SharedImage":
        return dict(image)
    with told(f"asking for {image['id']}"):
        found = _get(session, image["id"])
    profile = found and found.properties.publishing_profile
    shown = [ids.region(each.name) for each in (profile and profile.target_regions) or ()]
    order = {name: place for place, name in enumerate(shown)}
    regions = sorted(image["regions"], key=lambda region: order.get(ids.region(region["name"]), len(order)))
    return dict(image) | {"regions": regions}


def _settle_managed(session: Session, image: Mapping[str, Any], timeout: float) -> bool:
    """See `whole`. A managed image has one name for all versions too."""
    images = session.compute(ids.subscription(image["id"])).images

    def ask() -> Any:
        return _late(lambda: unless_missing(lambda: images.get(ids.group(image["id"]), ids.name(image["id"]))))

    found: Any = None

    def is_settled() -> bool:
        nonlocal found
        found = ask()
        return found is None or found.properties.provisioning_state not in MOVING

    if not wait.until(is_settled, timeout):
        raise ImagegenError(
            f"{image['id']} is not whole after {timeout / 60:.0f} min", "run `imagegen apply DIR` again later"
        )
    if found is None or not _is_of(found, image):
        return False
    if found.properties.provisioning_state == "Succeeded":
        return True
    retire(session, image)
    return False


def _is_of(found: Any, image: Mapping[str, Any]) -> bool:
    """Whether an image is of the workspace and the version of a ledger entry."""
    has, wanted = found.tags or {}, image["tags"]
    return all(tag in wanted and has.get(tag) == wanted[tag] for tag in (WORKSPACE_TAG, VERSION_TAG))


def _ended(session: Session, version_id: str, timeout: float, on_note: Noted) -> Any:
    """A version once nothing happens to it any more, None when there is none."""
    deadline = wait.now() + timeout
    said = ""
    while True:
        found = _late(lambda: _get(session, version_id))
        if found is None or not _is_moving(found):
            return found
        if (progress := _progress(found)) != said:
            said = progress
            on_note(f"version {found.name}: {progress}")
        if wait.now() >= deadline:
            raise ImagegenError(
                f"{version_id} is not whole after {timeout / 60:.0f} min: {progress}",
                "Azure continues on its own: run `imagegen apply DIR` again later",
            )
        wait.sleep(LOOK_SECONDS)


def _late(ask: Callable[[], Any]) -> Any:
    """What Azure shows, maybe late; None when it goes on showing nothing."""
    for _ in range(LATE_LOOKS - 1):
        if (found := ask()) is not None:
            return found
        wait.sleep(LATE_SECONDS)
    return ask()


def _get(session: Session, version_id: str) -> Any:
    names = ids.parts(version_id)
    versions = session.compute(names["subscriptions"]).gallery_image_versions
    where = (names["resourcegroups"], names["galleries"], names["images"], names["versions"])
    return unless_missing(lambda: versions.get(*where, expand="ReplicationStatus"))


def _is_moving(found: Any) -> bool:
    """Whether Azure still works on it. An aggregated state is missing from versions without replication status."""
    state = found.properties.provisioning_state
    return state in MOVING or (state == "Succeeded" and _aggregated(found) in ("InProgress", "Unknown"))


def _is_whole(found: Any) -> bool:
    return found.properties.provisioning_state == "Succeeded" and _aggregated(found) == "Completed"


def _aggregated(found: Any) -> str:
    status = found.properties.replication_status
    return ids.text(status and status.aggregated_state) or "Completed"


def _regions(found: Any) -> list[Any]:
    status = found.properties.replication_status
    return list((status and status.summary) or ())


def _progress(found: Any) -> str:
    shown = [f"{each.region} {ids.text(each.state)} {each.progress or 0} %" for each in _regions(found)]
    return ", ".join(shown) or ids.text(found.properties.provisioning_state)


def _why(found: Any) -> str:
    failed = [
        f"{each.region}: {each.details or ids.text(each.state)}" for each in _regions(found) if each.state == "Failed"
    ]
    return ", ".join(failed) or f"Azure's state is {ids.text(found.properties.provisioning_state)}"


def retire(session: Session, image: Mapping[str, Any], on_note: Noted = lambda _text: None) -> None:
    """Delete what a ledger entry names: a gallery version, a managed image or a blob. One that is gone is fine; one of
    another version or workspace that has come in its place is left alone, and told of."""
    where, tags = image["id"], image["tags"]
    with told(f"deleting {where}"):
        match image["kind"]:
            case "SharedImage":
                there = _get(session, where)
                if there is not None and _is_left(there, image, on_note):
                    _delete_version(session, where)
            case "ManagedImage":
                images = session.compute(ids.subscription(where)).images
                there = unless_missing(lambda: images.get(ids.group(where), ids.name(where)))
                if there is not None and _is_left(there, image, on_note):
                    ended(images.begin_delete(ids.group(where), ids.name(where)))
            case _:
                vhd.discard(session, where, tags, on_note)


def _is_left(there: Any, image: Mapping[str, Any], on_note: Noted) -> bool:
    """Whether it is what the entry names, and is to go."""
    if _is_of(there, image):
        return True
    on_note(f"{image['id']} is not of this version of this workspace: it is left as it is")
    return False


def _delete_version(session: Session, version_id: str) -> None:
    """Delete a gallery version, and wait until it is gone: for a while Azure goes on showing it."""
    names = ids.parts(version_id)
    versions = session.compute(names["subscriptions"]).gallery_image_versions
    where = (names["resourcegroups"], names["galleries"], names["images"], names["versions"])
    ended(versions.begin_delete(*where))
    if not wait.until(lambda: _get(session, version_id) is None, seconds=600):
        raise ImagegenError(f"{version_id} is still there after its deletion", "try again in some minutes")
