"""Rules of the source."""

import re
from collections.abc import Iterator

from generator.template import ids
from generator.template.rules.base import Finding, rule
from generator.template.rules.names import LONGEST_SHOWN, wrong_names
from generator.template.schema import IsoSource, ManagedImageSource, PlatformImage, SharedImageVersion

GROUP = r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Compute"
MANAGED = re.compile(rf"{GROUP}/images/[^/]+/?\Z", re.IGNORECASE)
# A gallery of one's own, one that is shared directly, or a community's (FORMAT.md 1.3).
GALLERY = re.compile(
    rf"(?:{GROUP}/galleries|(?:/subscriptions/[^/]+/providers/Microsoft\.Compute/locations/[^/]+)?"
    r"/(?:sharedGalleries|communityGalleries))/[^/]+/images/[^/]+/versions/([^/]+)/?\Z",
    re.IGNORECASE,
)
NUMBERS = re.compile(r"(?:latest|\d+(?:\.\d+){2})\Z", re.ASCII | re.IGNORECASE)
MARKETPLACE_NAME = re.compile(r"[\w.+-]+\Z", re.ASCII)
MARKETPLACE = re.compile(r"(?:latest|\d+(?:\.\d+)+)\Z", re.ASCII | re.IGNORECASE)


@rule(IsoSource)
def iso_is_closed(_: IsoSource) -> Iterator[Finding]:
    """Only previews had ISO sources; creating and processing them ended years ago (FORMAT.md 1.12)."""
    hint = "start from a PlatformImage, such as RedHat's"
    yield Finding(("type",), "ISO sources are closed: Azure takes none any more", hint)


@rule(PlatformImage)
def platform_names(source: PlatformImage) -> Iterator[Finding]:
    """A marketplace image is named by four texts."""
    for name in ("publisher", "offer", "sku", "version"):
        value = str(getattr(source, name))
        if not value.strip():
            yield Finding((name,), f"`{name}` is empty", "`az vm image list` has the names")
        elif name != "version" and not MARKETPLACE_NAME.match(value):
            message = f"`{value[:LONGEST_SHOWN]}` is not the name of a marketplace {name}"
            yield Finding((name,), message, "`az vm image list` has the names: letters, digits and `-_.`")


@rule(PlatformImage)
def platform_version(source: PlatformImage) -> Iterator[Finding]:
    """A version is numbers with points, or `latest` (FORMAT.md 1.3)."""
    if source.version.strip() and not MARKETPLACE.match(source.version):
        yield Finding(("version",), "not a version", "write latest, or numbers such as 12.0.202401", "warning")


@rule(ManagedImageSource)
def managed_image_id(source: ManagedImageSource) -> Iterator[Finding]:
    """`imageId` is the id of a managed image. Not all forms are documented: another form only warns."""
    if MANAGED.match(source.image_id):
        yield from wrong_names(("imageId",), source.image_id)
    else:
        hint = "write /subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.Compute/images/NAME"
        yield Finding(("imageId",), "not the id of a managed image", hint, "warning")


@rule(SharedImageVersion)
def gallery_version_id(source: SharedImageVersion) -> Iterator[Finding]:
    """`imageVersionId` ends in a version or `latest`. Not all forms are documented: another form only warns."""
    found = GALLERY.match(source.image_version_id)
    if "galleries" in ids.parts(source.image_version_id):
        yield from wrong_names(("imageVersionId",), source.image_version_id)
    hint = "write …/galleries/GALLERY/images/DEFINITION/versions/X.Y.Z, or …/versions/latest"
    if not found:
        yield Finding(("imageVersionId",), "not the id of a version in a gallery", hint, "warning")
    elif not NUMBERS.match(found[1]):
        yield Finding(("imageVersionId",), f"`{found[1][:40]}` is not a version", hint, "warning")
