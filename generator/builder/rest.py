"""Bringing a state to rest: Terraform ends what a build made and nothing else, and has every released image."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from generator.builder.address import parse
from generator.builder.failures import TerraformFailed, of_image, retiring
from generator.builder.modules import image_modules
from generator.builder.target import Request
from generator.builder.terraform import Terraform
from generator.errors import ImagegenError
from generator.workspace import ledger as ledgers
from generator.workspace import terraform_state as state
from generator.workspace.azure import WORKSPACE_TAG
from generator.workspace.ledger import Ledger

BEHIND = "the state has released images that the ledger lacks"
BEHIND_HINT = (
    "your checkout is behind: pull it; a release whose commit is lost is brought back by `imagegen releases repair DIR`"
)
# The resources that images are, each the `this` of its module.
KINDS = ("azurerm_shared_image_version", "azurerm_image", "terraform_data")


def bring(request: Request, terraform: Terraform, *, refresh: bool = True) -> list[str]:
    """Have Terraform find what is gone (`refresh`), end what is left, and import released images that its state lacks.

    Terraform ends whatever its state has and the workspace has not. In a state that is damaged, or a stranger's, that
    may be anything, a released image too: what is not of this workspace's staging is forgotten instead. Returns its
    addresses, without an index of their own.
    """
    workspace, target = request.workspace, request.target
    if target.refreshes:
        strange = _strange(request, ledgers.load(workspace), terraform.ids())
    else:  # everything stands for a folder, and only one of a build's is ever removed
        strange = _elsewhere(request, state.directories(workspace))
    if strange:
        request.events.note(f"the state has what is not of this build; it is left alone: {', '.join(strange)}")
    terraform.forget(strange)
    try:
        terraform.apply(refresh=refresh and target.refreshes)
    except TerraformFailed as error:
        if gone := of_image(error.diagnostics):
            raise TerraformFailed(error.message, error.diagnostics, retiring(gone)) from error
        raise
    # It has the state of the build, with the first password of a Windows machine (azure/FACTS.md 19).
    (workspace / "terraform.tfstate.backup").unlink(missing_ok=True)
    return strange


def staged(in_state: Iterable[str], workspace: Path) -> list[str]:
    """The addresses that are not those of images."""
    modules = image_modules(workspace)
    return [address for address in in_state if not is_image(address, modules)]


def is_image(address: str, modules: list[str]) -> bool:
    """Whether an address is one that an image has, in one of these modules."""
    found = parse(address)
    if found is None or f"module.{found.module}" not in modules:
        return False
    return found.kind in KINDS and found.name == "this" and found.text == address and "/" in found.index


def lacking(request: Request, ledger: Ledger, in_state: list[str]) -> bool:
    """Whether the state lacks a released image: a Terraform that is killed as it writes its state may leave none."""
    known = {_of_image(address) for address in in_state}
    return any(
        (output, version) not in known and not request.target.exports({output: image})
        for version in ledger.released()
        for output, image in ledger.images(version).items()
    )


def images_of(in_state: list[str], version: str, output: str = "") -> list[str]:
    """The addresses of a version's images, or of one of them: `module.image["OUTPUT/VERSION"].…`."""
    found = {address: _of_image(address) for address in in_state}
    return [address for address, (name, of) in found.items() if name and of == version and output in ("", name)]


def refuse_foreign(request: Request, terraform: Terraform) -> None:
    """Raise ImagegenError when a remote state is that of another workspace: two of them have the same key.

    A state says whose it is in the output `workspace`; one of 0.1.0 has only the tags of its images. A state that has
    an image of this ledger is this workspace's, whatever its name was before.
    """
    blueprint = request.blueprint
    if blueprint.azure is None or not blueprint.azure.backend:
        return
    name = terraform.outputs().get("workspace")
    images = terraform.attributes(KINDS)
    tags = {found for each in images if (found := (each.get("tags") or {}).get(WORKSPACE_TAG))}
    if name == blueprint.name or (name is None and (not tags or blueprint.azure.id in tags)):
        return
    known = {
        image["id"]
        for release in ledgers.load(request.workspace).releases.values()
        for image in release["images"].values()
    }
    if known & {str(each.get("id")) for each in images}:
        return
    whose = f"`{name}`" if name else f"with the id {', '.join(sorted(tags))}"
    raise ImagegenError(
        f"the state `{dict(blueprint.azure.backend)['key']}` is of another workspace, {whose}",
        "give each workspace a key of its own, such as `key={name}.tfstate`, and generate it again",
    )


def refuse_behind(ledger: Ledger, terraform: Terraform) -> None:
    """Raise ImagegenError when the state has images of versions that the ledger does not know (azure/FACTS.md 2)."""
    if missing := _unknown(ledger, terraform.state_list()):
        raise ImagegenError(f"{BEHIND}: {', '.join(missing)}", BEHIND_HINT)


def is_behind(request: Request, terraform: Terraform, in_state: list[str]) -> bool:
    """Whether the ledger lacks images of the state, which is told. Terraform, which would end them, is not run then."""
    ledger = ledgers.load(request.workspace)
    if not _unknown(ledger, in_state) or not (missing := _unknown(ledger, terraform.state_list())):
        return False
    request.events.note(f"{BEHIND}: {', '.join(missing)}; {BEHIND_HINT}")
    return True


def _unknown(ledger: Ledger, in_state: Iterable[str]) -> list[str]:
    return sorted({_of_image(address)[1] for address in in_state} - {""} - set(ledger.releases))


def _strange(request: Request, ledger: Ledger, ids: dict[str, set[str]]) -> list[str]:
    """The addresses of what is neither of the staging nor the image that the ledger has there."""
    modules = image_modules(request.workspace)
    images = {(name, of): image for of in ledger.released() for name, image in ledger.images(of).items()}
    return [
        address
        for address, found in ids.items()
        if not address.split(".")[-2].startswith("terraform_")  # stands for nothing
        and not (
            _is_its_own(found, images, _of_image(address))
            if is_image(address, modules)
            else all(_owns(request, one) for one in found)
        )
    ]


def _elsewhere(request: Request, directories: dict[str, set[str]]) -> list[str]:
    """The addresses of what stands for a folder that is not of a build of this workspace, such as what the state of a
    copied workspace has. A folder that is gone is nobody's."""
    modules = image_modules(request.workspace) if directories else []
    return [
        address
        for address, found in directories.items()
        if not is_image(address, modules) and not all(_is_removable(request, Path(one)) for one in found)
    ]


def _is_removable(request: Request, folder: Path) -> bool:
    return _owns(request, str(folder)) and (folder.parent in request.folders or not folder.exists())


def _owns(request: Request, resource_id: str) -> bool:
    return any(request.target.owns(blueprint, resource_id) for blueprint in request.blueprints)


def _is_its_own(found: set[str], images: dict[tuple[str, str], dict[str, Any]], which: tuple[str, str]) -> bool:
    """Whether an image's ids are not those of another released one. What the ledger does not know is left to it."""
    lower = {one.lower() for one in found}
    if which in images:
        return lower == {images[which]["id"].lower()}
    return lower.isdisjoint(image["id"].lower() for image in images.values())


def _of_image(address: str) -> tuple[str, str]:
    """The output and the version that an image's address is of; ("", "") for any other."""
    found = parse(address)
    output, _, version = found.index.partition("/") if found and found.module.startswith("image") else ("", "", "")
    return output, version
