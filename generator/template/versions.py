"""The API versions of the format, and what came with each (FORMAT.md 1.10, 1.11)."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Literal

from generator.errors import Problem
from generator.template.document import Document

Level = Literal["error", "warning"]
VERSIONS = (
    "2018-02-01-preview", "2019-02-01-preview", "2019-05-01-preview", "2020-02-14", "2021-10-01", "2022-02-14",
    "2022-07-01", "2023-07-01", "2024-02-01", "2025-10-01",
)  # fmt: skip
STRICT = "2024-02-01"  # from here on names are case-sensitive and unknown ones refused (FORMAT.md 1.1)
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:-preview)?\Z", re.ASCII)

SINCE = (
    ("2020-02-14", "properties.source.planInfo"),
    ("2020-02-14", "properties.vmProfile.osDiskSizeGB"),
    ("2020-02-14", "properties.distribute[*].excludeFromLatest"),
    ("2020-02-14", "properties.distribute[*].storageAccountType"),
    ("2021-10-01", "properties.vmProfile.userAssignedIdentities"),
    ("2021-10-01", "properties.vmProfile.vnetConfig.proxyVmSize"),
    ("2022-02-14", "properties.validate"),
    ("2022-02-14", "properties.stagingResourceGroup"),
    ("2022-07-01", "properties.optimize"),
    ("2022-07-01", "properties.distribute[*].targetRegions"),
    ("2022-07-01", "properties.distribute[*].versioning"),
    ("2022-07-01", "properties.distribute[*].uri"),
    ("2023-07-01", "properties.errorHandling"),
    ("2024-02-01", "properties.autoRun"),
    ("2024-02-01", "properties.managedResourceTags"),
    ("2024-02-01", "properties.vmProfile.vnetConfig.containerInstanceSubnetId"),
    ("2025-10-01", "properties.additionalDataDisks"),
    ("2025-10-01", "properties.optimize.workload"),
    ("2025-10-01", "properties.distribute[*].replicationMode"),
)  # fmt: skip
# Only a preview had these (FORMAT.md 1.11, 2020-02-14); from then on it is the subnet's id.
GONE = tuple(f"properties.vmProfile.vnetConfig.{name}" for name in ("name", "subnetName", "resourceGroupName"))


def version_of(document: Document) -> str | None:
    """The `apiVersion` of a resource, in any case of the key; None where there is none."""
    if not isinstance(document.value, dict):
        return None
    found = [value for key, value in document.value.items() if key.lower() == "apiversion"]
    return found[0].lower() if found and isinstance(found[0], str) else None


def is_strict(version: str | None) -> bool:
    """Whether a version refuses what older ones let pass (FORMAT.md 1.1). Unknown: it does not."""
    return bool(version and DATE.match(version) and version >= STRICT)


def lets_go_nowhere(version: str | None) -> bool:
    """Whether a version takes a template without distributors: old ones did, as long as nobody ran it (3.2, 11)."""
    return version in VERSIONS and not is_strict(version)


def check(document: Document, version: str | None) -> Iterator[Problem]:
    """What does not go with the template's API version."""
    for path, value in document.select("properties.distribute"):
        if value == []:
            level: Level = "warning" if lets_go_nowhere(version) else "error"
            hint = "add one, such as a VHD"
            yield document.problem(path, "there is no distributor, so no image would be made", hint, level=level)
    if version is None:
        return
    if version not in VERSIONS:
        yield _unknown(document, version)
        return
    level = "error" if is_strict(version) else "warning"
    for since, pattern in SINCE:
        for path, value in document.select(pattern) if version < since else ():
            if value is not None:
                what = f"`{path[-1]}` came with {since}: Azure {'refuses' if level == 'error' else 'ignored'} it here"
                yield document.problem(path, what, f'write "apiVersion": "{since}"', level=level, at_key=True)
    for pattern in GONE:
        for path, _ in document.select(pattern):
            what = f"`{path[-1]}` was only in a preview of the format"
            yield document.problem(path, what, "write the subnet's id as `subnetId`", level=level, at_key=True)


def _unknown(document: Document, version: str) -> Problem:
    """A version that is none, or newer than what is known here."""
    near = get_close_matches(version, VERSIONS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"use {VERSIONS[-1]}"
    if not DATE.match(version):
        return document.problem(("apiVersion",), f"`{version[:60]}` is not an API version", hint)
    said = f"the API version {version} is not known here"
    return document.problem(("apiVersion",), said, hint, level="warning")
