"""What Terraform cannot do, with what to do about it."""

import json
import subprocess
import sys
from pathlib import Path

from tests.faults.conftest import StandIn
from tests.hostile.examine import command


def test_a_state_that_is_locked_is_told_with_how_to_free_it(workspace: Path, terraform: StandIn) -> None:
    """A backend keeps the lock of a Terraform that was killed. Here a Terraform of somebody else's has it."""
    terraform.fails("none", "")
    assert command("plan", workspace).code == 0
    (workspace / "terraform.tfstate").write_text("")
    info = {"ID": "1b2c3d4e", "Operation": "apply", "Who": "them", "Created": "2026-01-01T00:00:00Z"}
    (workspace / ".terraform.tfstate.lock.info").write_text(json.dumps(info))
    terraform.fails("plan", f'exec {terraform.real} "$@" -lock=true -lock-timeout=0s')
    hold = "import fcntl, sys; it = open(sys.argv[1], 'r+'); fcntl.lockf(it, fcntl.LOCK_EX); print(flush=True); input()"
    argv = [sys.executable, "-c", hold, str(workspace / "terraform.tfstate")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        said = command("plan", workspace)
        other.communicate(b"\n")
    assert said.code == 1
    assert "error: terraform plan failed: the state is locked by them since 2026-01-01 00:00:00 UTC" in said.err
    assert (
        "hint: wait until it ends; if that Terraform was killed, release its lock: `terraform force-unlock 1b2c3d4e`"
        in (said.err)
    )


def test_a_registry_out_of_reach_is_told(workspace: Path, terraform: StandIn) -> None:
    """As Terraform says it where it may fetch no provider."""
    terraform.fails("none", "")
    (workspace / "more.tf").write_text(
        'terraform {\n  required_providers {\n    x = { source = "none.invalid/a/b" }\n  }\n}\n'
    )
    said = command("plan", workspace, "--trust")
    assert said.code == 1
    assert "error: terraform init failed: Failed to query available provider packages" in said.err
    assert "hint: Terraform downloads its providers once: is the registry reachable from here?" in said.err


def test_a_state_that_was_cut_off_is_told(workspace: Path, terraform: StandIn) -> None:
    """With the one before it."""
    terraform.fails("none", "")
    (workspace / "terraform.tfstate").write_text('{"version": 4, "terra')
    said = command("plan", workspace)
    assert said.code == 1
    assert "The state file could not be parsed as JSON" in said.err
    assert "hint: is terraform.tfstate damaged? terraform.tfstate.backup is the one before" in said.err
