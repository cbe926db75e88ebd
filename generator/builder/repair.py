"""Bringing back ledger entries that are missing: the commit of a release was lost, or a file was removed."""

from generator.builder.rest import refuse_foreign
from generator.builder.target import Request
from generator.builder.terraform import Terraform
from generator.workspace import ledger as ledgers
from generator.workspace.ledger import Ledger, Release


def repair(request: Request) -> dict[str, Release]:
    """Write the missing entries again; return them by version.

    An entry comes from the state, which has a copy of the ledger, or else from the images themselves: their tags say of
    which version of which workspace they are. Entries that exist stay as they are. Raises ImagegenError when the state
    or the images cannot be read. The caller holds the workspace's lease.
    """
    workspace, target = request.workspace, request.target
    with target.lease(request.blueprint):
        terraform = Terraform(workspace, request.settings, target.environment())
        terraform.init()
        refuse_foreign(request, terraform)
        known = ledgers.load(workspace)
        found = target.find_released(workspace, request.blueprint) | _in_state(terraform)
        missing = {version: found[version] for version in found if version not in known.releases}
        ledgers.save(workspace, Ledger(known.releases | missing))
        return missing


def _in_state(terraform: Terraform) -> dict[str, Release]:
    """The releases in the copy of the ledger that the state has; none that is not as imagegen writes it."""
    found = {}
    for version, release in (terraform.outputs().get("ledger") or {}).items():
        try:
            if ledgers.parse_release(version, release)["status"] != ledgers.PENDING:
                found[version] = release
        except ValueError:
            continue
    return found
