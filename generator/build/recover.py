"""Ending what a build left behind, whether it ended by itself, failed, or was killed."""

import shutil
from pathlib import Path

from generator.build import journal, releases, secrets
from generator.build.target import Request, Target
from generator.build.terraform import Terraform
from generator.errors import ImagegenError
from generator.settings import Settings

IMAGE = "module.image["


def clean_up(request: Request, terraform: Terraform, *, quiet: bool = False) -> list[str]:
    """End every machine, resource and file of a build that is no longer run; settle its images with the ledger.

    The caller holds the lease, so whatever is found has no owner any more. Returns what was ended. Where nothing is
    left this costs one look at the state.
    """
    workspace, target = request.workspace, request.target
    record = journal.read(workspace)
    ended = [f"build of {record.version} (phase {record.phase})"] if record else []
    folders = set(secrets.folders_of(workspace, request.settings.state_dir))
    if record and (folder := secrets.folder_of(record, request.settings.state_dir)):
        folders.add(folder)
    for folder in folders:
        target.stop(folder)
    in_state = terraform.state_list()
    _settle_images(workspace, target, terraform, in_state)
    left = [address for address in in_state if not address.startswith(IMAGE)]
    if left:
        terraform.apply(refresh=False)
        ended = ended or left
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=not folder.exists())
        ended = ended or ["the files of a build"]
    journal.clear(workspace)
    if ended and not quiet:
        request.events.note(f"ended what was left behind: {', '.join(ended)}")
    return ended


def _settle_images(workspace: Path, target: Target, terraform: Terraform, in_state: list[str]) -> None:
    """A version whose images were all made when its build was cut off is released; any other coming one is undone."""
    coming = journal.path(workspace, "coming.tfvars.json")
    if not coming.exists():
        return
    ledger = releases.load(workspace)
    try:
        meant = releases.parse(coming.read_bytes()).releases
    except ValueError:
        meant = {}  # cut off while it was written: no image was begun
    for version, release in meant.items():
        if version in ledger.releases:
            continue
        # In the state an image may be tainted, whole or not; where it is released it is imported again.
        if addresses := [address for address in in_state if _is_image_of(address, version)]:
            terraform.forget(addresses)
        if target.whole(workspace, release):
            releases.save(workspace, ledger.with_release(version, release | {"status": "released"}))
            terraform.apply(refresh=False)
        else:
            target.discard(workspace, release)
    coming.unlink()


def refuse_behind(ledger: releases.Ledger, terraform: Terraform) -> None:
    """Raise ImagegenError when the state has images of versions that the ledger does not know (azure-facts 2)."""
    known = {
        address.rpartition("/")[2].partition('"')[0] for address in terraform.state_list() if address.startswith(IMAGE)
    }
    if missing := sorted(known - set(ledger.releases), key=releases.sort_key):
        raise ImagegenError(
            f"the state has released images that the ledger lacks: {', '.join(missing)}",
            f"your checkout is behind the state: bring {releases.LEDGER} up to date",
        )


def retire(workspace: Path, version: str, target: Target, settings: Settings) -> None:
    """Take a released version out of service: first the ledger says so, then its images and their state go."""
    with journal.lease(workspace):
        ledger = releases.load(workspace)
        if version not in ledger.released():
            known = ", ".join(sorted(ledger.released(), key=releases.sort_key)) or "none"
            raise ImagegenError(f"version {version} is not in service", f"released are: {known}")
        terraform = Terraform(workspace, settings.terraform)
        terraform.init()
        release = ledger.releases[version]
        releases.save(workspace, ledger.with_release(version, release | {"status": "retired"}))
        gone = [address for address in terraform.state_list() if _is_image_of(address, version)]
        if gone:
            terraform.forget(gone)
        target.discard(workspace, release)
        terraform.apply(refresh=False)


def _is_image_of(address: str, version: str) -> bool:
    return address.startswith(IMAGE) and f'/{version}"]' in address
