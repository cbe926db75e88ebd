"""Rules that a model alone cannot hold. Each is a small function that names its source; all of them stand in RULES.

A rule looks at one well-formed part of the template (or, in WHOLE, at all of them) and yields what it finds. Parts are
judged one by one, so that a mistake in one does not hide what is wrong with another.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

from generator.errors import Problem
from generator.template import addresses
from generator.template.document import Document, Path
from generator.template.schema import (
    Envelope,
    File,
    ManagedImage,
    PlatformImage,
    PowerShell,
    Properties,
    SharedImage,
    Shell,
    VnetConfig,
    WindowsRestart,
    WindowsUpdate,
)
from generator.template.schema.base import Section
from generator.template.schema.customize import Scripted
from generator.template.schema.distribute import Target
from generator.template.systems import system_of

RESOURCE_TYPE = "Microsoft.VirtualMachineImages/imageTemplates"
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z", re.ASCII)
CHECKSUM = re.compile(r"[0-9a-f]{64}\Z")
GROUP = r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[\w.()-]{1,90}"
IMAGE = re.compile(rf"{GROUP}/providers/Microsoft\.Compute/images/[\w.-]{{1,80}}\Z", re.IGNORECASE)
GALLERY_IMAGE = re.compile(
    rf"{GROUP}/providers/Microsoft\.Compute/galleries/[\w.]{{1,80}}/images/[\w.-]{{1,80}}(?:/versions/([^/]*))?\Z",
    re.IGNORECASE,
)
VERSION = re.compile(r"(?:0|[1-9][0-9]{0,9})(?:\.(?:0|[1-9][0-9]{0,9})){2}\Z", re.ASCII)
IMAGE_SHAPE = "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.Compute/images/NAME"
GALLERY_SHAPE = (
    "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.Compute/galleries/GALLERY/images/DEFINITION, "
    "with /versions/X.Y.Z after it if you choose the number"
)

Part = tuple[Path, Section]


class Finding(NamedTuple):
    """What a rule found: where (from the top of its part), what, and what to do."""

    path: Path
    message: str
    hint: str | None = None
    level: Literal["error", "warning"] = "error"


Rule = Callable[[Any], Iterator[Finding]]
WholeRule = Callable[[list[Part]], Iterator[Finding]]
RULES: list[tuple[tuple[type[Section], ...], Rule]] = []
WHOLE: list[WholeRule] = []
_Rule = TypeVar("_Rule", bound=Rule)


def rule(*kinds: type[Section]) -> Callable[[_Rule], _Rule]:
    """Register a rule for the parts of these kinds."""

    def register(function: _Rule) -> _Rule:
        RULES.append((kinds, function))
        return function

    return register


def whole(function: WholeRule) -> WholeRule:
    """Register a rule that compares parts; its paths are from the top of the template."""
    WHOLE.append(function)
    return function


def check(document: Document, parts: list[Part]) -> Iterator[Problem]:
    """Everything that the rules find."""
    for at, part in parts:
        for kinds, function in RULES:
            if isinstance(part, kinds):
                yield from (_problem(document, at, found) for found in function(part))
    for compare in WHOLE:
        yield from (_problem(document, (), found) for found in compare(parts))


def _problem(document: Document, at: Path, found: Finding) -> Problem:
    return document.problem((*at, *found.path), found.message, found.hint, level=found.level)


def _every(parts: Iterable[Part], *kinds: type[Section]) -> Iterator[tuple[Path, Any]]:
    return ((at, part) for at, part in parts if isinstance(part, kinds))


@rule(Envelope)
def resource_type(template: Envelope) -> Iterator[Finding]:
    """The resource is an image template (aib-reference 1)."""
    if template.type is not None and template.type.lower() != RESOURCE_TYPE.lower():
        yield Finding(("type",), "this is not an image template", f"the type is {RESOURCE_TYPE}")


@rule(Envelope)
def resource_name(template: Envelope) -> Iterator[Finding]:
    """Names are letters, digits and `-_.`, at most 64 (aib-reference 1.1)."""
    if template.name is not None and not NAME.match(template.name):
        yield Finding(("name",), "the name is not valid", "use 1 to 64 of A-Z a-z 0-9 - _ .")


@rule(Properties)
def timeout(properties: Properties) -> Iterator[Finding]:
    """0 means 240; 1 to 5 fail at the service (aib-reference 1.2)."""
    if 1 <= properties.build_timeout_in_minutes <= 5:
        hint = "6 is the least that works there; 0 means 240"
        yield Finding(("buildTimeoutInMinutes",), "Azure Image Builder fails with 1 to 5 minutes", hint, "warning")


@rule(Properties)
def somewhere_to_go(properties: Properties) -> Iterator[Finding]:
    """`distribute` is required (aib-reference 1.2): without a target nothing is made."""
    if not properties.distribute:
        yield Finding(("distribute",), "there is no distributor, so no image would be made", "add one, such as a VHD")


@rule(Scripted)
def one_script(step: Scripted) -> Iterator[Finding]:
    """Exactly one of `inline` and `scriptUri` (aib-reference 1.4)."""
    if step.inline is not None and step.script_uri is not None:
        yield Finding(("scriptUri",), "`inline` and `scriptUri` exclude each other", "take one of them away")
    if step.inline is None and step.script_uri is None:
        yield Finding((), "the step has neither `inline` nor `scriptUri`", "add one of them")


@rule(Scripted)
def some_lines(step: Scripted) -> Iterator[Finding]:
    """A script has lines (aib-reference 1.4: NoCustomizerScript in 1.9)."""
    if step.inline is not None and not step.inline:
        yield Finding(("inline",), "`inline` has no lines", "add lines or take the step away")


@rule(Scripted, File)
def checksum(step: Scripted | File) -> Iterator[Finding]:
    """Lower-case hex, together with an address; empty means unchecked (aib-reference 1.4, 2.3)."""
    if not step.sha256_checksum:
        return
    if not CHECKSUM.match(step.sha256_checksum):
        hint = "use the 64 digits that `sha256sum` prints, a-f in lower case"
        yield Finding(("sha256Checksum",), "not a SHA-256 checksum in lower-case hex", hint)
    if isinstance(step, Scripted) and step.script_uri is None:
        hint = "take it away: inline lines have none"
        yield Finding(("sha256Checksum",), "`sha256Checksum` goes only with `scriptUri`", hint)


@rule(Scripted, File)
def address(step: Scripted | File) -> Iterator[Finding]:
    """Only https, http (warned) and paths inside the template's folder are fetched (aib-reference 2.3; issue 5)."""
    name, uri = ("sourceUri", step.source_uri) if isinstance(step, File) else ("scriptUri", step.script_uri)
    if uri is None:
        return
    if wrong := addresses.refusal(uri):
        yield Finding((name,), wrong)
    elif addresses.kind(uri) == "http":
        hint = "use https" if step.sha256_checksum else "use https, or at least add sha256Checksum"
        yield Finding((name,), "what is fetched over http can be read and changed on its way", hint, "warning")


