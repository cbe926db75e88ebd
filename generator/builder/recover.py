"""Ending what a build left behind, whether it ended by itself, failed, or was killed."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from generator.builder import begun, folders, journal, rest, settle
from generator.builder.failures import TerraformCrashed, TerraformFailed
from generator.builder.target import Request
from generator.builder.terraform import Terraform
from generator.errors import ImagegenError, to_paste
from generator.workspace import ledger as ledgers

STATE = "terraform.tfstate"
# What a Terraform leaves that is killed, or cannot write its state to a full disk.
TERRAFORMS_REMAINS = (".terraform.tfstate.lock.info", "errored.tfstate")


def ends_the_rest(request: Request) -> str:
    """Which command ends what is left, in words."""
    return f"`{request.again('cleanup')}` ends what is left"


@contextmanager
def telling(request: Request) -> Iterator[None]:
    """Within, an interrupt says which command ends what is left."""
    try:
        yield
    except KeyboardInterrupt:
        request.events.note(f"interrupted: {ends_the_rest(request)}")
        raise


@contextmanager
def after_failure(request: Request) -> Iterator[None]:
    """Within, what has failed is ended: what is in the way of that is told, and does not take the failure's place."""
    try:
        with telling(request):
            yield
    except (ImagegenError, OSError) as problem:
        request.events.note(f"{problem}; {ends_the_rest(request)}")


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
    target.require_lease()
    terraform.shelter(request.events.note)
    record = _own_record(request, terraform)
    found = folders.of_workspace(workspace, request.settings.state_dir, record)
    ours = [folder for folder in found if folder.parent == request.settings.state_dir / folders.BUILDS]
    request = replace(request, elsewhere=begun.elsewhere(ours, request.blueprint), folders=tuple(found))
    for folder in found:
        request.held.take(folder, workspace)
        target.stop(folder)
    in_state = _in_state(request, terraform, record)
    settled = _settle(request, terraform, record, in_state, ours)
    released = _release(request, record, ours)
    for folder in found:
        _remove_machines(folder)
    left = rest.staged(in_state, workspace)
    if rest.is_behind(request, terraform, in_state):
        terraform.forget(left)
    elif left or settled or (record and not in_state and terraform.outputs()):
        # Not before the target's own release: a VM that is off keeps its run commands.
        forgotten = tuple(rest.bring(request, terraform))
        left = [address for address in left if not address.startswith(forgotten)]
    elif (record or in_state) and rest.lacking(request, ledgers.load(workspace), in_state):
        _take_in(request, terraform)
    ended = [_named(record)] if record and (found or left or released) else left or released
    if record and not ended:
        request.events.note(f"nothing was found of the {_named(record)}; its files were in {record.directory}")
    terraform.sweep()
    journal.clear(workspace)  # first: without their folders what it tells of would count as somebody else's
    for folder in found:
        folders.remove(folder)
        ended = ended or ["the files of a build"]
    for name in TERRAFORMS_REMAINS:  # all that they tell of is ended, or settled with the ledger
        (workspace / name).unlink(missing_ok=True)
    if ended and not quiet:
        request.events.note(f"ended what was left behind: {', '.join(ended)}")
    return ended


def _own_record(request: Request, terraform: Terraform) -> journal.Journal | None:
    """The journal of this workspace's build. That of a copied workspace goes, with what its state has of the original's
    build: none of it is touched."""
    workspace = request.workspace
    record = journal.read(workspace)
    original = folders.original(workspace, record, request.settings.state_dir)
    if original is None:
        return record
    if request.settings.backend:
        raise ImagegenError(
            f"{workspace} is a copy of {original} and has the same Terraform state",
            f"run the command in the original, where the build was begun: `{to_paste('imagegen', 'status', original)}`",
        )
    request.events.note(f"{workspace} is a copy of {original}, whose build is left alone")
    terraform.forget(rest.staged(terraform.state_list(), workspace))
    journal.clear(workspace)
    return None


def _settle(
    request: Request, terraform: Terraform, record: journal.Journal | None, in_state: list[str], found: list[Path]
) -> bool:
    """Settle images and ledger. What stands in the way of that keeps no machine alive, unless images are still to be
    made of it."""
    try:
        settled = settle.images(request, terraform, record, in_state, found)
        return settle.retired(request, terraform, record, in_state, found) or settled
    except ImagegenError:
        if not settle.needs_machine(request, record, found):
            _release(request, record, found)
        raise


def _release(request: Request, record: journal.Journal | None, found: list[Path]) -> list[str]:
    known = {folder.name for folder in (*found, *([Path(record.directory)] if record else []))}
    whose = None if request.others else known
    return [each for one in request.blueprints for each in request.target.release(one, request.events, whose)]


def _remove_machines(folder: Path) -> None:
    """Remove what the machines of a build left, now that they have ended; the rest is needed to the end."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)


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
