"""What a template and the settings decide for the Azure target alone. Pure."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from generator.errors import ImagegenError
from generator.settings import Settings
from generator.template import addresses, ids, tags
from generator.template.systems import system_of
from generator.workspace import backend
from generator.workspace.blueprint import Azure, Bastion, Communicator, Step, System

# Microsoft, "Naming rules and restrictions for Azure resources": a group's name has at most 90 characters, and does
# not end in a point.
GROUP_LENGTH = 90
# A run command takes 256 KiB (Microsoft, "Run scripts in your Linux VM by using managed Run Commands"); a step is
# wrapped there, and in base64.
LARGEST_SCRIPT = 180 * 1024
WORKSPACE_TAG, VERSION_TAG = tags.WORKSPACE, tags.VERSION
CONTENT_TAG, SOURCE_TAG = tags.CONTENT, tags.SOURCE  # what went into a released image, and what it started from
TAG_LENGTH = tags.LONGEST_VALUE
BUILD_TAG, UNTIL_TAG = tags.BUILD, tags.UNTIL  # whose staging it is, and when that build is over for sure
# What one script at the machine's creation cannot do.
EXTENSION_MINUTES = 90  # Microsoft, "Azure virtual machine extensions and features": the longest one may take
NOT_BUNDLED = ("WindowsRestart", "WindowsUpdate", "File")


def azure_of(template: Any, name: str, settings: Settings) -> Azure:
    """The Azure side of a blueprint. Raises ImagegenError for what neither the template nor the settings say."""
    properties = template.properties
    profile = properties.vm_profile
    subnet = ids.canonical((profile and profile.vnet_config and profile.vnet_config.subnet_id) or "")
    location = ids.region(template.location or settings.location)
    if not location:
        raise ImagegenError("the template has no `location`", "add it, or set `location` in imagegen.toml")
    identity = _identity(template, name)
    system = _system(properties)
    given_group = ids.group(properties.staging_resource_group or "")
    return Azure(
        id=identity,
        subscription_id=_subscription(template, settings, subnet),
        location=location,
        group=given_group or _group_name(template, name, identity),
        own_group=not given_group,
        storage_account=f"igs{identity}",
        system=system,
        communicator=_communicator(settings, system, subnet, properties),
        subnet_id=subnet,
        bastion=_bastion(settings),
        identities=tuple(dict.fromkeys(map(ids.canonical, (profile and profile.user_assigned_identities) or ()))),
        tags=_tags(template, name, identity),
        update_rounds=settings.update_rounds,
        backend=backend.arguments(settings.backend, name),
    )


def refuse_large(communicator: Communicator, steps: Iterable[Step]) -> None:
    """Raise ImagegenError for a script that no run command takes."""
    large = [step.file for step in steps if step.kind != "file" and len(step.content) > LARGEST_SCRIPT]
    if large and communicator != "ssh":
        raise ImagegenError(
            f"{large[0]} is too large for a run command, which takes {LARGEST_SCRIPT // 1024} KiB",
            "let a short script fetch the rest",
        )


def _identity(template: Any, name: str) -> str:
    """What tells this workspace from others: its template's name and where its images go."""
    parts = [name, *sorted(_resources(template))]
    return hashlib.sha256("\n".join(parts).lower().encode()).hexdigest()[:12]


def _resources(template: Any) -> Iterator[str]:
    """The ids and addresses that the distributors name, without a version."""
    for target in template.properties.distribute:
        named = getattr(target, "gallery_image_id", None) or getattr(target, "image_id", None)
        yield ids.without_version(named) if named else addresses.plain(target.uri or "")


def _subscription(template: Any, settings: Settings, subnet: str) -> str:
    """Where the build happens: the setting, else the first subscription that the template is bound to, in lower case
    as Azure writes it."""
    bound = [template.id, template.properties.staging_resource_group, subnet, *_resources(template)]
    return settings.subscription_id.lower() or ids.first_subscription(bound)


def _group_name(template: Any, name: str, identity: str) -> str:
    """`IT_<destination group>_<template name>_<hash>`, cut in the middle to what Azure takes."""
    groups = list(filter(None, map(ids.group, _resources(template))))
    stem = re.sub(r"[^A-Za-z0-9_.()-]", "-", f"IT_{groups[0] if groups else 'vhd'}_{name}")
    return f"{stem[: GROUP_LENGTH - 9]}_{identity[:8]}"


def _system(properties: Any) -> System:
    """The system of the source, by its name; a source without one is told by the steps that run on it."""
    if properties.source.type == "PlatformImage" and (named := system_of(properties.source)):
        return named
    windows = any(entry.type in ("PowerShell", "WindowsRestart", "WindowsUpdate") for entry in _entries(properties))
    return "windows" if windows else "linux"


def _communicator(settings: Settings, system: System, subnet: str, properties: Any) -> Communicator:
    """`auto`: SSH to a Linux machine with a network of its own, run commands to all others (azure/FACTS.md 29)."""
    wanted = settings.communicator
    if wanted == "ssh" and system == "windows":
        raise ImagegenError("a Windows machine is not reached by SSH", "set communicator to auto or run-command")
    if wanted == "ssh" and subnet and not settings.bastion_host:
        raise ImagegenError(
            "SSH does not reach a machine in a subnet of yours", "set bastion_host, or communicator to run-command"
        )
    if wanted == "extension" and (found := {entry.type for entry in _entries(properties)} & set(NOT_BUNDLED)):
        raise ImagegenError(
            f"one extension cannot carry {', '.join(sorted(found))}", "set communicator to auto or run-command"
        )
    if wanted == "extension" and (properties.build_timeout_in_minutes or 0) > EXTENSION_MINUTES:
        raise ImagegenError(
            f"an extension may run {EXTENSION_MINUTES} minutes, the build {properties.build_timeout_in_minutes}",
            "lower buildTimeoutInMinutes, or set communicator to auto or run-command",
        )
    if settings.bastion_host and not subnet:
        raise ImagegenError(
            "`bastion_host` is for a machine in a subnet of yours", "add vmProfile.vnetConfig.subnetId, or leave it out"
        )
    if wanted == "auto":
        return "ssh" if system == "linux" and (not subnet or settings.bastion_host) else "run-command"
    return wanted  # type: ignore[return-value] # settings.py allows no other


def _entries(properties: Any) -> list[Any]:
    validate = properties.validate_
    return [*(properties.customize or ()), *((validate and validate.in_vm_validations) or ())]


def _bastion(settings: Settings) -> Bastion | None:
    """`[USER@]HOST[:PORT]` of the bastion_host setting."""
    if not settings.bastion_host:
        return None
    found = re.fullmatch(r"(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9.-]+)(?::(\d{1,5}))?", settings.bastion_host)
    if not found or found[2].startswith("-"):
        raise ImagegenError(f"`{settings.bastion_host}` is not a bastion host", "write [USER@]HOST[:PORT]")
    return Bastion(host=found[2], port=int(found[3] or 22), user=found[1] or "azureuser")


def _tags(template: Any, name: str, identity: str) -> tuple[tuple[str, str], ...]:
    """The template's managedResourceTags, and ours, by which a lost build is found again.

    Tag names are compared without case: of `createdBy` and `imageTemplateName` the template's own stay.
    """
    given = dict(template.properties.managed_resource_tags)
    names = {one.lower() for one in given}
    defaults = {tags.CREATED_BY: "imagegen", tags.TEMPLATE_NAME: template.name or name}
    missing = {key: value for key, value in defaults.items() if key.lower() not in names}
    return tuple(sorted((given | missing | {WORKSPACE_TAG: identity}).items()))
