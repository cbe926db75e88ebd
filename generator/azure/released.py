"""The releases that Azure itself knows of, by the tags of gallery versions, managed images and blobs.

A ledger entry that was lost with the computer that made it is written again from this.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from generator.azure import destinations, entries, ids, vhd
from generator.azure.auth.errors import told, unless_missing
from generator.azure.session import Session
from generator.builder.target import Job, Resolved
from generator.workspace.azure import CONTENT_TAG, SOURCE_TAG, VERSION_TAG, WORKSPACE_TAG
from generator.workspace.blueprint import Blueprint, Destination
from generator.workspace.ledger import SCHEMA, Release
from generator.workspace.versions import is_version


def find(session: Session, blueprint: Blueprint, workspace: Path) -> dict[str, Release]:
    """The releases of a workspace by version, each with the images that exist and are complete."""
    found: dict[str, Release] = {}
    for destination in blueprint.destinations:
        for version, image, made in _images(session, blueprint, workspace, destination):
            release = found.setdefault(version, {
                "content": image["tags"].get(CONTENT_TAG, ""), "images": {}, "schema": SCHEMA,
                "source": image["tags"].get(SOURCE_TAG, ""), "status": "released", "time": made, "version": version,
            })  # fmt: skip
            release["images"][destination.name] = image
    return found


def _images(
    session: Session, blueprint: Blueprint, workspace: Path, destination: Destination
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The images at a destination: version, ledger entry, time."""
    assert blueprint.azure is not None  # noqa: S101 - of this target
    for shown, tags, made in _shown(session, destination):
        version = tags.get(VERSION_TAG, "")
        if tags.get(WORKSPACE_TAG) != blueprint.azure.id or not is_version(version):
            continue
        job = Job(
            workspace, blueprint, version, workspace, tags.get(CONTENT_TAG, ""), Resolved(tags.get(SOURCE_TAG, ""))
        )
        entry = entries.of(job, "", "")[destination.name] | {"tags": tags}
        yield version, entry | (_as_made(shown) if destination.kind != "VHD" else {}), made


def _shown(session: Session, destination: Destination) -> list[tuple[Any, dict[str, str], str]]:
    """What Azure shows of the whole images at a destination: itself, its tags, and when it was made."""
    compute = session.compute(ids.subscription(destination.resource)) if destination.kind != "VHD" else None
    with told(f"looking for images at {destination.resource}"):
        match destination.kind:
            case "SharedImage":
                return [
                    (each, dict(each.tags or {}), _time(each.properties.publishing_profile.published_date))
                    for each in destinations.list_versions(session, destination)
                    if each.properties.provisioning_state == "Succeeded"
                ]
            case "ManagedImage":
                where = (ids.group(destination.resource), ids.name(destination.resource))
                image: Any = unless_missing(lambda: compute and compute.images.get(*where))
                whole = image is not None and image.properties.provisioning_state == "Succeeded"
                return [(image, dict(image.tags or {}), "")] if whole else []
            case _:
                tags = vhd.tags_of(session, destination.resource)
                return [(None, tags, "")] if tags else []


def _as_made(shown: Any) -> dict[str, Any]:
    """What a ledger entry says of an image, as Azure has it: the template may say something else by now."""
    properties = shown.properties
    if not hasattr(properties, "publishing_profile"):
        source = properties.source_virtual_machine
        return {
            "generation": ids.text(properties.hyper_v_generation) or "V1", "location": shown.location,
            "source_id": (source and source.id) or "",
        }  # fmt: skip
    profile, source = properties.publishing_profile, properties.storage_profile.source
    end = profile.end_of_life_date
    return {
        "end_of_life_date": end.isoformat().replace("+00:00", "Z") if end else None,
        "exclude_from_latest": bool(profile.exclude_from_latest),
        "location": shown.location,
        "regions": [
            {
                "name": region.name, "replicas": region.regional_replica_count or 1,
                "storage_account_type": ids.text(region.storage_account_type) or "Standard_LRS",
            }
            for region in profile.target_regions or ()
        ],
        "replication_mode": ids.text(profile.replication_mode) or "Full",
        "source_id": (source and (source.virtual_machine_id or source.id)) or "",
    }  # fmt: skip


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
