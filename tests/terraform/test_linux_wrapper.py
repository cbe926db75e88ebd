"""The wrapper of a Linux step over run commands, run for real, with another's hands for what takes root."""

import base64
import os
import subprocess
from pathlib import Path

MODULES = Path(__file__).parents[2] / "modules"
# Takes the place of runuser(1): the same command, as whoever runs the test.
RUNUSER = '#!/bin/sh\n[ "$1 $2 $3 $4 $5" = "-l imagegen -s /bin/sh -c" ] && exec sh -c "$6"\nexit 99\n'
SCRIPT = b"#!/bin/sh -e\necho 'caf\xe9 ${here} %{x}'\necho oops >&2\nfalse\necho never\n"


def wrapper(folder: Path) -> str:
    """The text of the run command, with its folders elsewhere."""
    inner = (MODULES / "steps/shell/run.sh.tftpl").read_text().replace("${script}", base64.b64encode(SCRIPT).decode())
    text = (MODULES / "azure/run_command/linux.sh.tftpl").read_text()
    for name, value in {"key": "010-x", "user": "imagegen", "run": inner}.items():
        text = text.replace(f"${{{name}}}", value)
    return text.replace("/var/log/imagegen", f"{folder}/log").replace("/run/imagegen", f"{folder}/run")


def test_a_steps_output_and_exit_code_are_the_run_commands_own(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/runuser").write_text(RUNUSER)
    (tmp_path / "bin/runuser").chmod(0o755)
    (tmp_path / "wrapper.sh").write_text(wrapper(tmp_path))
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", str(tmp_path / "wrapper.sh")], env={"PATH": path}, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stdout == b"caf\xe9 ${here} %{x}\noops\n"
    assert b"the script ended with exit code 1" in done.stderr
    assert (tmp_path / "log/010-x.log").read_bytes() == done.stdout
    assert not list((tmp_path / "run").iterdir())
