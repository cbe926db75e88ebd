"""Ending what a build left behind, whether it ended by itself, failed, or was killed."""

import json
import os
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path

from generator.build import journal, numbering, releases, rest, secrets
from generator.build.failures import TerraformCrashed, TerraformFailed
from generator.build.target import PLANNED, Job, Request, Resolved
from generator.build.terraform import Terraform, image_modules
from generator.errors import ImagegenError

STATE = "terraform.tfstate"
# What a Terraform leaves that is killed, or cannot write its state to a full disk.
TERRAFORMS_REMAINS = (".terraform.tfstate.lock.info", "errored.tfstate")


def clean_up(request: Request, terraform: Terraform, *, quiet: bool = False) -> list[str]:
    """End every machine, resource and file of a build that is no longer run; settle its images with the ledger.

    The caller holds the lease, so whatever is found has no owner any more. Returns what was ended. Where nothing is
    left this costs one look at the state, and in a cloud one at the staging. A Terraform that crashes gets a second
    chance: all of this may be done again.
    """
    try:
        return _clean_up(request, terraform, quiet=quiet)
    except TerraformCrashed as crash:
        request.events.note(f"{crash.message}; once more")
        return _clean_up(request, terraform, quiet=quiet)


def _clean_up(request: Request, terraform: Terraform, *, quiet: bool) -> list[str]:
    """All of it once."""
    workspace, target = request.workspace, request.target
    terraform.shelter()
    record = journal.read(workspace)
    ended = [_named(record)] if record else []
    folders = set(secrets.folders_of(workspace, request.settings.state_dir))
    if record and (folder := secrets.folder_of(record, request.settings.state_dir)):
        folders.add(folder)
    for folder in folders:
        target.stop(folder)
    in_state = _in_state(request, terraform, record)
    settled = _settle_images(request, terraform, in_state, folders)
    settled = _retired(request, terraform, record, in_state) or settled
    released = target.release(request.blueprint, request.events)
    left = rest.staged(in_state, workspace)
    if left or settled:  # not before the target's own release: a machine that is off keeps its run commands
        forgotten = tuple(rest.bring(request, terraform))
        left = [address for address in left if not address.startswith(forgotten)]
    elif (record or in_state) and rest.lacking(request, releases.load(workspace), in_state):
        _take_in(request, terraform)
    ended = ended or left or released
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=not folder.exists())
        ended = ended or ["the files of a build"]
    terraform.sweep()
    journal.clear(workspace)
    for name in TERRAFORMS_REMAINS:  # all that they tell of is ended, or settled with the ledger
        (workspace / name).unlink(missing_ok=True)
    if ended and not quiet:
        request.events.note(f"ended what was left behind: {', '.join(ended)}")
    return ended


def _named(record: journal.Journal) -> str:
    if record.phase == journal.RETIRING:
        return f"retirement of {record.version}"
    return f"build of {record.version} (phase {record.phase})"


def _in_state(request: Request, terraform: Terraform, record: journal.Journal | None) -> list[str]:
    """The addresses in the state. One that a broken build left damaged, as on a full disk, is given up: all that it
    told of is found by other marks, and released images are imported again."""
    path = request.workspace / STATE
    if record and path.is_file() and _is_damaged(path):
        request.events.note(f"{STATE} is damaged; what the broken build made is found without it")
        path.unlink()
    return terraform.state_list()


def _is_damaged(path: Path) -> bool:
    try:
        return path.stat().st_size > 0 and "version" not in json.loads(path.read_bytes())
    except (ValueError, TypeError, RecursionError):
        return True


def _take_in(request: Request, terraform: Terraform) -> None:
    """Import released images that the state lacks. Nothing depends on that."""
    try:
        rest.bring(request, terraform)
    except TerraformFailed as error:
        request.events.note(f"the state lacks released images: {error.message}")


def _settle_images(request: Request, terraform: Terraform, in_state: list[str], folders: set[Path]) -> bool:
    """A version whose images were all made when its build was cut off is released; any other coming one is undone,
    unless released images gave way to it and are gone: then its own are made after all, if that can be.

    Returns whether one was released: its images are to be imported again.
    """
    workspace, target = request.workspace, request.target
    path = journal.path(workspace, journal.COMING)
    if not path.exists():
        return False
    ledger = releases.load(workspace)
    try:
        meant = releases.parse(path.read_bytes())
    except ValueError:
        meant = _meant_again(request, ledger)
    settled = False
    for version in set(meant.releases) - set(ledger.releases):
        release = meant.releases[version]
        made = target.whole(workspace, release["images"], request.events)
        if not made and _gone(request, ledger, meant):
            _make_after_all(request, terraform, folders)
            in_state = terraform.state_list()
            made = target.whole(workspace, release["images"], request.events)
        # In the state an image may be tainted, whole or not; where it is released it is imported again.
        terraform.forget(rest.images_of(in_state, version))
        if made:
            releases.save(workspace, meant.with_release(version, release | {"status": "released"}))
            request.events.note(f"{version} is released: its images were made")
            settled = True
        else:
            target.discard(workspace, release["images"])
            releases.save(workspace, ledger.overwriting(_gone(request, ledger, meant)))
    path.unlink()
    return settled


