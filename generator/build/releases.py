"""The ledger: what is known of every version. releases.auto.tfvars.json, read by Terraform and by us."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.build.numbering import is_version
from generator.errors import ImagegenError
from generator.template import plain
from generator.workspace import names
from generator.workspace.files import atomic_write, from_json, to_json
from generator.workspace.store import LEDGER

STATUSES = ("coming", "released", "retired", "overwritten")

Release = dict[str, Any]


@dataclass(frozen=True)
class Ledger:
    """Version => release. A release has `status`, `time`, `source`, `template` and `images` by output name."""

    releases: dict[str, Release]

    def statuses(self) -> dict[str, str]:
        """Version => its status."""
        return {version: str(release["status"]) for version, release in self.releases.items()}

    def released(self) -> dict[str, Release]:
        """The releases that are in service."""
        return {version: release for version, release in self.releases.items() if release["status"] == "released"}

    def with_release(self, version: str, release: Release) -> "Ledger":
        """A ledger that has this release too."""
        return Ledger(self.releases | {version: release})

    def images(self, version: str) -> dict[str, Any]:
        """The images of a release that are in service, by output name."""
        images = self.releases[version]["images"]
        return {output: image for output, image in images.items() if image.get("status") != "overwritten"}

    def overwriting(self, displaced: Sequence[tuple[str, str]]) -> "Ledger":
        """A ledger in which these images, as (version, output), have given way to later ones of the same name.

        A release none of whose images is left is overwritten itself.
        """
        releases = deepcopy(self.releases)
        for version, output in displaced:
            images = releases[version]["images"]
            images[output]["status"] = "overwritten"
            if all(image.get("status") == "overwritten" for image in images.values()):
                releases[version]["status"] = "overwritten"
        return Ledger(releases)


def load(folder: Path) -> Ledger:
    """The ledger of a workspace, empty where there is none. Raises ImagegenError when it is damaged.

    A release that is on its way is in no ledger: Terraform would make whatever images somebody has written there.
    """
    path = folder / LEDGER
    if not path.exists():
        return Ledger({})
    try:
        ledger = parse(plain.read(path, plain.LARGEST))
        if "coming" in ledger.statuses().values():
            raise ValueError("it has a version that is not released")
        return ledger
    except ValueError as error:
        raise ImagegenError(
            f"the ledger {path} is damaged: {error}", "restore it: the images are still there"
        ) from error


def require(folder: Path, *, local: bool) -> None:
    """Raise ImagegenError unless a workspace's ledger is one, and of images here or in Azure as the workspace is."""
    for version, release in load(folder).releases.items():
        if any(("directory" in image) != local for image in release["images"].values()):
            raise ImagegenError(
                f"the ledger {folder / LEDGER} is of another target: it has {version}", "generate to another folder"
            )


def parse(content: bytes) -> Ledger:
    """A ledger from its bytes. Raises ValueError unless every part of it is as we write it.

    Terraform loads the file too, whoever wrote it: no other variable may come in by it, and no path but an image's.
    """
    try:
        value = from_json(content, {"releases": dict})
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
        is_version(version)
        and release["status"] in STATUSES
        and all(isinstance(text, str) for text in texts)
        and all(_is_image(version, output, image) for output, image in release["images"].items())
    )


def _is_image(version: str, output: str, image: dict[str, Any]) -> bool:
    if not all(isinstance(image[name], str) for name in ("kind", "resource", "source_id")):
        return False
    if "directory" not in image:
        return _is_azure_image(version, image)
    manifest = image["manifest"]
    return (
        image["directory"] == names.image_folder(output, version)
        and all(isinstance(manifest[name], str) for name in ("name", "source", "template", "version"))
        and _is_tags(manifest["tags"])
    )


def _is_azure_image(version: str, image: dict[str, Any]) -> bool:
    """An image in Azure: its id follows from what the template names, so that no other can be meant."""
    suffix = f"/versions/{version}" if image["kind"] == "SharedImage" else ""
    return image["id"] == f"{image['resource']}{suffix}" and _is_tags(image["tags"])


def _is_tags(tags: dict[str, Any]) -> bool:
    return all(isinstance(tag, str) for tag in tags.values())


def save(folder: Path, ledger: Ledger) -> None:
    """Write the ledger, whole and durable. No release at all: no file."""
    atomic_write(folder / LEDGER, as_tfvars(ledger), sync=True)


def as_tfvars(ledger: Ledger) -> bytes:
    """The ledger as Terraform reads it."""
    return to_json({"releases": ledger.releases})
