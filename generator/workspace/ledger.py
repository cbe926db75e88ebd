"""The ledger: what is known of every released version, in one file a version: `releases/VERSION/release.json`.

Terraform reads these files too, as data. Two branches that release different versions merge without a conflict; the
same version on both is a conflict on purpose.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError, to_paste
from generator.system.files import has_conflict
from generator.system.records import atomic_write, from_json, remove_unfinished, to_json
from generator.template import plain
from generator.workspace import names
from generator.workspace.versions import is_version, sort_key

FOLDER = "releases"
FILE = "release.json"
# The ledger of imagegen 0.1.0: one file that Terraform loaded as a variable.
OLD_FILE = "releases.auto.tfvars.json"
OLD_STATUSES = {"coming": "pending", "overwritten": "superseded"}
SCHEMA = 1
# A pending release is one whose images are being made. It is never in the ledger: Terraform gets it by a variable.
PENDING = "pending"
STATUSES = (PENDING, "released", "superseded", "retired")

Release = dict[str, Any]


@dataclass(frozen=True)
class Ledger:
    """Version => release. A release has `status`, `time`, `source`, `content` and `images` by output name."""

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
        return {output: image for output, image in images.items() if image.get("status") != "superseded"}

    def superseding(self, superseded: Sequence[tuple[str, str]]) -> "Ledger":
        """A ledger in which these images, as (version, output), were replaced by later ones of the same name.

        A release with no other image is superseded itself.
        """
        releases = deepcopy(self.releases)
        for version, output in superseded:
            images = releases[version]["images"]
            images[output]["status"] = "superseded"
            if all(image.get("status") == "superseded" for image in images.values()):
                releases[version]["status"] = "superseded"
        return Ledger(releases)


def path_of(folder: Path, version: str) -> Path:
    """The file of a version."""
    return folder / FOLDER / version / FILE


def files(folder: Path) -> list[Path]:
    """The files of a workspace's ledger that exist."""
    found = sorted((folder / FOLDER).glob(f"*/{FILE}"))
    old = folder / OLD_FILE
    return [*found, *([old] if old.exists() else [])]


def load(folder: Path) -> Ledger:
    """The ledger of a workspace, empty where there is none; of 0.1.0 too. Raises ImagegenError when it is damaged."""
    releases: dict[str, Release] = {}
    for path in reversed(files(folder)):
        content = plain.read(path, plain.LARGEST)
        try:
            releases |= _parse_old(content) if path.name == OLD_FILE else {path.parent.name: _parse(path, content)}
        except ValueError as error:
            if has_conflict(content):
                raise ImagegenError(
                    f"{path} has conflict markers of git: two branches released the same version",
                    f"keep the entry of the version that exists (`{to_paste('imagegen', 'releases', 'repair', folder)}`"
                    " shows it), and build the other again",
                ) from error
            raise ImagegenError(
                f"the ledger {path} is damaged: {error}",
                f"restore it from git, or remove it and run `{to_paste('imagegen', 'releases', 'repair', folder)}`:"
                " the images still exist",
            ) from error
    return Ledger(dict(sorted(releases.items(), key=lambda item: sort_key(item[0]))))


def require(folder: Path, *, local: bool) -> None:
    """Raise ImagegenError unless the ledger can be read, is as Terraform reads it, and of the workspace's target."""
    releases = load(folder).releases
    if (folder / OLD_FILE).exists():
        raise ImagegenError(
            f"{folder / OLD_FILE} is a ledger of imagegen 0.1.0",
            f"run `{to_paste('imagegen', 'generate', folder)}`, which writes it as releases/VERSION/{FILE}",
        )
    for version, release in releases.items():
        if any(("directory" in image) != local for image in release["images"].values()):
            raise ImagegenError(
                f"the ledger {folder / FOLDER} is of another target: it has {version}", "generate to another folder"
            )


def parse_release(version: str, release: Any) -> Release:
    """A release as read from a file. Raises ValueError unless every part of it is as imagegen writes it.

    Terraform loads the file too, whoever wrote it: no path but an image's may come in by it.
    """
    try:
        if not _is_release(version, release):
            raise ValueError(f"version {version!r} is not as imagegen writes it")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a part is missing or of another kind ({error})") from error
    checked: Release = release
    return checked