def _meant_again(request: Request, ledger: releases.Ledger) -> releases.Ledger:
    """What a build was to release, where its own word for that is damaged: decided again from the journal."""
    record = journal.read(request.workspace)
    if record is None or not numbering.is_version(record.version) or record.version in ledger.releases:
        return ledger
    try:
        source, directory = Resolved(**record.source), Path(record.directory)
    except TypeError:  # it is damaged too
        return ledger
    job = Job(request.workspace, request.blueprint, record.version, directory, request.template_digest, source)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    release = request.target.coming(job, PLANNED) | {"status": "coming", "time": now}
    return ledger.overwriting(request.target.displaced(job, ledger)).with_release(record.version, release)


def _make_after_all(request: Request, terraform: Terraform, folders: set[Path]) -> None:
    """Make the images for which released ones were removed, while the machine that they are made of still stands."""
    workspace = request.workspace
    inputs = [journal.path(workspace, journal.INPUTS), *(folder / secrets.VAR_FILE for folder in sorted(folders))]
    var_files = [path for path in (*inputs, journal.path(workspace, journal.COMING)) if path.exists()]
    request.events.note("released images have given way: the new ones are made after all")
    try:
        terraform.apply(var_files=var_files, refresh=False, targets=image_modules(workspace))
    except TerraformFailed as error:
        request.events.note(f"they could not be made: {error.message}")


def _gone(request: Request, ledger: releases.Ledger, meant: releases.Ledger) -> list[tuple[str, str]]:
    """The images that were to give way, as (version, output), and are no longer there."""
    displaced = [
        (version, output)
        for version in ledger.releases
        for output in set(ledger.images(version)) - set(meant.images(version))
    ]
    return [
        (version, output)
        for version, output in displaced
        if not request.target.whole(
            request.workspace, {output: ledger.releases[version]["images"][output]}, request.events
        )
    ]


def retire(request: Request, version: str) -> None:
    """Take a released version out of service: first the ledger says so, then its images and their state go.

    The journal has it from the beginning, so that what is cut off is finished by the next command, this one included.
    Raises ImagegenError when the version is not in service, or a build that broke is not at its end.
    """
    workspace, target = request.workspace, request.target
    with journal.lease(workspace), target.lease(request.blueprint):
        record = journal.read(workspace)
        if record and record.phase != journal.RETIRING:
            hint = f"end it with `imagegen cleanup {shlex.quote(str(workspace))}`, or go on with it"
            raise ImagegenError(f"a build of {record.version} is not at its end here", hint)
        terraform = Terraform(workspace, request.settings, target.environment())
        terraform.init()
        if record:
            clean_up(request, terraform)
        ledger = releases.load(workspace)
        if version not in ledger.released():
            if record and record.version == version:
                return
            known = ", ".join(sorted(ledger.released(), key=numbering.sort_key)) or "none"
            raise ImagegenError(f"version {version} is not in service", f"released are: {known}")
        journal.write(workspace, journal.Journal(version, journal.RETIRING, directory="", pid=os.getpid()))
        releases.save(workspace, ledger.with_release(version, ledger.releases[version] | {"status": "retired"}))
        try:
            clean_up(request, terraform, quiet=True)
        except KeyboardInterrupt:
            request.events.note(f"interrupted: {version} is retired; removing what is left of it")
            clean_up(request, terraform, quiet=True)
            raise


def _retired(request: Request, terraform: Terraform, record: journal.Journal | None, in_state: list[str]) -> bool:
    """Remove the images of the version that the journal has as retiring, if the ledger says so too; what is gone of
    them is fine. Where the journal is damaged it may be any retired version.

    Returns whether there was one.
    """
    if record is None or record.phase not in (journal.RETIRING, journal.UNKNOWN):
        return False
    ledger = releases.load(request.workspace)
    retired = {version for version, status in ledger.statuses().items() if status == "retired"}
    if record.phase == journal.RETIRING:
        retired &= {record.version}
    for version in retired:
        terraform.forget(rest.images_of(in_state, version))
        request.target.discard(request.workspace, ledger.images(version))
    return bool(retired)
