"""Settling the ledger with what there is, after a build or a retirement that was cut off.

A journal lies in the workspace, so anybody may have written it: what it tells of is removed only where a folder outside
the workspace proves that it was begun on this computer.
"""

from pathlib import Path

from generator.builder import journal, rest, secrets
from generator.builder.failures import TerraformFailed
from generator.builder.journal import Journal
from generator.builder.modules import image_modules
from generator.builder.target import PLANNED, Job, Request, Resolved
from generator.builder.terraform import Terraform
from generator.workspace import ledger as ledgers
from generator.workspace.ledger import Ledger
from generator.workspace.versions import is_version


def images(
    request: Request, terraform: Terraform, record: Journal | None, in_state: list[str], folders: list[Path]
) -> bool:
    """A version whose images were all made when its build was cut off is released; any other coming one is undone,
    unless released images gave way to it and are gone: then its own are made after all, if that can be.

    folders: those of the build. Returns whether one was released: its images are to be imported again.
    """
    ledger = ledgers.load(request.workspace)
    meant = _meant(request, ledger, record, folders)
    pending = sorted(set(meant.releases) - set(ledger.releases))
    if not pending and meant != ledger:  # killed between two files of it: the release is there, the older ones are not
        ledgers.save(request.workspace, meant)
    made = [one for one in pending if _settle(request, terraform, one, ledger, meant, in_state, folders)]
    return bool(made)


def needs_machine(request: Request, record: Journal | None, folders: list[Path]) -> bool:
    """Whether released images may have given way to ones that are still to be made."""
    ledger = ledgers.load(request.workspace)
    return bool(_displaced(ledger, _meant(request, ledger, record, folders)))


def _settle(
    request: Request, terraform: Terraform, version: str, ledger: Ledger, meant: Ledger, in_state: list[str],
    folders: list[Path],
) -> bool:  # fmt: skip
    """One version. Returns whether it was released."""
    workspace, target = request.workspace, request.target
    release = meant.releases[version]
    made = target.whole(workspace, release["images"], request.events)
    if not made and folders and _gone(request, ledger, meant):
        _make_after_all(request, terraform, folders)
        in_state = terraform.state_list()
        made = target.whole(workspace, release["images"], request.events)
    # In the state an image may be tainted, whole or not; where it is released it is imported again.
    terraform.forget(rest.images_of(in_state, version))
    if made:
        released = release | {"images": target.as_made(release["images"]), "status": "released"}
        ledgers.save(workspace, meant.with_release(version, released))
        request.events.note(f"{version} is released: its images were made")
    elif folders:
        target.discard(workspace, release["images"], request.events)
        ledgers.save(workspace, ledger.superseding(_gone(request, ledger, meant)))
    else:
        where = ", ".join(str(image.get("id") or image["directory"]) for image in release["images"].values())
        request.events.note(f"{version} was not begun here and is not whole: delete by hand what there is of {where}")
    return made


def retired(
    request: Request, terraform: Terraform, record: Journal | None, in_state: list[str], folders: list[Path]
) -> bool:
    """Remove the images of the version that the journal has as retiring, if the ledger says so too; what is gone of
    them is fine. Where the journal is damaged it may be any retired version.

    Returns whether there was one.
    """
    if record is None or record.phase not in (journal.RETIRING, journal.UNKNOWN):
        return False
    ledger = ledgers.load(request.workspace)
    versions = {version for version, status in ledger.statuses().items() if status == "retired"}
    if record.phase == journal.RETIRING:
        versions &= {record.version}
    if versions and not folders:
        again = [request.again("releases retire", version) for version in sorted(versions)]
        request.events.note(f"a retirement was not begun here, and is left as it is: `{'`, `'.join(again)}`")
        return False
    for version in versions:
        terraform.forget(rest.images_of(in_state, version))
        request.target.discard(request.workspace, ledger.images(version), request.events)
    return bool(versions)


def _meant(request: Request, ledger: Ledger, record: Journal | None, folders: list[Path]) -> Ledger:
    """The ledger as it was to become. Where no file says so, as in a container that is gone with its home, it is
    decided again from the journal."""
    for path in (folder / journal.PENDING for folder in folders):
        if path.exists():
            try:
                version, release, superseded = ledgers.parse_pending(path.read_bytes())
            except ValueError:
                return _meant_again(request, ledger, record)
            known = [
                (of, output) for of, output in superseded if output in ledger.releases.get(of, {}).get("images", {})
            ]
            meant = ledger.superseding(known)
            return meant if version in ledger.releases else meant.with_release(version, release)
    distributing = record is not None and record.phase == journal.DISTRIBUTE and not folders
    return _meant_again(request, ledger, record) if distributing else ledger


def _meant_again(request: Request, ledger: Ledger, record: Journal | None) -> Ledger:
    """What a build was to release, decided again from the journal."""
    if record is None or not is_version(record.version) or record.version in ledger.releases:
        return ledger
    try:
        source, directory = Resolved.of(record.source), Path(record.directory)
    except ValueError:  # it is damaged too
        return ledger
    job = Job(request.workspace, request.blueprint, record.version, directory, request.content_digest, source)
    release = job.pending(request.target.coming(job, PLANNED), resumed=record.resumed)
    return ledger.superseding(request.target.displaced(job, ledger)).with_release(record.version, release)


def _make_after_all(request: Request, terraform: Terraform, folders: list[Path]) -> None:
    """Make the images for which released ones were removed, while the machine that they are made of still stands."""
    names = (journal.INPUTS, secrets.VAR_FILE, journal.PENDING)
    var_files = [path for name in names for folder in folders if (path := folder / name).exists()]
    request.events.note("released images have given way: the new ones are made after all")
    try:
        terraform.apply(var_files=var_files, refresh=False, targets=image_modules(request.workspace))
    except TerraformFailed as error:
        request.events.note(f"they could not be made: {error.message}")


def _gone(request: Request, ledger: Ledger, meant: Ledger) -> list[tuple[str, str]]:
    """The images that were to give way, as (version, output), and are no longer there."""
    return [
        (version, output)
        for version, output in _displaced(ledger, meant)
        if not request.target.whole(
            request.workspace, {output: ledger.releases[version]["images"][output]}, request.events
        )
    ]


def _displaced(ledger: Ledger, meant: Ledger) -> list[tuple[str, str]]:
    """The images that were to give way, as (version, output)."""
    return [
        (version, output)
        for version in ledger.releases
        if version in meant.releases
        for output in sorted(set(ledger.images(version)) - set(meant.images(version)))
    ]
