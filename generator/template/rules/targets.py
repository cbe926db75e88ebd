"""Rules of single distributors."""

import re
from collections.abc import Iterator

from generator.template.addresses import has_secret
from generator.template.ids import region
from generator.template.rules.base import NAME, NAME_SHAPE, Finding, rule
from generator.template.rules.blobs import wrong_blob
from generator.template.rules.names import wrong_names, wrong_region
from generator.template.schema import ManagedImage, SharedImage, Vhd
from generator.template.schema.distribute import Target

GROUP = r"/subscriptions/[^/]+/resourceGroups/[^/]+"
IMAGE = re.compile(rf"{GROUP}/providers/Microsoft\.Compute/images/[^/]+/?\Z", re.IGNORECASE)
GALLERY_IMAGE = re.compile(
    rf"{GROUP}/providers/Microsoft\.Compute/galleries/[^/]+/images/[^/]+(?:/versions/([^/]*))?/?\Z", re.IGNORECASE
)
VERSION = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10}){2}\Z", re.ASCII)
LEADING_ZERO = re.compile(r"(?:\A|\.)0[0-9]")
MOST_REPLICAS = (
    100  # of a version in a region (Microsoft, "Store and share images in an Azure Compute Gallery", limits)
)
IMAGE_SHAPE = "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.Compute/images/NAME"
GALLERY_SHAPE = (
    "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.Compute/galleries/GALLERY/images/DEFINITION, "
    "with /versions/X.Y.Z after it if you choose the number"
)


@rule(Target)
def output_name(target: Target) -> Iterator[Finding]:
    """Same pattern as the resource's name (FORMAT.md 1.1)."""
    if not NAME.match(target.run_output_name):
        yield Finding(("runOutputName",), "`runOutputName` is not valid", NAME_SHAPE)


@rule(ManagedImage)
def image_id(target: ManagedImage) -> Iterator[Finding]:
    """`imageId` is the id of a managed image."""
    if IMAGE.match(target.image_id):
        yield from wrong_names(("imageId",), target.image_id)
    else:
        yield Finding(("imageId",), "not the id of a managed image", f"write {IMAGE_SHAPE}")


@rule(ManagedImage)
def image_region(target: ManagedImage) -> Iterator[Finding]:
    """`location` is the name of a region."""
    yield from wrong_region(("location",), target.location)


@rule(SharedImage)
def gallery_image_id(target: SharedImage) -> Iterator[Finding]:
    """`galleryImageId` is the id of an image definition, or of a version x.y.z of it."""
    at, found = ("galleryImageId",), GALLERY_IMAGE.match(target.gallery_image_id)
    if not found:
        yield Finding(at, "not the id of an image definition in a gallery", f"write {GALLERY_SHAPE}")
        return
    yield from wrong_names(at, target.gallery_image_id)
    if found[1] is not None and not is_version(found[1]):
        hint = "write three numbers up to 2147483647, such as 1.0.0"
        yield Finding(at, "the version at its end is not X.Y.Z", hint)
    elif found[1] and LEADING_ZERO.search(found[1]):
        plain = ".".join(str(int(number)) for number in found[1].split("."))
        yield Finding(at, f"the version {found[1]} is read as {plain}", "write it without leading zeros", "warning")


@rule(SharedImage)
def regions(target: SharedImage) -> Iterator[Finding]:
    """`replicationRegions` excludes `targetRegions`; `storageAccountType` goes with the first (FORMAT.md 1.6)."""
    if target.replication_regions is not None and target.target_regions is not None:
        hint = "keep targetRegions; the other is deprecated"
        yield Finding(("replicationRegions",), "`replicationRegions` and `targetRegions` exclude each other", hint)
    elif target.storage_account_type is not None and target.target_regions is not None:
        hint = "write it into each target region"
        yield Finding(("storageAccountType",), "`storageAccountType` goes only with `replicationRegions`", hint)


@rule(SharedImage)
def versioning(target: SharedImage) -> Iterator[Finding]:
    """`versioning` excludes an explicit version; `major` goes with `Latest` (FORMAT.md 1.6, 2.6)."""
    if target.versioning is None:
        return
    if explicit_version(target.gallery_image_id):
        yield Finding(("versioning",), "`versioning` excludes an explicit version", "take one of them away")
    if target.versioning.scheme == "Source" and target.versioning.major != -1:
        yield Finding(("versioning", "major"), "`major` goes only with the scheme `Latest`", "take it away")


@rule(SharedImage)
def regions_differ(target: SharedImage) -> Iterator[Finding]:
    """A region is given once; Azure compares their names without case and spaces."""
    at = "targetRegions" if target.target_regions else "replicationRegions"
    given: list[tuple[str, object]] = [
        (one.name, (one.replica_count, one.storage_account_type)) for one in target.target_regions or ()
    ]
    given = given or [(name, None) for name in target.replication_regions or ()]
    seen: dict[str, object] = {}
    for index, (name, copies) in enumerate(given):
        plain = region(name)
        yield from wrong_region((at, index), name)
        if plain in seen and seen[plain] != copies:
            yield Finding((at, index), f"the region {name!r} is duplicated with other copies", "keep one")
        elif plain in seen:
            yield Finding((at, index), f"the region {name!r} is duplicated", "keep one", "warning")
        seen.setdefault(plain, copies)


@rule(SharedImage)
def replicas(target: SharedImage) -> Iterator[Finding]:
    """At most 100 replicas in a region; shallow replication makes one replica in one region.

    Source: Packer's azure-arm builder, `shared_image_gallery_replica_count` and `use_shallow_replication`.
    """
    for index, one in enumerate(target.target_regions or ()):
        at = ("targetRegions", index, "replicaCount")
        if one.replica_count > MOST_REPLICAS:
            yield Finding(at, f"Azure keeps at most {MOST_REPLICAS} replicas in a region, not {one.replica_count}")
        elif one.replica_count > 1 and target.replication_mode == "Shallow":
            yield Finding(at, "shallow replication makes one replica", "set replicaCount to 1, or use Full")
    regions = {region(one.name) for one in target.target_regions or ()} | set(
        map(region, target.replication_regions or ())
    )
    if len(regions) > 1 and target.replication_mode == "Shallow":
        hint = "keep the region of the build, or use Full"
        yield Finding(("replicationMode",), f"shallow replication is for one region, not {len(regions)}", hint)


@rule(Vhd)
def vhd_address(target: Vhd) -> Iterator[Finding]:
    """`uri` is the URL of a blob; a SAS token in it would be readable in the template."""
    if not target.uri:
        return
    if wrong := wrong_blob(target.uri):
        yield Finding(("uri",), wrong, "write https://ACCOUNT.blob.core.windows.net/CONTAINER/NAME.vhd")
    elif has_secret(target.uri):
        hint = "remove what follows `?`: the build has its own access"
        yield Finding(("uri",), "the address carries a secret", hint, "warning")
    elif not target.uri.lower().endswith(".vhd"):
        hint = "end the name of the blob in .vhd"
        yield Finding(("uri",), "Azure takes only blobs that end in .vhd for disks", hint, "warning")


def explicit_version(gallery_image_id: str) -> str | None:
    """The X.Y.Z at the end of a gallery image id, or None."""
    found = GALLERY_IMAGE.match(gallery_image_id)
    return found[1] if found and found[1] and is_version(found[1]) else None


def is_version(text: str) -> bool:
    """Three numbers of 32 bits (FORMAT.md 2.6)."""
    return bool(VERSION.match(text)) and all(int(part) < 2**31 for part in text.split("."))
