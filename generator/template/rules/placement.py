"""What the Azure target cannot bring to its place, as far as the template says where that is: found without a login.

A build happens in one region and one subscription. Managed images are made there and serve only there; a gallery
version needs the region of the build among its own (Microsoft, "Store and share images in an Azure Compute Gallery").
"""

import re
from collections.abc import Iterator

from generator.template import ids
from generator.template.addresses import plain
from generator.template.document import Path
from generator.template.rules.base import Finding, Part, every
from generator.template.schema import (
    ManagedImage,
    ManagedImageSource,
    PowerShell,
    SharedImage,
    SharedImageVersion,
    Vhd,
    VmProfile,
    VnetConfig,
    WindowsRestart,
    WindowsUpdate,
)
from generator.template.schema.distribute import Target

PROXY = "proxyvmsize"  # the size of a VM between the service and the build; it names no network
OTHER_REGION = "build in that region, or distribute to a gallery with both regions"
# The features of a size follow its number of cores; `p` is an Arm64 processor (Microsoft, "Azure VM sizes naming
# conventions").
ARM_SIZE = re.compile(r"(?:standard_)?[a-z]+\d+(?:-\d+)?[a-oq-z]*p", re.IGNORECASE)
# The table of distributions in Microsoft's "Run scripts in your Linux VM by using managed Run Commands".
ARM_RUN_COMMANDS = "Azure supports managed run commands on few Linux distributions on Arm64"
ARM_HINT = "set communicator to ssh (in a subnet of yours with bastion_host), or try one step first"
OTHER_SUBSCRIPTION = "build in the subscription of the image, or use a gallery"


def misplaced(parts: list[Part], region: str, subscription: str) -> Iterator[Finding]:
    """Everything that cannot be done from a region and a subscription; "" where it is not known."""
    for at, target in every(parts, ManagedImage):
        yield from _managed_image(at, target, region, subscription)
    for at, target in every(parts, SharedImage):
        yield from _gallery_image(at, target, region)
    for at, source in every(parts, ManagedImageSource):
        if subscription and ids.subscription(source.image_id).lower() not in ("", subscription):
            what = f"a managed image serves only its own subscription, and the build is in {subscription}"
            yield Finding((*at, "imageId"), what, OTHER_SUBSCRIPTION)
    yield from _same_images(parts)
    for at, target in every(parts, Vhd):
        yield from _blob_tags(at, target)


def _managed_image(at: Path, target: ManagedImage, region: str, subscription: str) -> Iterator[Finding]:
    """Image Builder copies a managed image to another region, imagegen does not."""
    if region and ids.region(target.location) != region:
        what = f"a managed image is made in the build's region {region}, not {target.location}"
        yield Finding((*at, "location"), what, OTHER_REGION)
    if subscription and ids.subscription(target.image_id).lower() not in ("", subscription):
        what = f"a managed image is made in the build's subscription {subscription}"
        yield Finding((*at, "imageId"), what, OTHER_SUBSCRIPTION)


def _gallery_image(at: Path, target: SharedImage, region: str) -> Iterator[Finding]:
    """Azure refuses a version that does not keep a copy where its source is."""
    field = "targetRegions" if target.target_regions else "replicationRegions"
    regions = [one.name for one in target.target_regions or ()] or list(target.replication_regions or ())
    if region and regions and region not in map(ids.region, regions):
        hint = f'add {{"name": "{region}"}} to targetRegions' if target.target_regions else f'add "{region}"'
        what = f"the build's region {region} is not among the regions of the version, as Azure wants it"
        yield Finding((*at, field), what, hint)


def _same_images(parts: list[Part]) -> Iterator[Finding]:
    """A build makes one version, and managed images and blobs have one name: no two images have the same place, and
    none the place of the source."""
    sources = {ids.canonical(part.image_id).lower() for _, part in every(parts, ManagedImageSource)}
    sources |= {ids.canonical(part.image_version_id).lower() for _, part in every(parts, SharedImageVersion)}
    seen: set[str] = set()
    for at, target in every(parts, Target):
        field, place = _place(target)
        if place and place in seen:
            yield Finding((*at, field), "another distributor makes the same image", "name another, or remove one")
        named = getattr(target, "image_id", None) or getattr(target, "gallery_image_id", None) or ""
        if named and ids.canonical(named).lower() in sources:
            yield Finding((*at, field), "this is the image that the build starts from", "name another")
        seen.add(place)


def _place(target: Target) -> tuple[str, str]:
    """The field that says where an image goes, and that place as Azure compares it; "" for no place."""
    if isinstance(target, ManagedImage):
        return "imageId", ids.canonical(target.image_id).lower()
    if isinstance(target, SharedImage):
        return "galleryImageId", ids.canonical(ids.without_version(target.gallery_image_id)).lower()
    host, slash, path = plain(getattr(target, "uri", None) or "").partition("://")[2].partition("/")
    return "uri", f"{host.lower()}{slash}{path}" if slash else ""


def _blob_tags(at: Path, target: Vhd) -> Iterator[Finding]:
    """A blob has metadata, whose names are C# identifiers and whose values are ASCII (Microsoft, "Naming and
    referencing containers, blobs, and metadata")."""
    for name, value in target.artifact_tags.items():
        if not (name.isidentifier() and name.isascii() and value.isascii()):
            what = f"a blob does not get the tag `{name[:80]}`: its metadata has only plain names and ASCII values"
            yield Finding((*at, "artifactTags", name), what, "use letters, digits and `_`", "warning")


def networks(parts: list[Part], given: object, subscription: str) -> Iterator[Finding]:
    """A `vnetConfig` that names no subnet by its id: the VM would be in a network of its own, with a public address.

    `given`: what stands at `vnetConfig` in the file. Before 2020-02-14 a preview named the network by `name`,
    `subnetName` and `resourceGroupName`.
    """
    for at, config in every(parts, VnetConfig):
        named = (
            [key for key, value in given.items() if value and key.lower() != PROXY] if isinstance(given, dict) else []
        )
        if config.subnet_id or not named:
            continue
        group, network, subnet = config.resource_group_name or "GROUP", config.name or "V", config.subnet_name or "S"
        where = (
            f"/subscriptions/{subscription or 'GUID'}/resourceGroups/{group}/providers/Microsoft.Network"
            f"/virtualNetworks/{network}/subnets/{subnet}"
        )
        what = "the network has no `subnetId`: the VM would be in a network of its own, with a public address"
        yield Finding(at, what, f'write "subnetId": "{where}", or remove vnetConfig')


def arm_run_commands(parts: list[Part], communicator: str, *, bastion: bool) -> Iterator[Finding]:
    """A warning for a Linux VM on Arm64 whose steps are run commands.

    communicator: the setting; with `auto` a VM in a subnet of the user's is reached by run commands, unless there is a
    bastion host.
    """
    subnet = any(config.subnet_id for _, config in every(parts, VnetConfig))
    by_run_command = communicator == "run-command" or (communicator == "auto" and subnet and not bastion)
    windows = any(every(parts, PowerShell, WindowsRestart, WindowsUpdate))
    for at, profile in every(parts, VmProfile):
        if by_run_command and not windows and ARM_SIZE.match(profile.vm_size or ""):
            yield Finding((*at, "vmSize"), ARM_RUN_COMMANDS, ARM_HINT, "warning")
