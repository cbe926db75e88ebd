"""A disk to a blob: an address is granted, Azure copies by itself, and the address is taken back.

Through Terraform the address would stand in its state (FACTS.md 19).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from generator.azure import blobs, ids
from generator.azure.auth.errors import is_missing, told, unless_missing
from generator.azure.pollers import ended
from generator.azure.session import Session
from generator.errors import ImagegenError
from generator.system import wait
from generator.workspace.azure import CONTENT_TAG, SOURCE_TAG, VERSION_TAG, WORKSPACE_TAG

FOOTER_BYTES = 512
COOKIE = b"conectix"  # a VHD's footer begins with it (Microsoft, "Virtual Hard Disk Image Format Specification")
NEW = ".new"
# Names of metadata are C# identifiers (Microsoft, "Naming and referencing containers, blobs, and metadata").
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MARKS = {
    blobs.WORKSPACE: WORKSPACE_TAG, blobs.VERSION: VERSION_TAG, "imagegen_content": CONTENT_TAG,
    "imagegen_source": SOURCE_TAG,
}  # fmt: skip
Noted = Callable[[str], None]
PROGRESS_PERCENT = 10  # between two notes


def export(
    session: Session,
    source_id: str,
    uri: str,
    tags: Mapping[str, str],
    on_note: Noted = lambda _text: None,
    *,
    timeout: float = 6 * 3600,
) -> None:
    """Copy a disk, or the system disk of a deallocated machine, to the blob at `uri`.

    tags: the entry's; by two of them the blob is known as ours again. A blob that is there is only replaced when the
    new one is whole. Raises ImagegenError for a copy that fails, or has not ended within `timeout` seconds.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - heavy

    with told(f"exporting the disk to {uri}"):
        disk_id = _disk_of(session, source_id)
        final = blobs.blob(session, uri)
        new = blobs.blob(session, uri + NEW)
        _refuse_others((final, new), tags)
        first = final if unless_missing(final.get_blob_properties) is None else new
        deadline = wait.now() + timeout
        try:
            _copied(first, _grant(session, disk_id, timeout), metadata(tags), on_note, deadline)
        except BaseException:
            with suppress(AzureError):  # what went wrong first is what is told
                revoke(session, disk_id)
            raise
        revoke(session, disk_id)
        if fault := _fault(first):
            raise ImagegenError(f"what was copied is no whole VHD ({fault})", "try again")
        if first is not final:
            _copied(final, first.url, metadata(tags), on_note, deadline)
            first.delete_blob()


def whole(
    session: Session, uri: str, tags: Mapping[str, str], timeout: float, on_note: Noted = lambda _text: None
) -> bool:
    """Whether the blob at `uri` is there, of the version that these tags of its entry name, and whole.

    A new one that was whole when its build was cut off is brought to its place, `timeout` seconds at most: the one
    that it replaces may be half overwritten.
    """
    final, new = blobs.blob(session, uri), blobs.blob(session, uri + NEW)
    with told(f"asking for {uri}"):
        new_is_whole = _is_of(new, tags) and not _fault(new)
        if not _is_of(final, tags) or _fault(final):
            if not new_is_whole:
                return False
            _copied(final, new.url, metadata(tags), on_note, wait.now() + timeout)
        if new_is_whole:
            new.delete_blob()
        return True


def discard(session: Session, uri: str, tags: Mapping[str, str], on_note: Noted = lambda _text: None) -> None:
    """Delete the blob at `uri`, and a new one that did not come to its place, as far as they are of the version that
    these tags of an entry name. A stranger's blob is left as it is, and told of."""
    for blob in (blobs.blob(session, uri), blobs.blob(session, uri + NEW)):
        there = unless_missing(blob.get_blob_properties)
        if there is None:
            continue
        if not blobs.is_ours(there, tags.get(WORKSPACE_TAG, "")):
            on_note(f"{blob.url} is not of this workspace: it is left as it is")
            continue
        if _is_of(blob, tags):
            if there.copy.status == "pending":
                _give_up(blob, there.copy.id)
            blob.delete_blob(delete_snapshots="include")


def _refuse_others(found: Iterable[Any], tags: Mapping[str, str]) -> None:
    """Raise ImagegenError for a blob that somebody else has put there since the check."""
    for blob in found:
        there = unless_missing(blob.get_blob_properties)
        if there is not None and not blobs.is_ours(there, tags.get(WORKSPACE_TAG, "")):
            raise ImagegenError(f"{blob.url} is not of this workspace", "name another blob, or delete it")


def _is_of(blob: Any, tags: Mapping[str, str]) -> bool:
    """Whether a blob is there and of an entry's version: it has one name for all versions."""
    there = unless_missing(blob.get_blob_properties)
    marks = blobs.mark(tags.get(WORKSPACE_TAG, ""), tags.get(VERSION_TAG, ""))
    return there is not None and marks.items() <= (there.metadata or {}).items()


