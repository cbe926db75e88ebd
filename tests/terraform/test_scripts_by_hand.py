"""The shell scripts with which a build by hand does what imagegen's own program does: what they ask of `az`."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

AZURE = Path(__file__).parents[2] / "modules/azure"
VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/machine"


def asked(script: str, tmp_path: Path, **variables: str) -> list[str]:
    """The command lines with which a script calls `az`, each in a line."""
    log = tmp_path / "asked"
    (tmp_path / "az").write_text(f'#!/bin/sh\nprintf "%s" "$*" | tr "\\n" " " >>{log}\necho >>{log}\n')
    (tmp_path / "az").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["/bin/sh", str(AZURE / script)], env={"PATH": path, "VM_ID": VM, **variables}, check=True)
    return log.read_text().splitlines()


def test_finished_run_commands_are_removed(tmp_path: Path) -> None:
    lines = asked("run_command/remove.sh", tmp_path, NAMES="000-prepare 010-a")
    assert lines == [
        f"vm run-command delete --ids {VM}/runCommands/{name} --yes --output none" for name in ("000-prepare", "010-a")
    ]
    assert (AZURE / "deprovision/remove.sh").read_bytes() == (AZURE / "run_command/remove.sh").read_bytes()


@pytest.mark.parametrize("script", ["restart/restart.sh", "upload/upload.sh"])
def test_no_script_leaves_its_own_run_command_behind(script: str, tmp_path: Path) -> None:
    """A machine takes 25 of them."""
    (tmp_path / "file").write_text("hello")
    lines = asked(
        script, tmp_path, CHECK_COMMAND="hostname", STORAGE_ACCOUNT_ID="/s/account", CONTAINER="files", BLOB="020-x",
        FILE=str(tmp_path / "file"), SHA256=hashlib.sha256(b"hello").hexdigest(), SYSTEM="linux", DESTINATION="/tmp/x",
        USER_NAME="imagegen",
    )  # fmt: skip
    text = "\n".join(lines)
    made = re.findall(r"vm run-command create .*?--run-command-name (\S+)", text)
    removed = re.findall(r"vm run-command delete --ids \S+/runCommands/(\S+)", text)
    assert made
    assert made == removed
