"""What the format has and a target does not carry out: refused by name, or ignored with a warning.

The format itself is accepted whole; these tables are asked when a template is read for a target.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from generator.errors import Problem
from generator.settings import Settings
from generator.template import ids
from generator.template.document import Document, Path
from generator.template.rules.base import Part
from generator.template.rules.placement import arm_run_commands, misplaced, networks
from generator.template.schema import PlatformImage, WindowsRestart
from generator.template.systems import system_of


class Gap(NamedTuple):
    """A place in the format, what is said of it, what to do, and when it matters (by default: when it is there)."""

    where: str
    what: str
    hint: str | None = None
    when: Callable[[Any], bool] = lambda value: value not in (None, "", [], {}, False)


class Gaps(NamedTuple):
    """What a target refuses, and what it ignores."""

    refused: tuple[Gap, ...]
    ignored: tuple[Gap, ...]


def is_one_of(*names: str) -> Callable[[Any], bool]:
    """True for these strings."""
    return lambda value: isinstance(value, str) and value in names


def _is_windows(source: Any) -> bool:
    names = ("publisher", "offer", "sku")
    if not isinstance(source, dict) or not all(isinstance(source.get(name), str) for name in names):
        return False
    image = PlatformImage(type="PlatformImage", version="", **{name: source[name] for name in names})
    return system_of(image) == "windows"


def _is_identity(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") not in (None, "None")


def _makes_nothing(properties: Any) -> bool:
    return isinstance(properties, dict) and properties.get("distribute") == []


def _has_no_uri(distributor: Any) -> bool:
    return isinstance(distributor, dict) and distributor.get("type") == "VHD" and not distributor.get("uri")


def _is_not_the_default(command: Any) -> bool:
    return isinstance(command, str) and command not in ("", WindowsRestart(type="WindowsRestart").restart_command)


ENABLED = is_one_of("Enabled")
OTHER_SOURCES = is_one_of("ManagedImage", "SharedImageVersion")
WINDOWS_STEPS = is_one_of("PowerShell", "WindowsRestart", "WindowsUpdate")
SERVICE_ONLY = "only the service can do it: set it to Disabled"
VHD_URI = "add the address of a blob: the service's own storage account is not there"
BY_AZURE = "the machine is restarted through Azure"
TO_AZURE = "build it with --target azure"
NOTHING = Gap("properties", "a template that makes no image", "add a distributor, such as a VHD", _makes_nothing)

LOCAL = Gaps(
    refused=(
        NOTHING,
        Gap("properties.source.type", "source type `{}`", f"use PlatformImage, or {TO_AZURE}", OTHER_SOURCES),
        Gap("properties.source", "a Windows source", f"use a Linux image, or {TO_AZURE}", _is_windows),
        Gap("properties.customize[*].type", "customizer `{}`", "use Shell or File", WINDOWS_STEPS),
        Gap("properties.validate.inVMValidations[*].type", "validator `{}`", "use Shell or File", WINDOWS_STEPS),
        Gap("properties.validate.sourceValidationOnly", "`sourceValidationOnly`", "set it to false"),
        Gap("properties.optimize.vmBoot.state", "`optimize.vmBoot`", "set it to Disabled", ENABLED),
        Gap("properties.optimize.workload.state", "`optimize.workload`", "set it to Disabled", ENABLED),
        Gap("properties.additionalDataDisks", "`additionalDataDisks`", "take it away"),
    ),
    # An image that stays on this computer has no regions, no network of Azure's and no identities.
    ignored=(
        Gap("identity", "`identity`", None, _is_identity),
        Gap("properties.source.planInfo", "`planInfo`"),
        Gap("properties.autoRun.state", "`autoRun`", None, ENABLED),
        Gap("properties.managedResourceTags", "`managedResourceTags`"),
        Gap("properties.stagingResourceGroup", "`stagingResourceGroup`"),
        Gap("properties.vmProfile.vnetConfig", "`vnetConfig`"),
        Gap("properties.vmProfile.userAssignedIdentities", "`userAssignedIdentities`"),
        Gap("properties.distribute[*].targetRegions", "`targetRegions`"),
        Gap("properties.distribute[*].replicationRegions", "`replicationRegions`"),
        Gap("properties.distribute[*].replicationMode", "`replicationMode`"),
        Gap("properties.distribute[*].excludeFromLatest", "`excludeFromLatest`"),
        Gap("properties.distribute[*].storageAccountType", "`storageAccountType`"),
        Gap("properties.distribute[*].versioning", "`versioning`"),
    ),
)
# What only the service can do, and the parts of its isolation that a build by Terraform does not have (FORMAT.md 2.14).
AZURE = Gaps(
    refused=(
        NOTHING,
        Gap("properties.optimize.vmBoot.state", "`optimize.vmBoot`", SERVICE_ONLY, ENABLED),
        Gap("properties.optimize.workload.state", "`optimize.workload`", SERVICE_ONLY, ENABLED),
        Gap("properties.additionalDataDisks", "`additionalDataDisks`", "take it away"),
        Gap("properties.distribute[*]", "a VHD without `uri`", VHD_URI, _has_no_uri),
    ),
    ignored=(
        Gap("identity", "`identity`", "Terraform and imagegen log in as whoever runs them", _is_identity),
        Gap("properties.autoRun.state", "`autoRun`", None, ENABLED),
        Gap("properties.customize[*].restartCommand", "`restartCommand`", BY_AZURE, _is_not_the_default),
        Gap("properties.vmProfile.vnetConfig.proxyVmSize", "`proxyVmSize`"),
        Gap("properties.vmProfile.vnetConfig.containerInstanceSubnetId", "`containerInstanceSubnetId`"),
    ),
)  # fmt: skip
TARGETS = {"local": LOCAL, "azure": AZURE}
# The ids that say in which subscription a build happens, the first first.
BOUND = (
    "id", "properties.stagingResourceGroup", "properties.vmProfile.vnetConfig.subnetId",
    "properties.distribute[*].galleryImageId", "properties.distribute[*].imageId",
)  # fmt: skip


def check(document: Document, target: str) -> Iterator[Problem]:
    """Everything in the document that the target does not carry out, errors and warnings."""
    gaps = TARGETS[target]
    for path, value, gap in _found(document, gaps.refused):
        what = gap.what.format(value) if isinstance(value, str) else gap.what
        yield document.problem(path, f"{what} is not supported on the {target} target", gap.hint)
    for path, _, gap in _found(document, gaps.ignored):
        message = f"{gap.what} has no effect on the {target} target"
        yield document.problem(path, message, gap.hint, level="warning", at_key=True)


def placement(document: Document, given: Document, parts: list[Part], settings: Settings) -> Iterator[Problem]:
    """What the Azure target cannot do from where it builds. `given`: the document as it stands in the file."""
    if settings.target != "azure":
        return
    location = _select_any_case(document.value, "location")
    region = ids.region(location if isinstance(location, str) and location else settings.location)
    subscription = settings.subscription_id.lower() or ids.first_subscription(
        value for pattern in BOUND for _, value in document.select(pattern)
    )
    network = _select_any_case(given.value, "properties", "vmProfile", "vnetConfig")
    found = chain(
        misplaced(parts, region, subscription), networks(parts, network, subscription),
        arm_run_commands(parts, settings.communicator, bastion=bool(settings.bastion_host)),
    )  # fmt: skip
    for one in found:
        yield document.problem(one.path, one.message, one.hint, level=one.level)


def _select_any_case(value: Any, *names: str) -> Any:
    """What stands at a path of keys in any case; None where nothing does."""
    for name in names:
        members = value if isinstance(value, dict) else {}
        value = next((item for key, item in members.items() if key.lower() == name.lower()), None)
    return value


def _found(document: Document, gaps: tuple[Gap, ...]) -> Iterator[tuple[Path, Any, Gap]]:
    for gap in gaps:
        yield from ((path, value, gap) for path, value in document.select(gap.where) if gap.when(value))
