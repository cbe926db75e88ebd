"""Going on with a build that broke: at the failed step, on the machine that still stands, or not at all."""

import os
from dataclasses import replace

from generator.builder import begun, folders, journal, marked, secrets
from generator.builder.address import parse
from generator.builder.build import Build
from generator.builder.target import SAVED, Job, Request, Resolved
from generator.builder.terraform import Change, Terraform
from generator.builder.watch import ALL_STEPS, DEPROVISION, KEEP, ROOM, title
from generator.errors import ImagegenError
from generator.system.records import from_json
from generator.workspace import ledger as ledgers


def going_on(request: Request, terraform: Terraform) -> Build | None:
    """The build that the journal tells of, when it can go on where it broke; says why when it cannot.

    Only the failed step and later ones are run again, and only while nothing that was completed has changed and
    deprovisioning has not begun (azure/FACTS.md 18): an image is what its template says.
    """
    record = journal.read(request.workspace)
    if record is None or record.phase == journal.RETIRING:
        return None
    if folders.original(request.workspace, record, request.settings.state_dir):
        return None
    build = _rebuilt(request, terraform, record)
    reason = _why_not(request, record) or (_why_not_here(build) if build else "its key or its inputs are gone")
    if build and reason == SAVED:
        step = title(request.blueprint, record.step) if record.step else "the first step"
        request.events.note(f"resuming the build of {record.version} at `{step}` from the VM that was saved before it")
        journal.advance(request.workspace, record, kept=False)  # a kept VM is not asked for: this replaces it
        return None
    if reason or build is None:
        request.events.note(f"the build of {record.version} that broke starts anew: {reason}")
        return None
    _require_secrets(build)
    on_error = request.on_error or record.on_error
    build.journal = replace(record, pid=os.getpid(), kept=False, resumed=True, on_error=on_error)
    build.note()
    step = title(request.blueprint, record.step) if record.step else "the first step"
    request.events.note(f"going on with the build of {record.version} at `{step}`")
    return build


def _require_secrets(build: Build) -> None:
    """Raise ImagegenError unless the secrets are given that the machine has: others would not be masked."""
    had = begun.secrets_of(build.job.directory)
    if set(had) != set(build.request.secrets):
        flags = " ".join(marked.flags(had)) or "no --secret"
        again = replace(build.request, secrets=dict.fromkeys(had, "")).again("apply")
        raise ImagegenError(
            f"the build of {build.job.version} that broke was begun with {flags}",
            f"`{again}` resumes it; with --fresh it starts from the beginning",
        )


def _why_not(request: Request, record: journal.Journal) -> str:
    """What the record alone says against going on; "" for nothing."""
    if request.fresh:
        return "--fresh"
    if request.version not in (None, record.version):
        return f"version {request.version} is asked for"
    if record.phase != "build":
        return f"it broke in the phase `{record.phase}`"
    if record.step == DEPROVISION:
        return "its machine was being deprovisioned"
    if record.step == ALL_STEPS:
        return "its steps are one extension, which runs all of them or none"
    return ""


def _rebuilt(request: Request, terraform: Terraform, record: journal.Journal) -> Build | None:
    """The build as it was decided once; None when a part of that is gone."""
    directory = folders.of_record(record, request.settings.state_dir)
    if directory is None:
        return None
    request.held.take(directory, request.workspace)
    try:
        values = from_json((directory / journal.INPUTS).read_bytes())
        source = Resolved.of(record.source)
        keys = secrets.existing(directory)
    except (OSError, ValueError):
        return None
    if values.get("build_version") != record.version:
        return None
    job = Job(request.workspace, request.blueprint, record.version, directory, request.content_digest, source)
    ledger = ledgers.load(request.workspace)
    return Build(request=request, job=job, terraform=terraform, keys=keys, values=values, ledger=ledger, journal=record)


def _why_not_here(build: Build) -> str:
    """What template, machine, state and plan say against going on; "" for nothing."""
    if begun.is_changed(build.job.directory, build.job.blueprint):
        return "its source, its machine or where its images go was changed"
    if not build.target.alive(build.job):
        return "its machine is gone"
    try:
        known = {
            address: whole
            for address, whole in build.terraform.resources().items()
            if not address.endswith((".key", ROOM))
        }
        build.values = build.target.going_on(build.job, build.values, {_module(address) for address in known})
        completed = {_module(address) for address, whole in known.items() if whole}
        changes = build.terraform.plan(var_files=build.var_files(), refresh=False)
    except ImagegenError as error:
        return error.message
    return _changed(changes, completed, build)


def _changed(changes: list[Change], completed: set[str], build: Build) -> str:
    """What of the completed modules, or beside the steps, the plan would touch; "" when it only goes on."""
    for change in changes:
        module = _module(change.address)
        if KEEP in change.address:  # for other builds
            continue
        if not module.startswith("step_"):
            return f"the plan would {change.action} {change.address}"
        if module in completed:
            return f"`{title(build.job.blueprint, module)}` or a step before it was changed"
    return ""


def _module(address: str) -> str:
    found = parse(address)
    return found.module if found else address
