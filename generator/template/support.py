"""What the format has and this release does not carry out yet: refused by name, or (IGNORED) warned of.

Both tables shrink as releases grow.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from generator.errors import Problem
from generator.settings import Settings
from generator.template.document import Document, Path

API_VERSION = "2024-02-01"


class Gap(NamedTuple):
    """A place in the format, when it matters (by default: when it is there), and what is said of it."""

    where: str
    what: str
    hint: str | None = None
    when: Callable[[Any], bool] = lambda value: value not in (None, "", [], {}, False)


def is_one_of(*names: str) -> Callable[[Any], bool]:
    """True for these strings."""
    return lambda value: value in names if isinstance(value, str) else False


def _is_enabled(value: Any) -> bool:
    return bool(value == "Enabled")


def _is_other_version(value: Any) -> bool:
    return isinstance(value, str) and value != API_VERSION and not PLACEHOLDER.search(value)


def _is_windows(value: Any) -> bool:
    return isinstance(value, str) and value.lower().startswith("microsoftwindows")


OTHER_SOURCES = is_one_of("ManagedImage", "SharedImageVersion", "ISO")
WINDOWS_STEPS = is_one_of("PowerShell", "WindowsRestart", "WindowsUpdate")

REFUSED = (
    Gap("apiVersion", "API version `{}`", f"write {API_VERSION}", _is_other_version),
    Gap("properties.source.planInfo", "`planInfo`"),
    Gap("properties.source.type", "source type `{}`", "use PlatformImage", OTHER_SOURCES),
    Gap("properties.source.publisher", "a Windows source", "use a Linux image", _is_windows),
    Gap("properties.customize[*].type", "customizer `{}`", "use Shell or File", WINDOWS_STEPS),
    Gap("properties.validate.inVMValidations[*].type", "validator `{}`", "use Shell or File", WINDOWS_STEPS),
    Gap("properties.validate.sourceValidationOnly", "`sourceValidationOnly`", "set it to false"),
    Gap("properties.optimize.vmBoot.state", "`optimize.vmBoot`", "set it to Disabled", _is_enabled),
    Gap("properties.optimize.workload.state", "`optimize.workload`", "set it to Disabled", _is_enabled),
    Gap("properties.autoRun.state", "`autoRun`", "set it to Disabled", _is_enabled),
    Gap("properties.additionalDataDisks", "`additionalDataDisks`"),
    Gap("properties.stagingResourceGroup", "`stagingResourceGroup`"),
    Gap("properties.vmProfile.vnetConfig", "`vnetConfig`"),
    Gap("properties.vmProfile.userAssignedIdentities", "`userAssignedIdentities`"),
    Gap("properties.distribute[*].versioning", "`versioning`"),
    Gap("properties.distribute[*].replicationMode", "`replicationMode`"),
)  # fmt: skip

# What the local target cannot honour; an image that stays on this computer has no regions and no identities.
IGNORED = (
    Gap("identity", "`identity`", None, lambda value: isinstance(value, dict) and value.get("type") != "None"),
    Gap("properties.managedResourceTags", "`managedResourceTags`"),
    Gap("properties.distribute[*].targetRegions", "`targetRegions`"),
    Gap("properties.distribute[*].replicationRegions", "`replicationRegions`"),
    Gap("properties.distribute[*].excludeFromLatest", "`excludeFromLatest`"),
    Gap("properties.distribute[*].storageAccountType", "`storageAccountType`"),
)

# An expression calls a function: `[ -f /etc/x ]` and `[[ … ]]` are shell. In a plain body, `[[` stays as it is.
EXPRESSION = re.compile(r"\[\s*[A-Za-z_][\w.]*\s*\(.*\]\s*\Z", re.DOTALL)
PLACEHOLDER = re.compile(r"<[A-Za-z][\w .-]{0,80}>")
# Where `<…>` may well be meant: scripts are full of it; names and tags are text, so only a whole one counts.
SCRIPT_KEYS = {"inline", "restartCommand", "restartCheckCommand", "searchCriteria", "filters"}
TEXT_KEYS = {"tags", "artifactTags", "managedResourceTags", "name"}


def whole_file(document: Document) -> Problem | None:
    """Why the file is not a plain resource body at all, or None."""
    if not isinstance(document.value, dict):
        return document.problem((), "an image template is a JSON object: `{ … }`")
    if "resources" in document.value or "deploymentTemplate" in str(document.value.get("$schema", ""))[:200]:
        at = "resources" if "resources" in document.value else "$schema"
        hint = "give the image template alone: the resource with its properties"
        return document.problem((at,), "deployment templates are not read by this release", hint, at_key=True)
    return None


def check(document: Document, settings: Settings) -> Iterator[Problem]:
    """Everything in the document that this release does not carry out, errors and warnings."""
    for gap in REFUSED:
        for path, value in document.select(gap.where):
            if gap.when(value):
                what = gap.what.format(value)
                yield document.problem(path, f"{what} is not supported by this release", gap.hint or "take it away")
    if settings.target == "local":
        for gap in IGNORED:
            for path, value in document.select(gap.where):
                if gap.when(value):
                    message = f"{gap.what} has no effect on the local target"
                    yield document.problem(path, message, level="warning", at_key=True)


def unresolved(document: Document) -> Iterator[Problem]:
    """Expressions and placeholders, in keys too."""
    for path, value, at_key in document.walk():
        if isinstance(value, str) and (said := _unresolved(path, value)):
            yield document.problem(path, *said, at_key=at_key)


def _unresolved(path: Path, text: str) -> tuple[str, str] | None:
    if EXPRESSION.match(text):
        return "ARM expressions are not evaluated by this release", "write the value itself"
    if SCRIPT_KEYS & set(path):
        return None
    free = TEXT_KEYS & {path[-1], *path[-2:-1]}
    found = PLACEHOLDER.fullmatch(text) if free else PLACEHOLDER.search(text)
    return (f"the placeholder {found[0]} is not filled in", "write the value in its place") if found else None
