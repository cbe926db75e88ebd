"""A Linux build over real SSH: the machines of the simulated Azure are QEMU machines on this computer."""

import os
from pathlib import Path

import pytest

from tests.azure.conftest import Azure, Write
from tests.azure.making import COMMANDS, MACHINES, shared
from tests.azure.rest import at_rest
from tests.azure_sim.backed import Backing, backed

__all__ = ["backed"]


@pytest.mark.machine
def test_a_linux_build_over_ssh(azure: Azure, backed: Backing, template: Write, tmp_path: Path) -> None:
    """Two steps, a file and a validation. The second machine boots the base again: a capture has no content here."""
    image = azure.definition("web")
    (tmp_path / "data.bin").write_bytes(os.urandom(100_000))
    steps = [
        {"type": "Shell", "name": "who", "inline": ["echo I am $(id -un)", "sudo -n id -un"]},
        {"type": "File", "name": "data", "sourceUri": str(tmp_path / "data.bin"), "destination": "/tmp/data.bin"},
        {"type": "Shell", "name": "size", "inline": ["echo data has $(stat -c %s /tmp/data.bin) bytes"]},
    ]
    check = {"inVMValidations": [{"type": "Shell", "name": "check", "inline": ["echo checked on $(uname -s)"]}]}
    path = template(*steps, validate=check, distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    done = azure.imagegen("apply", path, "--out", out, "--allow-from", "127.0.0.0/8")
    assert backed.problems() == []
    for line in ("I am imagegen", "root", "data has 100000 bytes", "checked on Linux"):
        assert line in done.stderr
    assert len(azure.cloud.asked(MACHINES)) == 2
    assert azure.cloud.asked(COMMANDS) == []
    (rules,) = azure.cloud.asked("Microsoft.Network/networkSecurityGroups")
    assert "127.0.0.0/8" in str(rules)
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})