def metadata(tags: Mapping[str, str]) -> dict[str, str]:
    """What a blob carries of an entry's tags: ours, and those whose names metadata can have."""
    kept = {name: value for name, value in tags.items() if _NAME.fullmatch(name) and value.isascii()}
    ours = {name: tags[tag] for name, tag in MARKS.items() if tags.get(tag)}
    return kept | {name: value for name, value in ours.items() if value.isascii()}


def tags_of(session: Session, uri: str) -> dict[str, str]:
    """Our tags of a whole blob, which its metadata has; none of one that is missing or not whole."""
    with told(f"looking at {uri}"):
        there: Any = unless_missing(lambda: blobs.blob(session, uri).get_blob_properties())
        if there is None or _fault(blobs.blob(session, uri)):
            return {}
    found = there.metadata or {}
    return {tag: found[name] for name, tag in MARKS.items() if name in found}


def is_granted(disk: Any) -> bool:
    """Whether an address of a disk is out: then it can be neither granted again nor deleted."""
    return ids.text(disk.properties.disk_state) in ("ActiveSAS", "ActiveSASFrozen")


def _disk_of(session: Session, source_id: str) -> str:
    """The id of a machine's system disk; a disk's own."""
    if "virtualmachines" not in ids.parts(source_id):
        return source_id
    machine: Any = session.compute(ids.subscription(source_id)).virtual_machines.get(
        ids.group(source_id), ids.name(source_id)
    )
    return str(machine.properties.storage_profile.os_disk.managed_disk.id)


def _grant(session: Session, disk_id: str, seconds: float) -> str:
    """An address that reads the disk. One of a run that died is taken back first: a disk has one at a time."""
    disks = session.compute(ids.subscription(disk_id)).disks
    where = (ids.group(disk_id), ids.name(disk_id))
    disk: Any = disks.get(*where)
    if is_granted(disk):
        revoke(session, disk_id)
    wanted: Any = {"access": "Read", "durationInSeconds": int(seconds) + 600}
    granted = ended(disks.begin_grant_access(*where, wanted))
    if not granted.access_sas:
        raise ImagegenError("Azure gave no address for the disk", "is the machine deallocated?")
    return str(granted.access_sas)


def revoke(session: Session, disk_id: str) -> None:
    """Take the address of a disk back, if it has one. Raises what Azure's client raises."""
    disks = session.compute(ids.subscription(disk_id)).disks
    ended(disks.begin_revoke_access(ids.group(disk_id), ids.name(disk_id)))


def _copied(blob: Any, source: str, marks: dict[str, str], on_note: Noted, deadline: float) -> None:
    """Have Azure copy to a blob, and wait for the end. A copy of a run that died is given up first."""
    there = unless_missing(blob.get_blob_properties)
    if there is not None and there.copy.status == "pending":
        blob.abort_copy(there.copy.id)
    blob.start_copy_from_url(source, metadata=marks)
    told_of = 0
    while True:
        copy = blob.get_blob_properties().copy
        percent = _percent(copy.progress)
        if percent >= told_of + PROGRESS_PERCENT:
            told_of = percent
            on_note(f"copied {percent} % to {blob.blob_name}")
        if copy.status == "success":
            return
        if copy.status != "pending":
            raise ImagegenError(
                f"the copy ended as {copy.status}: {copy.status_description or 'Azure says no more'}", "try again"
            )
        if wait.now() >= deadline:
            _give_up(blob, copy.id)
            raise ImagegenError("the copy of the disk did not end in time", "raise buildTimeoutInMinutes")
        wait.sleep(wait.LOOK_SECONDS)


def _percent(progress: str | None) -> int:
    """`bytes/bytes` in percent."""
    done, _, whole = (progress or "").partition("/")
    return int(done) * 100 // int(whole) if done.isdecimal() and whole.isdecimal() and int(whole) else 0


def _give_up(blob: Any, copy_id: str) -> None:
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - heavy

    with suppress(AzureError):
        blob.abort_copy(copy_id)


def _fault(blob: Any) -> str:
    """What is wrong with a blob that should be a whole VHD: copied to its end, whole pages, the last of them a footer.
    "" for nothing."""
    from azure.core.exceptions import HttpResponseError  # noqa: PLC0415

    properties = blob.get_blob_properties()
    size, kind = properties.size, ids.text(properties.blob_type)
    if properties.copy.status not in (None, "success"):
        return f"its copy is {properties.copy.status}"
    try:
        footer = blob.download_blob(max(0, size - FOOTER_BYTES), FOOTER_BYTES).readall()
    except HttpResponseError as error:
        if not is_missing(error) and error.status_code != 416:
            raise
        footer = b""
    whole_pages = kind == "PageBlob" and size % FOOTER_BYTES == 0
    return "" if whole_pages and footer.startswith(COOKIE) else f"{kind}, {size} bytes"