@rule(File)
def file_destination(step: File) -> Iterator[Finding]:
    """A file needs a place to go to, and only files are copied (aib-reference 1.4, 2.3)."""
    if not step.destination.strip():
        yield Finding(("destination",), "the destination is empty", "write a path such as /tmp/name")
    elif step.destination.endswith(("/", "\\")):
        yield Finding(("destination",), "the destination is a folder", "write the file's name after it")
    elif "\0" in step.destination:
        yield Finding(("destination",), "the destination has a NUL character in it", "take it away")


@rule(PowerShell)
def system_is_elevated(step: PowerShell) -> Iterator[Finding]:
    """`runAsSystem` only with `runElevated` (aib-reference 1.4)."""
    if step.run_as_system and not step.run_elevated:
        yield Finding(("runAsSystem",), "`runAsSystem` needs `runElevated`", "set runElevated to true as well")


@rule(VnetConfig)
def network(config: VnetConfig) -> Iterator[Finding]:
    """The container subnet needs `subnetId` and excludes a proxy (aib-reference 1.7)."""
    if config.container_instance_subnet_id and not config.subnet_id:
        yield Finding(("containerInstanceSubnetId",), "`containerInstanceSubnetId` needs `subnetId`", "add subnetId")
    if config.container_instance_subnet_id and config.proxy_vm_size:
        yield Finding(("proxyVmSize",), "`proxyVmSize` excludes `containerInstanceSubnetId`", "take one of them away")


@rule(Target)
def output_name(target: Target) -> Iterator[Finding]:
    """Same pattern as the resource's name (aib-reference 1.1)."""
    if not NAME.match(target.run_output_name):
        yield Finding(("runOutputName",), "`runOutputName` is not valid", "use 1 to 64 of A-Z a-z 0-9 - _ .")


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
    elif found[1] is not None and not _is_version(found[1]):
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


@whole
def output_names_differ(parts: list[Part]) -> Iterator[Finding]:
    """`runOutputName` is unique in a template (aib-reference 2.6); Azure compares names without case."""
    seen: dict[str, str] = {}
    for at, target in _every(parts, Target):
        name = target.run_output_name
        if name.lower() in seen:
            message = f"`runOutputName` {name!r} stands twice"
            yield Finding((*at, "runOutputName"), message, "give each distributor a name of its own")
        seen[name.lower()] = name


@whole
def one_version(parts: list[Part]) -> Iterator[Finding]:
    """A build makes one version, so that two explicit numbers cannot both be right (design.md section 5)."""
    first: str | None = None
    for at, target in _every(parts, SharedImage):
        version = explicit_version(target.gallery_image_id)
        if first and version and version != first:
            message = f"version {version} here, but {first} before: a build makes one version"
            yield Finding((*at, "galleryImageId"), message, "write the same version, or make two templates")
        first = first or version


@whole
def steps_fit_the_source(parts: list[Part]) -> Iterator[Finding]:
    """Windows steps run on Windows, Shell on Linux (aib-reference 1.4, 2.3)."""
    systems = {system_of(part) for _, part in _every(parts, PlatformImage)}
    if "linux" in systems:
        for at, step in _every(parts, PowerShell, WindowsRestart, WindowsUpdate):
            yield Finding((*at, "type"), f"{step.type} needs Windows, but the source is Linux", "use Shell")
    if "windows" in systems:
        for at, _ in _every(parts, Shell):
            yield Finding((*at, "type"), "Shell needs Linux, but the source is Windows", "use PowerShell")


def explicit_version(gallery_image_id: str) -> str | None:
    """The X.Y.Z at the end of a gallery image id, or None."""
    found = GALLERY_IMAGE.match(gallery_image_id)
    return found[1] if found and found[1] and _is_version(found[1]) else None


def _is_version(text: str) -> bool:
    """Three numbers of 32 bits (aib-reference 2.6)."""
    return bool(VERSION.match(text)) and all(int(part) < 2**31 for part in text.split("."))
