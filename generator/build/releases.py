"""The ledger: what is known of every version. releases.auto.tfvars.json, read by Terraform and by us."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError
from generator.workspace.render import to_json
from generator.workspace.store import atomic_write

LEDGER = "releases.auto.tfvars.json"
FIRST = "1.0.0"
VERSION = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")

Release = dict[str, Any]


@dataclass(frozen=True)
class Ledger:
    """Version => release. A release has `status`, `time`, `source`, `template` and `images` by output name."""

    releases: dict[str, Release]

    def released(self) -> dict[str, Release]:
        """The releases that are in service."""
        return {version: release for version, release in self.releases.items() if release["status"] == "released"}

    def with_release(self, version: str, release: Release) -> "Ledger":
        """A ledger that has this release too."""
        return Ledger(self.releases | {version: release})


def load(folder: Path) -> Ledger:
    """The ledger of a workspace, empty where there is none. Raises ImagegenError when it is damaged."""
    path = folder / LEDGER
    if not path.exists():
        return Ledger({})
    try:
        releases = dict[str, Release](json.loads(path.read_text("utf-8"))["releases"].items())
        damaged = [version for version in releases if not _whole(version, releases[version])]
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ImagegenError(f"the ledger {path} cannot be read", "restore it: the images are still there") from error
    if damaged:
        raise ImagegenError(
            f"the ledger {path} is damaged at version {damaged[0]}", "restore it: the images are still there"
        )
    return Ledger(releases)


def _whole(version: str, release: Any) -> bool:
    return (
        bool(VERSION.fullmatch(version)) and isinstance(release["status"], str) and isinstance(release["images"], dict)
    )


def save(folder: Path, ledger: Ledger) -> None:
    """Write the ledger, whole and durable. No release at all: no file."""
    atomic_write(folder / LEDGER, as_tfvars(ledger), sync=True)


def as_tfvars(ledger: Ledger) -> bytes:
    """The ledger as Terraform reads it."""
    return to_json({"releases": ledger.releases})


def choose_version(ledger: Ledger, wanted: str | None) -> str:
    """The version of the next build: the wanted one, else the highest known with its patch raised by one.

    Raises ImagegenError for a wanted version that exists, in whatever state, or that is no version.
    """
    if wanted is not None:
        if not VERSION.fullmatch(wanted):
            raise ImagegenError(f"`{wanted}` is not a version", "use the form MAJOR.MINOR.PATCH, such as 1.2.0")
        if wanted in ledger.releases:
            raise ImagegenError(
                f"version {wanted} exists already ({ledger.releases[wanted]['status']})",
                f"choose another, or leave it out for {choose_version(ledger, None)}",
            )
        return wanted
    if not ledger.releases:
        return FIRST
    major, minor, patch = max(sort_key(version) for version in ledger.releases)
    return f"{major}.{minor}.{patch + 1}"


def sort_key(version: str) -> tuple[int, int, int]:
    """A version as numbers, to compare."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch
