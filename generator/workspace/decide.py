"""Template and downloads in, blueprint out. Pure: no file, no network, no clock."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, cast
from urllib.parse import urlsplit

from generator.settings import Settings
from generator.template import addresses, ids
from generator.workspace import names, scripts
from generator.workspace.azure import azure_of, refuse_large
from generator.workspace.blueprint import (
    Blueprint,
    Destination,
    Plan,
    Region,
    Source,
    Step,
    StepKind,
    Target,
    Versioning,
)

# Image Builder's default when buildTimeoutInMinutes is 0 or absent (FORMAT.md 1.2).
DEFAULT_TIMEOUT_MINUTES = 240
# What packer-plugin-windows-update takes when nothing is said (FORMAT.md 2.3).
DEFAULT_CRITERIA = "BrowseOnly=0 and IsInstalled=0"
DEFAULT_FILTERS = ("include:$true",)
DEFAULT_UPDATES = 1000
KINDS: dict[str, StepKind] = {
    "Shell": "shell", "File": "file", "PowerShell": "powershell", "WindowsRestart": "restart",
    "WindowsUpdate": "update",
}  # fmt: skip
# A build lasts 16 hours at most (FORMAT.md 1.2), and so does a restart.
LONGEST_RESTART_SECONDS = 57_600
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def decide(template: Any, downloads: Mapping[str, bytes], *, name: str, settings: Settings) -> Blueprint:
    """The blueprint of a checked template. `downloads` holds the bytes behind every scriptUri and sourceUri.

    Raises ImagegenError for what the target needs and neither the template nor the settings say.
    """
    properties = template.properties
    validate = properties.validate_
    profile = properties.vm_profile
    handling = properties.error_handling
    only_source = bool(validate and validate.source_validation_only)
    steps = () if only_source else properties.customize or ()
    validators = (validate and validate.in_vm_validations) or ()
    name = names.slug(template.name or name, "image")
    azure = azure_of(template, name, settings) if settings.target == "azure" else None
    blueprint = Blueprint(
        name=name,
        target=cast(Target, settings.target),
        source=_source(properties.source),
        vm_size=(profile and profile.vm_size) or "",
        disk_size_gb=(profile and profile.os_disk_size_gb) or 0,
        steps=_steps(steps, "scripts", "files", "step", downloads),
        validations=_steps(validators, "scripts/validate", "files/validate", "validation", downloads),
        destinations=tuple(_destination(distributor, settings) for distributor in properties.distribute),
        timeout_minutes=properties.build_timeout_in_minutes or DEFAULT_TIMEOUT_MINUTES,
        on_customizer_error=(handling and handling.on_customizer_error) or "cleanup",
        on_validation_error=(handling and handling.on_validation_error) or "cleanup",
        distribute_despite_failure=bool(validate and validate.continue_distribute_on_failure),
        source_validation_only=only_source,
        version=_explicit_version(properties.distribute),
        versioning=_versioning(properties.distribute),
        azure=azure,
    )
    if azure:
        refuse_large(azure.communicator, blueprint.steps + blueprint.validations)
    return blueprint


def _source(source: Any) -> Source:
    match source.type:
        case "ManagedImage":
            return Source("ManagedImage", id=ids.canonical(source.image_id))
        case "SharedImageVersion":
            return Source("SharedImageVersion", id=ids.canonical(source.image_version_id))
    info = source.plan_info
    plan = info and Plan(name=info.plan_name, product=info.plan_product, publisher=info.plan_publisher)
    return Source(
        publisher=source.publisher, offer=source.offer, sku=source.sku, version=source.version.lower(), plan=plan
    )


def _steps(
    entries: Sequence[Any], script_folder: str, files: str, prefix: str, downloads: Mapping[str, bytes]
) -> tuple[Step, ...]:
    """The steps of one list of the template, in its order."""
    made = []
    for position, entry in enumerate(entries, start=1):
        match entry.type:
            case "File":
                made.append(_file_step(position, entry, files, prefix, downloads[entry.source_uri]))
            case "Shell" | "PowerShell":
                made.append(_script_step(position, entry, script_folder, prefix, downloads))
            case _:
                made.append(_machine_step(position, entry, prefix))
    return tuple(made)


def _script_step(position: int, entry: Any, folder: str, prefix: str, downloads: Mapping[str, bytes]) -> Step:
    """An inline or scriptUri step: its file is what runs."""
    windows = entry.type == "PowerShell"
    plain = ".ps1" if windows else ".sh"
    if entry.inline is not None:
        ending, default = plain, KINDS[entry.type]
        content = scripts.powershell_inline(entry.inline) if windows else scripts.shell_inline(entry.inline)
    else:
        uri_name = _last_part(entry.script_uri)
        ending = plain if windows else names.suffix(uri_name, plain)
        default = cast(StepKind, names.slug(PurePosixPath(uri_name).stem, KINDS[entry.type]))
        fetched = downloads[entry.script_uri]
        content = fetched if windows else scripts.shell_file(fetched)
    key = names.step_key(position, entry.name or "", default)
    options = {"level": _level(entry), "exit_codes": list(entry.valid_exit_codes)} if windows else {}
    return _step(key, entry, prefix, file=f"{folder}/{key}{ending}", content=content, options=options)


def _level(entry: Any) -> str:
    """The privileges of a PowerShell step (FORMAT.md 1.4: runAsSystem only together with runElevated)."""
    if entry.run_elevated and entry.run_as_system:
        return "system"
    return "elevated" if entry.run_elevated else "plain"


def _file_step(position: int, entry: Any, folder: str, prefix: str, content: bytes) -> Step:
    uri_name = _last_part(entry.source_uri)
    key = names.step_key(position, entry.name or "", names.slug(PurePosixPath(uri_name).stem, "file"))
    destination = entry.destination
    if destination.endswith("/"):  # a folder: Packer's file provisioner keeps the name of the source
        destination += uri_name
    path = f"{folder}/{key}{names.suffix(uri_name, '')}"
    return _step(key, entry, prefix, file=path, content=content, options={"destination": destination})


def _machine_step(position: int, entry: Any, prefix: str) -> Step:
    """A restart or a round of updates: there is no file to it."""
    key = names.step_key(position, entry.name or "", KINDS[entry.type])
    if entry.type == "WindowsRestart":
        seconds = sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"([\d.]+)(ms|s|m|h)", entry.restart_timeout))
        options = {
            "check_command": entry.restart_check_command,
            "timeout_seconds": max(1, round(min(seconds, LONGEST_RESTART_SECONDS))),
        }
    else:
        options = {
            "criteria": entry.search_criteria or DEFAULT_CRITERIA,
            "filters": list(entry.filters or DEFAULT_FILTERS),
            "limit": entry.update_limit or DEFAULT_UPDATES,
        }
    return _step(key, entry, prefix, options=options)


def _step(key: str, entry: Any, prefix: str, **parts: Any) -> Step:
    return Step(
        key=key, title=entry.name or key, kind=KINDS[entry.type], module=names.module_name(prefix, key), **parts
    )


def _last_part(uri: str) -> str:
    """The file name at the end of an address or path, without a query."""
    return PurePosixPath(urlsplit(uri).path).name


def _destination(distributor: Any, settings: Settings) -> Destination:
    name, kind = distributor.run_output_name, distributor.type
    tags = tuple(sorted((distributor.artifact_tags or {}).items()))
    match kind:
        case "SharedImage":
            return Destination(
                name, kind, ids.canonical(ids.without_version(distributor.gallery_image_id)), tags,
                regions=_regions(distributor), exclude_from_latest=distributor.exclude_from_latest,
                replication_mode=distributor.replication_mode or "Full", end_of_life_date=settings.end_of_life_date,
            )  # fmt: skip
        case "ManagedImage":
            where = ids.canonical(distributor.image_id)
            return Destination(name, kind, where, tags, location=ids.region(distributor.location))
    return Destination(name, kind, addresses.plain(distributor.uri or ""), tags)


def _regions(distributor: Any) -> tuple[Region, ...]:
    """Where the version goes: `targetRegions`, or the older `replicationRegions` with one storage type for all.

    A region that is duplicated with the same settings counts once; the rules refuse others.
    """
    if distributor.target_regions:
        regions = [
            Region(ids.region(region.name), region.replica_count, region.storage_account_type)
            for region in distributor.target_regions
        ]
    else:
        storage = distributor.storage_account_type or "Standard_LRS"
        regions = [Region(ids.region(name), 1, storage) for name in distributor.replication_regions or ()]
    return tuple(dict.fromkeys(regions))


def _explicit_version(distributors: Sequence[Any]) -> str | None:
    """The version that a galleryImageId ends in, without leading zeros; the rules allow only one in a template."""
    for distributor in distributors:
        if distributor.type == "SharedImage" and (version := ids.version(distributor.gallery_image_id)):
            return ".".join(str(int(number)) for number in version.split("."))
    return None


def _versioning(distributors: Sequence[Any]) -> Versioning:
    """How the version is chosen; the rules have seen to it that all distributors agree."""
    for distributor in distributors:
        if distributor.type == "SharedImage" and (said := distributor.versioning):
            return Versioning(said.scheme, None if said.major == -1 else said.major)
    return Versioning()
