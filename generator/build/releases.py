"""The ledger: what is known of every version. releases.auto.tfvars.json, read by Terraform and by us."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError
from generator.workspace import names
from generator.workspace.render import to_json
from generator.workspace.store import atomic_write

LEDGER = "releases.auto.tfvars.json"
FIRST = "1.0.0"
STATUSES = ("coming", "released", "retired", "overwritten")
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
        return parse(path.read_bytes())
    except ValueError as error:
        raise ImagegenError(
            f"the ledger {path} is damaged: {error}", "restore it: the images are still there"
        ) from error


def parse(content: bytes) -> Ledger:
    """A ledger from its bytes. Raises ValueError unless every part of it is as we write it.

    Terraform loads the file too, whoever wrote it: no other variable may come in by it, and no path but an image's.
    """
    try:
        value = json.loads(content)
        if set(value) != {"releases"}:
            raise ValueError("it sets more than `releases`")
        for version, release in value["releases"].items():
            if not _is_release(version, release):
                raise ValueError(f"version {version!r} is not as imagegen writes it")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a part is missing or of another kind ({error})") from error
    return Ledger(value["releases"])


def _is_release(version: str, release: Release) -> bool:
    texts = [release["status"], release["time"], release["source"], release["template"]]
    return (
        bool(VERSION.fullmatch(version))
        and release["status"] in STATUSES
        and all(isinstance(text, str) for text in texts)
        and all(_is_image(version, output, image) for output, image in release["images"].items())
    )


def _is_image(version: str, output: str, image: dict[str, Any]) -> bool:
    manifest = image["manifest"]
    return (
        image["directory"] == names.image_folder(output, version)
        and all(isinstance(image[name], str) for name in ("kind", "resource", "source_id"))
        and all(isinstance(manifest[name], str) for name in ("name", "source", "template", "version"))
        and all(isinstance(tag, str) for tag in manifest["tags"].values())
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
