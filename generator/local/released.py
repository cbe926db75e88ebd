"""The released images on this computer, as the manifests beside them tell of them."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError
from generator.local import images
from generator.workspace import names
from generator.workspace.blueprint import Blueprint
from generator.workspace.ledger import SCHEMA, Release


def find(workspace: Path, blueprint: Blueprint) -> dict[str, Release]:
    """The releases by version, with each image whose manifest is whole."""
    found: dict[str, Release] = {}
    for output in blueprint.destinations:
        for folder in sorted(_parent(workspace, output.name).glob("*.*.*")):
            with suppress(ImagegenError, KeyError):
                manifest = images.manifest(folder)
                image = {
                    "directory": names.image_folder(output.name, folder.name), "kind": output.kind,
                    "manifest": {part: manifest[part] for part in ("content", "name", "source", "tags", "version")},
                    "resource": output.resource, "source_id": "",
                }  # fmt: skip
                release = found.setdefault(folder.name, {
                    "content": manifest["content"], "images": {}, "schema": SCHEMA, "source": manifest["source"],
                    "status": "released", "time": "", "version": folder.name,
                })  # fmt: skip
                release["images"][output.name] = image
    return found


def occupied(workspace: Path, blueprint: Blueprint) -> set[str]:
    """The versions for which a folder of one of the outputs exists, whoever made it."""
    parents = [_parent(workspace, output.name) for output in blueprint.destinations]
    known = {folder.name for parent in parents for folder in parent.glob("*.*.*")}
    return {name for name in known if not name.startswith(".")}


def is_made(workspace: Path, image: dict[str, Any]) -> bool:
    """Whether an image was made as its ledger entry says, in this very build."""
    try:
        said = images.manifest(workspace / image["directory"])
    except ImagegenError:
        return False
    return all(said.get(name) == value for name, value in image["manifest"].items())


def _parent(workspace: Path, output: str) -> Path:
    return Path(workspace, names.image_folder(output, "0.0.0")).parent
