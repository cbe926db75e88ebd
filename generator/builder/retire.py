"""Taking a released version out of service."""

import os
import secrets as random

from generator.builder import folders, journal
from generator.builder.recover import clean_up
from generator.builder.rest import refuse_foreign
from generator.builder.target import Request
from generator.builder.terraform import Terraform
from generator.errors import ImagegenError
from generator.workspace import ledger as ledgers
from generator.workspace.versions import sort_key


def retire(request: Request, version: str) -> None:
    """Take a released version out of service: first the ledger says so, then its images and their state go. The caller
    holds the workspace's lease.

    The journal has it from the beginning, so that what is cut off is finished by the next command, this one included.
    Raises ImagegenError when there is no such version, or a build that broke is not at its end.
    """
    workspace, target = request.workspace, request.target
    with target.lease(request.blueprint), request.held:
        record = journal.read(workspace)
        if record and record.phase != journal.RETIRING:
            hint = f"end it with `{request.again('cleanup')}`, or resume it with `{request.again('apply')}`"
            raise ImagegenError(f"a build of {record.version} is not at its end here", hint)
        terraform = Terraform(workspace, request.settings, target.environment())
        terraform.init()
        refuse_foreign(request, terraform)
        if record:
            clean_up(request, terraform, quiet=True)
        ledger = ledgers.load(workspace)
        if ledger.statuses().get(version) not in ("released", "retired"):
            known = ", ".join(sorted(ledger.released(), key=sort_key)) or "none"
            raise ImagegenError(f"version {version} is not in service", f"released are: {known}")
        directory = request.settings.state_dir / "builds" / random.token_hex(6)
        journal.write(workspace, journal.Journal(version, journal.RETIRING, str(directory), os.getpid()))
        folders.claim(directory, workspace)
        request.held.take(directory, workspace)
        ledgers.save(workspace, ledger.with_release(version, ledger.releases[version] | {"status": "retired"}))
        try:
            clean_up(request, terraform, quiet=True)
        except KeyboardInterrupt:
            request.events.note(f"interrupted: {version} is retired; removing what is left of it")
            clean_up(request, terraform, quiet=True)
            raise
