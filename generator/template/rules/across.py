"""Rules that compare parts of a template; their paths are from its top."""

from collections.abc import Iterator

from generator.template.rules.base import Finding, Part, every, whole
from generator.template.rules.targets import explicit_version
from generator.template.schema import (
    File,
    IsoSource,
    PlatformImage,
    PowerShell,
    SharedImage,
    Shell,
    Validate,
    Versioning,
    WindowsRestart,
    WindowsUpdate,
)
from generator.template.schema.distribute import Target
from generator.template.systems import system_of

WRITABLE = ("/tmp/", "/var/tmp/", "/dev/shm/", "/home/")  # noqa: S108 - on the machine that is built


@whole
def output_names_differ(parts: list[Part]) -> Iterator[Finding]:
    """`runOutputName` is unique in a template (FORMAT.md 2.6); Azure compares names without case."""
    seen: dict[str, str] = {}
    for at, target in every(parts, Target):
        name = target.run_output_name
        if name.lower() in seen:
            message = f"`runOutputName` {name!r} stands twice"
            yield Finding((*at, "runOutputName"), message, "give each distributor a name of its own")
        seen[name.lower()] = name


@whole
def one_version(parts: list[Part]) -> Iterator[Finding]:
    """A build makes one version, the same for all its images: two explicit numbers cannot both be right."""
    first: str | None = None
    for at, target in every(parts, SharedImage):
        version = explicit_version(target.gallery_image_id)
        if first and version and version != first:
            message = f"version {version} here, but {first} before: a build makes one version"
            yield Finding((*at, "galleryImageId"), message, "write the same version, or make two templates")
        first = first or version


@whole
def one_versioning(parts: list[Part]) -> Iterator[Finding]:
    """For the same reason all galleries number alike; the others follow the one that says how."""
    first: Versioning | None = None
    for at, target in every(parts, SharedImage):
        if target.versioning and first and target.versioning != first:
            message = "another distributor has another `versioning`: a build makes one version"
            yield Finding((*at, "versioning"), message, "write the same, or make two templates")
        first = first or target.versioning


@whole
def steps_fit_the_source(parts: list[Part]) -> Iterator[Finding]:
    """Windows steps run on Windows, Shell on Linux (FORMAT.md 1.4, 2.3)."""
    systems = _systems(parts)
    if "linux" in systems:
        for at, step in every(parts, PowerShell, WindowsRestart, WindowsUpdate):
            yield Finding((*at, "type"), f"{step.type} needs Windows, but the source is Linux", "use Shell")
    if "windows" in systems:
        for at, _ in every(parts, Shell):
            yield Finding((*at, "type"), "Shell needs Linux, but the source is Windows", "use PowerShell")


@whole
def files_land_where_they_may(parts: list[Part]) -> Iterator[Finding]:
    """On Linux the upload runs as the login user: only /tmp is certain to be writable (FORMAT.md 2.3)."""
    if "linux" not in _systems(parts):
        return
    for at, step in every(parts, File):
        if step.destination.startswith("/") and not step.destination.startswith(WRITABLE):
            hint = "write it to /tmp and move it in a Shell step with sudo"
            yield Finding((*at, "destination"), "only /tmp is certain to be writable for a File", hint, "warning")
        elif "\\" in step.destination or step.destination[1:2] == ":":
            yield Finding((*at, "destination"), "this is a path of Windows, but the source is Linux", "write /tmp/NAME")


@whole
def steps_are_skipped(parts: list[Part]) -> Iterator[Finding]:
    """With `sourceValidationOnly` nothing is customized (FORMAT.md 2.5)."""
    only = any(validate.source_validation_only for _, validate in every(parts, Validate))
    if only and any("customize" in at for at, _ in parts):
        message = "no step is run: `sourceValidationOnly` tries the source as it is"
        hint = "set sourceValidationOnly to false to run them"
        yield Finding(("properties", "customize"), message, hint, "warning")


def _systems(parts: list[Part]) -> set[str | None]:
    """The systems that the source may have; ISO was Red Hat only (FORMAT.md 1.12)."""
    isos: set[str | None] = {"linux" for _ in every(parts, IsoSource)}
    return isos | {system_of(part) for _, part in every(parts, PlatformImage)}
