"""Running a workspace: terraform, the phases of a build, the ledger."""
