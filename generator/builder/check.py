"""The first phase: everything that can be refused is refused, then all inputs of the build are decided, once."""

import os
import secrets as random
from dataclasses import replace
from typing import cast, get_args

from generator.builder import begun, folders, journal, numbering, resume, secrets
from generator.builder.build import Build
from generator.builder.recover import after_failure, clean_up, telling
from generator.builder.rest import refuse_behind, refuse_foreign
from generator.builder.target import Job, OnError, Request
from generator.builder.terraform import Terraform
from generator.errors import ImagegenError
from generator.workspace import ledger as ledgers


def check(request: Request) -> Build:
    """A build that is ready to begin: a new one, or one that broke and goes on."""
    workspace, blueprint, target, events = request.workspace, request.blueprint, request.target, request.events
    events.phase("check", str(blueprint.source))
    terraform = Terraform(workspace, request.settings, target.environment())
    terraform.init()
    terraform.shelter(events.note)
    refuse_foreign(request, terraform)
    if request.version or blueprint.version:
        numbering.choose_version(ledgers.load(workspace).statuses(), request.version or blueprint.version)
    broken = journal.read(workspace)
    with telling(request):
        build = resume.going_on(request, terraform)
    if broken and not request.on_error and not request.fresh and broken.on_error in get_args(OnError):
        request = replace(request, on_error=cast(OnError, broken.on_error))  # it holds until the build is through
    return build or _anew(request, terraform)


def _anew(request: Request, terraform: Terraform) -> Build:
    workspace, blueprint, target, events = request.workspace, request.blueprint, request.target, request.events
    _refuse_kept(request)
    with telling(request):
        clean_up(request, terraform)
    ledger = ledgers.load(workspace)  # a build that was cut off may have been released after all
    refuse_behind(ledger, terraform)
    source = target.resolve(blueprint, events, request.ask)
    occupied = target.occupied(workspace, blueprint)
    if astray := sorted(version for version, ours in occupied.items() if ours and version not in ledger.releases):
        events.note(
            f"{', '.join(astray)}: of this workspace, and not in its ledger: your checkout is behind, or a build was"
            " cut off elsewhere; nothing of it is touched"
        )
    version = numbering.choose_version(
        ledger.statuses(), request.version or blueprint.version, occupied=occupied,
        versioning=blueprint.versioning, source_version=source.version,
    )  # fmt: skip
    directory = request.settings.state_dir / "builds" / random.token_hex(6)
    job = Job(workspace, blueprint, version, directory, request.content_digest, source)
    record = journal.of(job, pid=os.getpid(), on_error=request.on_error or "")
    journal.write(workspace, record)
    try:
        folders.claim(directory, workspace)
        request.held.take(directory, workspace)
        keys = secrets.make(directory)
        begun.keep(directory, blueprint, request.secrets)
        if secret := target.secret_values(job):
            secrets.keep(directory, secret)
        values = {"build_version": version} | target.build_values(job, keys.public)
    except BaseException:
        with after_failure(request):
            clean_up(request, terraform, quiet=True)
        raise
    return Build(request=request, job=job, terraform=terraform, keys=keys, values=values, ledger=ledger, journal=record)


def _refuse_kept(request: Request) -> None:
    """A machine that was kept for a look is not ended unasked."""
    record = journal.read(request.workspace)
    if folders.original(request.workspace, record, request.settings.state_dir):
        return
    if record and record.kept and not request.ask(f"End the machine of {record.version} that is kept here?"):
        raise ImagegenError(
            f"the machine of {record.version} is kept here",
            f"remove it with `{request.again('cleanup')}`, or build with --yes",
        )
