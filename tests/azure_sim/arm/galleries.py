"""Galleries: how far a version is replicated, and galleries of others that are read by location and name."""

from collections.abc import Mapping
from typing import Any

from tests.azure_sim.arm import shapes
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.pages import page
from tests.azure_sim.arm.web import Answer, Request, shown
from tests.azure_sim.contents import Resource
from tests.azure_sim.errors import CloudError

Parts = Mapping[str, str]


def expanded(arm: Arm, record: Resource, body: shapes.Body, expand: str) -> shapes.Body:
    """A version; with `$expand=ReplicationStatus` where it is by now.

    The hook `replication` counts down: as many reads of the status say that it still goes on.
    """
    if "replicationstatus" not in expand:
        return body
    left = arm.cloud.hook("replication")
    if left > 0:
        arm.cloud.set(replication=left - 1)
    creating = record["properties"]["provisioningState"] in ("Creating", "Updating")
    failing = [one.replace(" ", "").lower() for one in arm.cloud.hook("replication_fails")]
    summary = []
    for one in body["properties"].get("publishingProfile", {}).get("targetRegions") or []:
        state = "Replicating" if left or creating else "Completed"
        if state == "Completed" and one["name"].replace(" ", "").lower() in failing:
            state = "Failed"
        details = "Replication failed in this region." if state == "Failed" else ""
        summary.append(
            {"region": one["name"], "state": state, "details": details, "progress": 100 if state == "Completed" else 50}
        )
    states = {one["state"] for one in summary} | {record["properties"]["provisioningState"]}
    whole = "InProgress" if "Replicating" in states else "Failed" if "Failed" in states else "Completed"
    body["properties"]["replicationStatus"] = {"aggregatedState": whole, "summary": summary}
    return body


def public(arm: Arm, request: Request, parts: Parts) -> Answer:
    """A community or shared gallery, its images and their versions.

    They are in the hook `galleries`: `community/NAME` or `shared/NAME` to images by name, each with any of `os`,
    `generation`, `architecture`, `security`, `plan`, `versions`.
    """
    kind, gallery = parts["kind"].lower(), parts["gallery"]
    images = arm.cloud.hook("galleries").get(f"{kind}/{gallery}")
    if images is None:
        raise CloudError(404, "GalleryNotFound", f"The gallery '{gallery}' was not found.")
    unique = f"/{kind.capitalize()}Galleries/{gallery}"
    depth = request.path.rstrip("/").lower().rpartition("galleries/")[2].count("/")
    if depth == 0:
        return shown(_named(gallery, parts, unique, {}))
    if depth == 1:
        return page(arm, request, [_image(name, one, parts, unique) for name, one in images.items()])
    image = images.get(parts["image"])
    if image is None:
        raise CloudError(404, "GalleryImageNotFound", f"The gallery image '{parts['image']}' was not found.")
    place = f"{unique}/Images/{parts['image']}"
    if depth == 2:
        return shown(_image(parts["image"], image, parts, unique))
    versions = image.get("versions", ["1.0.0"])
    if depth == 3:
        return page(arm, request, [_version(one, parts, place) for one in versions])
    if parts["version"] not in versions:
        raise CloudError(404, "NotFound", f"The gallery image version '{parts['version']}' was not found.")
    return shown(_version(parts["version"], parts, place))


def _image(name: str, image: Mapping[str, Any], parts: Parts, unique: str) -> dict[str, Any]:
    properties = {
        "osType": image.get("os", "Linux"), "osState": "Generalized",
        "hyperVGeneration": image.get("generation", "V2"), "architecture": image.get("architecture", "x64"),
        "identifier": {"publisher": "p", "offer": "o", "sku": name},
        "features": [{"name": "SecurityType", "value": image["security"]}] if image.get("security") else [],
    }  # fmt: skip
    if image.get("plan"):
        properties["purchasePlan"] = image["plan"]
    return _named(name, parts, f"{unique}/Images/{name}", properties)


def _version(name: str, parts: Parts, place: str) -> dict[str, Any]:
    properties = {"publishedDate": "2025-01-01T00:00:00+00:00", "excludeFromLatest": False}
    return _named(name, parts, f"{place}/Versions/{name}", properties)


def _named(name: str, parts: Parts, unique: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name, "location": parts["location"], "identifier": {"uniqueId": unique}, "properties": dict(properties),
    }  # fmt: skip
