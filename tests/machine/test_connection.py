"""Steps that change who may log in to their VM, or restart it: one connection carries all of them."""

import json
from pathlib import Path

import pytest

from tests.invariants import at_rest
from tests.machine.conftest import Imagegen, Write, inside

pytestmark = pytest.mark.machine
HARDEN = [
    "printf 'AllowUsers opsadmin\\n' | sudo tee /etc/ssh/sshd_config.d/00-hardening.conf",
    "sudo systemctl restart ssh",
    "sudo mount --bind /tmp /tmp && sudo mount -o remount,bind,noexec,nosuid,nodev /tmp",
]
# What Image Builder's steps see: the two scripts, an empty home, no terminal.
LOOK = [
    "test -z \"$(ls -A ~ | grep -v -e '^\\.bash' -e '^\\.profile$' -e '^\\.ssh$')\"",
    'test "$(ls /tmp | grep -v -e ^systemd-private -e DeprovisioningScript.sh | wc -l)" = 1',
    "ls /tmp/script_*.sh && ! tty",
    "(sleep 600; echo late) & echo the door is shut | sudo tee /opt/after",
]


def test_steps_run_after_one_that_shuts_the_door(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """Also with /tmp mounted noexec, with a daemon that a step leaves behind, and for the deprovisioning."""
    path = template(
        tmp_path, customize=[
            {"type": "Shell", "name": "harden", "inline": HARDEN}, {"type": "Shell", "name": "look", "inline": LOOK},
        ],
    )  # fmt: skip
    out = tmp_path / "out"
    vhd = Path(imagegen("apply", path, "--target", "local", "--out", out).stdout.strip())
    assert inside(vhd, "/opt/after") == b"the door is shut\n"
    assert inside(vhd, "/etc/ssh/sshd_config.d/00-hardening.conf") == b"AllowUsers opsadmin\n"
    at_rest(out, imagegen.state_dir)


def test_a_step_that_restarts_the_vm_fails_at_once(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """The error names the step, not a later one; the VM is not saved on its way down."""
    path = template(
        tmp_path, customize=[
            {"type": "Shell", "name": "restart", "inline": ["sleep 4", "sudo reboot"]},
            {"type": "Shell", "name": "later", "inline": ["echo after"]},
        ],
    )  # fmt: skip
    imagegen.environment.pop("IMAGEGEN_NO_CACHE")
    imagegen.environment["IMAGEGEN_CACHE_SIZE"] = "100G"
    lines = imagegen("apply", path, "--target", "local", "--out", tmp_path / "out", "--json", code=1).stdout
    events = [json.loads(line) for line in lines.splitlines()]
    (error,) = (event for event in events if event["event"] == "error")
    assert error["step"].endswith("restart")
    assert "the connection to the VM was lost" in error["message"] or "restarts or stops the VM" in error["message"]
    assert not any("kept for later builds" in event["message"] for event in events)
    at_rest(tmp_path / "out", imagegen.state_dir)
