"""Template and downloads in, blueprint out. Pure: no file, no network, no clock."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from generator.workspace import names
from generator.workspace.blueprint import Blueprint, Destination, Source, Step, Target
from generator.workspace.sizes import DEFAULT

# Image Builder's default when buildTimeoutInMinutes is 0 or absent (aib-reference 1.2).
DEFAULT_TIMEOUT_MINUTES = 240
SHEBANG = b"#!/bin/sh -e\n"


def decide(template: Any, downloads: Mapping[str, bytes], *, name: str, target: Target) -> Blueprint:
    """The blueprint of a checked template. `downloads` holds the bytes behind every scriptUri and sourceUri."""
    properties = template.properties
    validate = properties.validate_
    profile = properties.vm_profile
    handling = properties.error_handling
    validators = (validate and validate.in_vm_validations) or ()
    return Blueprint(
        name=names.slug(template.name or name, "image"),
        target=target,
        source=_source(properties.source),
        vm_size=(profile and profile.vm_size) or DEFAULT,
        disk_size_gb=(profile and profile.os_disk_size_gb) or 0,
        steps=_steps(properties.customize or (), "scripts", "files", "step", downloads),
        validations=_steps(validators, "scripts/validate", "files/validate", "validation", downloads),
        destinations=tuple(_destination(distributor) for distributor in properties.distribute),
        timeout_minutes=properties.build_timeout_in_minutes or DEFAULT_TIMEOUT_MINUTES,
        on_customizer_error=(handling and handling.on_customizer_error) or "cleanup",
        on_validation_error=(handling and handling.on_validation_error) or "cleanup",
        distribute_despite_failure=bool(validate and validate.continue_distribute_on_failure),
        version=_explicit_version(properties.distribute),
    )


def _source(source: Any) -> Source:
    return Source(source.publisher, source.offer, source.sku, source.version)


def _steps(
    entries: Sequence[Any], scripts: str, files: str, prefix: str, downloads: Mapping[str, bytes]
) -> tuple[Step, ...]:
    """The steps of one list of the template, in its order."""
    return tuple(
        _file_step(position, entry, files, prefix, downloads[entry.source_uri])
        if entry.type == "File"
        else _shell_step(position, entry, scripts, prefix, downloads)
        for position, entry in enumerate(entries, start=1)
    )


def _shell_step(position: int, entry: Any, folder: str, prefix: str, downloads: Mapping[str, bytes]) -> Step:
    """An inline or scriptUri step: its file is what runs.

    Packer's shell provisioner joins inline lines to one script under `#!/bin/sh -e` (aib-reference 2.3).
    """
    if entry.inline is not None:
        ending, default = ".sh", "shell"
        content = SHEBANG + "".join(line + "\n" for line in entry.inline).encode()
    else:
        uri_name = _last_part(entry.script_uri)
        ending, default = names.suffix(uri_name, ".sh"), names.slug(PurePosixPath(uri_name).stem, "shell")
        content = downloads[entry.script_uri]
    key = names.step_key(position, entry.name or "", default)
    return Step(
        key=key, title=entry.name or key, kind="shell", module=names.module_name(prefix, key),
        file=f"{folder}/{key}{ending}", content=content,
    )  # fmt: skip


def _file_step(position: int, entry: Any, folder: str, prefix: str, content: bytes) -> Step:
    uri_name = _last_part(entry.source_uri)
    key = names.step_key(position, entry.name or "", names.slug(PurePosixPath(uri_name).stem, "file"))
    destination = entry.destination
    if destination.endswith("/"):  # a folder: Packer's file provisioner keeps the name of the source
        destination += uri_name
    return Step(
        key=key, title=entry.name or key, kind="file", module=names.module_name(prefix, key),
        file=f"{folder}/{key}{names.suffix(uri_name, '')}", content=content, destination=destination,
    )  # fmt: skip


def _last_part(uri: str) -> str:
    """The file name at the end of an address or path, without a query."""
    return PurePosixPath(urlsplit(uri).path).name


def _destination(distributor: Any) -> Destination:
    tags = tuple(sorted((distributor.artifact_tags or {}).items()))
    kind: Literal["SharedImage", "ManagedImage", "VHD"] = distributor.type
    match kind:
        case "SharedImage":
            resource = distributor.gallery_image_id.partition("/versions/")[0]
        case "ManagedImage":
            resource = distributor.image_id
        case "VHD":
            resource = distributor.uri or ""
    return Destination(distributor.run_output_name, kind, resource, tags)


def _explicit_version(distributors: Sequence[Any]) -> str | None:
    """The version that a galleryImageId ends in; the rules have seen to it that there is only one."""
    for distributor in distributors:
        if distributor.type == "SharedImage":
            version: str = distributor.gallery_image_id.partition("/versions/")[2]
            if version:
                return version
    return None
