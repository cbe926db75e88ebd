"""Rules of single distributors."""

import re
from collections.abc import Iterator
from unicodedata import is_normalized

from generator.template.addresses import has_secret
from generator.template.rules.base import COMPOSE, NAME, NAME_SHAPE, NOT_COMPOSED, Finding, rule
from generator.template.schema import ManagedImage, SharedImage, Vhd
from generator.template.schema.distribute import Target

GROUP = r"/subscriptions/[^/\s]+/resourceGroups/[^/\s]+"
IMAGE = re.compile(rf"{GROUP}/providers/Microsoft\.Compute/images/[^/\s]{{1,80}}\Z", re.IGNORECASE)
GALLERY_IMAGE = re.compile(
    rf"{GROUP}/providers/Microsoft\.Compute/galleries/[^/\s]{{1,80}}/images/[^/\s]{{1,80}}(?:/versions/([^/]*))?\Z",
    re.IGNORECASE,
)
VERSION = re.compile(r"(?:0|[1-9][0-9]{0,9})(?:\.(?:0|[1-9][0-9]{0,9})){2}\Z", re.ASCII)
IMAGE_SHAPE = "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.Compute/images/NAME"
GALLERY_SHAPE = (
    "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.Compute/galleries/GALLERY/images/DEFINITION, "
    "with /versions/X.Y.Z after it if you choose the number"
)


@rule(Target)
def output_name(target: Target) -> Iterator[Finding]:
    """Same pattern as the resource's name (aib-reference 1.1)."""
    if not NAME.match(target.run_output_name):
        yield Finding(("runOutputName",), "`runOutputName` is not valid", NAME_SHAPE)


@rule(Target)
def artifact_tags(target: Target) -> Iterator[Finding]:
    """The tags of an image are what the template says, to the character."""
    for key, value in target.artifact_tags.items():
        if not is_normalized("NFC", key + value):
            yield Finding(("artifactTags", key), NOT_COMPOSED, COMPOSE)


@rule(ManagedImage)
def image_id(target: ManagedImage) -> Iterator[Finding]:
    """`imageId` is the id of a managed image (aib-reference 1.6)."""
    if not IMAGE.match(target.image_id):
        yield Finding(("imageId",), "not the id of a managed image", f"write {IMAGE_SHAPE}")


@rule(SharedImage)
def gallery_image_id(target: SharedImage) -> Iterator[Finding]:
    """`galleryImageId` is the id of an image definition, or of a version x.y.z of it (aib-reference 1.6, 2.6)."""
    found = GALLERY_IMAGE.match(target.gallery_image_id)
    if not found:
        yield Finding(("galleryImageId",), "not the id of an image definition in a gallery", f"write {GALLERY_SHAPE}")
    elif found[1] is not None and not is_version(found[1]):
        hint = "write three numbers up to 2147483647, such as 1.0.0"
        yield Finding(("galleryImageId",), "the version at its end is not X.Y.Z", hint)


@rule(SharedImage)
def regions(target: SharedImage) -> Iterator[Finding]:
    """`replicationRegions` excludes `targetRegions`; `storageAccountType` goes with the first (aib-reference 1.6)."""
    if target.replication_regions is not None and target.target_regions is not None:
        hint = "keep targetRegions; the other is deprecated"
        yield Finding(("replicationRegions",), "`replicationRegions` and `targetRegions` exclude each other", hint)
    elif target.storage_account_type is not None and target.target_regions is not None:
        hint = "write it into each target region"
        yield Finding(("storageAccountType",), "`storageAccountType` goes only with `replicationRegions`", hint)


@rule(SharedImage)
def versioning(target: SharedImage) -> Iterator[Finding]:
    """`versioning` excludes an explicit version; `major` goes with `Latest` (aib-reference 1.6, 2.6)."""
    if target.versioning is None:
        return
    if explicit_version(target.gallery_image_id):
        yield Finding(("versioning",), "`versioning` excludes an explicit version", "take one of them away")
    if target.versioning.scheme == "Source" and target.versioning.major != -1:
        yield Finding(("versioning", "major"), "`major` goes only with the scheme `Latest`", "take it away")


@rule(SharedImage)
def regions_differ(target: SharedImage) -> Iterator[Finding]:
    """A region stands once; Azure compares names without case and blanks (aib-reference 1.6)."""
    at = "targetRegions" if target.target_regions else "replicationRegions"
    named = [region.name for region in target.target_regions or ()] or list(target.replication_regions or ())
    seen: set[str] = set()
    for index, name in enumerate(named):
        plain = name.replace(" ", "").lower()
        if not plain:
            yield Finding((at, index), "the region has no name", "write one such as westeurope")
        elif plain in seen:
            yield Finding((at, index), f"the region {name!r} stands twice", "keep one", "warning")
        seen.add(plain)


@rule(Vhd)
def vhd_address(target: Vhd) -> Iterator[Finding]:
    """`uri` is the address of a blob (aib-reference 1.6); a grant in it would be readable in the template."""
    if not target.uri:
        return
    if not target.uri.lower().startswith("https://"):
        hint = "write https://ACCOUNT.blob.core.windows.net/CONTAINER/NAME.vhd"
        yield Finding(("uri",), "not the address of a blob", hint)
    elif has_secret(target.uri):
        hint = "take away what follows `?`: the build has its own access"
        yield Finding(("uri",), "the address carries a secret", hint, "warning")


def explicit_version(gallery_image_id: str) -> str | None:
    """The X.Y.Z at the end of a gallery image id, or None."""
    found = GALLERY_IMAGE.match(gallery_image_id)
    return found[1] if found and found[1] and is_version(found[1]) else None


def is_version(text: str) -> bool:
    """Three numbers of 32 bits (aib-reference 2.6)."""
    return bool(VERSION.match(text)) and all(int(part) < 2**31 for part in text.split("."))