def _parse(path: Path, content: bytes) -> Release:
    release = parse_release(path.parent.name, from_json(content, {"version": str, "schema": int}))
    if release["schema"] > SCHEMA:
        raise ValueError(f"a newer imagegen wrote it (schema {release['schema']})")
    if release["version"] != path.parent.name:
        raise ValueError(f"it is of version {release['version']}")
    if release["status"] == PENDING:
        raise ValueError("it is of a version that is not released")
    return release


def _parse_old(content: bytes) -> dict[str, Release]:
    """The releases in a ledger of 0.1.0, as they are written today. Raises ValueError."""
    value = from_json(content, {"releases": dict})
    if set(value) != {"releases"}:
        raise ValueError("it sets more than `releases`")
    try:
        converted = {version: _converted(version, release) for version, release in value["releases"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a part is missing or of another kind ({error})") from error
    for version, release in converted.items():
        parse_release(version, release)
        if release["status"] == PENDING:
            raise ValueError("it has a version that is not released")
    return converted


def _converted(version: str, old: dict[str, Any]) -> Release:
    release = deepcopy(old) | {"schema": SCHEMA, "version": version, "content": old["template"]}
    del release["template"]
    for part in (release, *release["images"].values()):
        if "status" in part:
            part["status"] = OLD_STATUSES.get(part["status"], part["status"])
    return release


def _is_release(version: str, release: Release) -> bool:
    texts = [release["status"], release["time"], release["source"], release["content"]]
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
    digest = manifest["content"] if "content" in manifest else manifest["template"]  # the latter by 0.1.0
    return (
        image["directory"] == names.image_folder(output, version)
        and all(isinstance(text, str) for text in (manifest["name"], manifest["source"], manifest["version"], digest))
        and _is_tags(manifest["tags"])
    )


def _is_azure_image(version: str, image: dict[str, Any]) -> bool:
    """An image in Azure: its id follows from what the template names, so that no other can be meant."""
    suffix = f"/versions/{version}" if image["kind"] == "SharedImage" else ""
    return image["id"] == f"{image['resource']}{suffix}" and _is_tags(image["tags"])


def _is_tags(tags: dict[str, Any]) -> bool:
    return all(isinstance(tag, str) for tag in tags.values())


def save(folder: Path, ledger: Ledger) -> None:
    """Write the files of the ledger that differ, each whole and durable.

    The newest version comes first: whatever happens meanwhile, a release that was just made is on record.
    """
    for version in sorted(ledger.releases, key=sort_key, reverse=True):
        path, content = path_of(folder, version), to_json(ledger.releases[version])
        if not path.exists() or plain.read(path, plain.LARGEST) != content:
            atomic_write(path, content, sync=True)


def migrate(folder: Path) -> list[str]:
    """Write a ledger of 0.1.0 as today's; return the paths that changed. Raises ImagegenError when it is damaged."""
    if not (folder / OLD_FILE).exists():
        return []
    ledger = load(folder)
    save(folder, ledger)
    (folder / OLD_FILE).unlink()
    return [OLD_FILE, *(str(path_of(Path(), version)) for version in ledger.releases)]


def clear_unfinished(folder: Path) -> None:
    """Remove what a killed `save` left. Only for the holder of the lease."""
    remove_unfinished([*files(folder), *(path / FILE for path in (folder / FOLDER).glob("*/"))])


def pending_as_tfvars(version: str, release: Release, superseded: Sequence[tuple[str, str]]) -> bytes:
    """A pending release as Terraform gets it, with the keys of the images that it supersedes."""
    keys = sorted(f"{output}/{of}" for of, output in superseded)
    return to_json({"pending_release": release | {"superseded": keys, "version": version}})


def parse_pending(content: bytes) -> tuple[str, Release, list[tuple[str, str]]]:
    """A pending release: its version, itself, and the images that it supersedes as (version, output).

    Raises ValueError when it is damaged.
    """
    pending = from_json(content, {"pending_release": dict})["pending_release"]
    keys = [str(key).rpartition("/") for key in pending.pop("superseded", None) or ()]
    version = str(pending.get("version"))
    return version, parse_release(version, pending), [(of, output) for output, _, of in keys]
