"""What the ledger says of images in Azure: each entry is complete, so that no image depends on today's template."""

from typing import Any

from generator.azure import ids
from generator.builder.target import Job
from generator.template.ids import canonical
from generator.workspace.azure import CONTENT_TAG, SOURCE_TAG, TAG_LENGTH, VERSION_TAG, WORKSPACE_TAG
from generator.workspace.blueprint import Azure, Destination
from generator.workspace.ledger import Ledger


def of(job: Job, captured: str, captured_image: str) -> dict[str, Any]:
    """The images of a build by output name. `captured`: the id of its machine; `captured_image`: of the managed image
    in staging, for the definitions that take no machine for a source (FACTS.md 4)."""
    return {
        destination.name: _entry(job, destination, captured, captured_image)
        for destination in job.blueprint.destinations
    }


def _entry(job: Job, destination: Destination, captured: str, captured_image: str) -> dict[str, Any]:
    azure = job.blueprint.azure
    assert azure is not None  # noqa: S101 - decide.py makes it for this target
    ours = {
        WORKSPACE_TAG: azure.id, VERSION_TAG: job.version, CONTENT_TAG: job.content_digest,
        SOURCE_TAG: job.source.exact[:TAG_LENGTH],
    }  # fmt: skip
    resource = canonical(destination.resource) if destination.kind != "VHD" else destination.resource
    entry = {
        "id": resource, "kind": destination.kind, "resource": resource,
        "source_id": captured, "tags": dict(destination.tags) | ours,
    }  # fmt: skip
    if destination.kind == "VHD":
        return entry
    entry |= {
        "location": azure.location, "resource_group": ids.group(destination.resource),
        "subscription_id": ids.subscription(destination.resource),
    }  # fmt: skip
    if destination.kind == "ManagedImage":
        generation = job.source.facts.get("generation", "V2")
        return entry | {"generation": generation, "name": ids.name(destination.resource)}
    if destination.name in job.source.facts.get("image_for", ()):
        entry["source_id"] = captured_image
    return entry | _version(job, destination, azure)


def _version(job: Job, destination: Destination, azure: Azure) -> dict[str, Any]:
    """What only a gallery version has. Without regions it stays in the build's (FACTS.md 16)."""
    names = ids.parts(destination.resource)
    regions = [
        {"name": region.name, "replicas": region.replicas, "storage_account_type": region.storage_account_type}
        for region in destination.regions
    ]
    return {
        "definition": names["images"],
        "end_of_life_date": destination.end_of_life_date or None,
        "exclude_from_latest": destination.exclude_from_latest,
        "gallery": names["galleries"],
        "id": f"{canonical(destination.resource)}/versions/{job.version}",
        "regions": regions or [{"name": azure.location, "replicas": 1, "storage_account_type": "Standard_LRS"}],
        "replication_mode": destination.replication_mode,
        "version": job.version,
    }


def displaced(job: Job, ledger: Ledger) -> list[tuple[str, str]]:
    """The released images, as (version, output), whose place this build takes: managed images and blobs have one name
    for all versions (FACTS.md 10)."""
    taken = {each.resource.lower() for each in job.blueprint.destinations if each.kind != "SharedImage"}
    return [
        (version, output)
        for version in ledger.released()
        for output, image in ledger.images(version).items()
        if image["kind"] != "SharedImage" and image["resource"].lower() in taken
    ]
