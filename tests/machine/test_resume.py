"""A build that broke goes on at the failed step, on the machine that still stands; or starts anew, and says why."""

import hashlib
import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.invariants import at_rest, read_ledger
from tests.machine.conftest import Imagegen, Write, inside
from tests.support.waiting import wait_until

pytestmark = pytest.mark.machine
ONCE = "echo ran | sudo tee -a /opt/once"


def test_a_mended_step_goes_on_where_it_failed(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """What was completed is not run again; the ledger tells that the build was resumed."""
    out = tmp_path / "small"
    path = template(ONCE, "exit 3", "echo last")
    failed = imagegen("apply", path, "--target", "local", "--out", out, "--on-error", "abort", code=1).stderr
    assert "resumes at the failed step" in failed
    template(ONCE, "echo mended", "echo last")
    done = imagegen("apply", path, "--target", "local", "--out", out)
    assert "going on with the build of 1.0.0 at `020 step 2`" in done.stderr
    assert inside(out / "images/out/1.0.0/image.vhd", "/opt/once") == b"ran\n"
    assert read_ledger(out)["1.0.0"]["resumed"] is True
    at_rest(out, imagegen.state_dir)


def test_a_killed_build_goes_on_and_a_changed_past_starts_anew(
    imagegen: Imagegen, template: Write, tmp_path: Path
) -> None:
    """kill -9 in the second step, twice: once with the first step edited meanwhile, once with nothing changed.

    What was cut off still runs on the machine, and is ended before the step is run again."""
    out = tmp_path / "small"
    path = template("true", "sleep 600")
    _kill_in_step_two(imagegen, path, out)
    template(ONCE, "sleep 600")
    _kill_in_step_two(imagegen, path, out, "starts anew: `010 step 1` or a step before it was changed")
    template(ONCE, "! pgrep -x sleep; ls /tmp/script_* | wc -l | grep -qx 1")
    done = imagegen("apply", path, "--target", "local", "--out", out)
    assert "going on with the build of 1.0.0 at `020 step 2`" in done.stderr
    assert inside(out / "images/out/1.0.0/image.vhd", "/opt/once") == b"ran\n"
    at_rest(out, imagegen.state_dir)


def _kill_in_step_two(imagegen: Imagegen, path: Path, out: Path, expected: str = "") -> None:
    """Build until the second step is under way, then kill imagegen as the kernel would."""
    child = imagegen.start("apply", path, "--target", "local", "--out", out)
    journal = out / ".imagegen/journal.json"

    def in_step_two() -> bool:
        assert child.poll() is None, child.stdout and child.stdout.read()
        record = json.loads(journal.read_text()) if journal.exists() else {}
        return (record.get("pid"), record.get("step")) == (child.pid, "step_020_step_2")

    wait_until(in_step_two)
    time.sleep(3)  # into the script itself
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert child.stdout
    assert expected in child.stdout.read()


def test_a_marked_secret_reaches_the_steps_and_nothing_else(
    imagegen: Imagegen, template: Write, tmp_path: Path
) -> None:
    """A step has it in its environment; it is masked in the output, and in no file of workspace, state or image."""
    out = tmp_path / "small"
    value = "s3cret 'quoted' $HOME `x` \\ end"
    imagegen.environment["TOKEN"] = value
    path = template('printf "%s" "$TOKEN" | sha256sum; echo "it is $TOKEN."')
    done = imagegen("apply", path, "--target", "local", "--out", out, "--secret", "TOKEN", "--json")
    assert hashlib.sha256(value.encode()).hexdigest() in done.stdout
    assert "it is ***." in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
    for file in [file for file in (*out.rglob("*"), *imagegen.state_dir.rglob("*")) if file.is_file()]:
        assert b"s3cret" not in file.read_bytes(), file
    at_rest(out, imagegen.state_dir)
    missing = imagegen("apply", out, "--secret", "NOT_SET", code=1)
    assert "NOT_SET is not in the environment" in missing.stderr


def test_a_build_resumes_from_the_saved_vm_and_keeps_its_policy(
    imagegen: Imagegen, template: Write, tmp_path: Path
) -> None:
    """What the failed step left half done is not in the image; `--on-error abort` holds until the build is through."""
    imagegen.environment.pop("IMAGEGEN_NO_CACHE")
    imagegen.environment["IMAGEGEN_CACHE_SIZE"] = "100G"
    out = tmp_path / "small"
    slow = f"sleep 4; echo {tmp_path.name}"  # a key of its own in the cache that tests share
    path = template(slow, "sudo touch /opt/half; exit 1")
    imagegen("apply", path, "--target", "local", "--out", out, "--on-error", "abort", code=1)
    template(slow, "test ! -e /opt/half; sudo touch /opt/other; exit 2")
    again = imagegen("apply", path, "--target", "local", "--out", out, code=1).stderr
    assert "resuming the build of 1.0.0 at `020 step 2` from the VM that was saved before it" in again
    assert "exit code 2" in again
    assert "is kept" in imagegen("status", out).stdout
    template(slow, "test ! -e /opt/half -a ! -e /opt/other")
    done = imagegen("apply", path, "--target", "local", "--out", out)
    assert "010 step 1 cached" in done.stderr
    assert read_ledger(out)["1.0.0"]["resumed"] is False
    at_rest(out, imagegen.state_dir)
