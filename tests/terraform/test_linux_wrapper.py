"""The wrapper of a Linux step over run commands, run for real, with another's hands for what takes root."""

import base64
import os
import subprocess
from pathlib import Path

from generator.builder.marked import as_shell
from tests.support.waiting import HANG_SECONDS

MODULES = Path(__file__).parents[2] / "modules"
# Takes the place of runuser(1): the same command, as whoever runs the test.
RUNUSER = '#!/bin/sh\n[ "$1 $2 $3 $4 $5" = "-l imagegen -s /bin/sh -c" ] && exec sh -c "$6"\nexit 99\n'
SCRIPT = b"#!/bin/sh -e\necho 'caf\xe9 ${here} %{x}'\necho oops >&2\nfalse\necho never\n"


def wrapper(folder: Path, script: bytes = SCRIPT) -> str:
    """The text of the run command, with its folders elsewhere."""
    inner = (MODULES / "steps/shell/run.sh.tftpl").read_text().replace("${script}", base64.b64encode(script).decode())
    text = (MODULES / "azure/run_command/linux.sh.tftpl").read_text()
    for name, value in {"key": "010-x", "user": "imagegen", "run": inner}.items():
        text = text.replace(f"${{{name}}}", value)
    for path in ("/var/log/imagegen", "/run/imagegen", "/dev/shm/imagegen"):
        text = text.replace(path, f"{folder}/{path.split('/')[-2]}")
    return text


def run(folder: Path, text: str) -> "subprocess.CompletedProcess[bytes]":
    """A run command's end."""
    (folder / "bin").mkdir()
    (folder / "bin/runuser").write_text(RUNUSER)
    (folder / "bin/runuser").chmod(0o755)
    (folder / "wrapper.sh").write_text(text)
    path = f"{folder}/bin:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(folder / "wrapper.sh")], env={"PATH": path}, capture_output=True, check=False, timeout=HANG_SECONDS
    )


def test_a_steps_output_and_exit_code_are_the_run_commands_own(tmp_path: Path) -> None:
    done = run(tmp_path, wrapper(tmp_path))
    assert done.returncode == 1
    assert done.stdout == b"caf\xe9 ${here} %{x}\noops\n"
    assert b"the script ended with exit code 1" in done.stderr
    assert (tmp_path / "log/010-x.log").read_bytes() == done.stdout
    assert not list((tmp_path / "run").iterdir())


def test_where_secrets_are_marked_only_the_log_has_the_output(tmp_path: Path) -> None:
    """Terraform keeps what a run command prints. The wrapper has variables of these names itself."""
    names = ("TOKEN", "script", "pipe", "session", "name", "reader", "code", "tries")
    secrets = {name: f"hunter2 of {name}" for name in names}
    (tmp_path / "shm").mkdir()
    (tmp_path / "shm/secrets").write_text(as_shell(secrets))
    says = "\n".join(f'echo "${name}"' for name in names)
    done = run(tmp_path, wrapper(tmp_path, f"#!/bin/sh\n{says}\n".encode()))
    assert done.returncode == 0, done.stderr
    assert b"hunter2" not in done.stdout + done.stderr
    assert b"its output is in" in done.stdout
    assert (tmp_path / "log/010-x.log").read_text().splitlines() == list(secrets.values())
