"""The scripts that go to Linux machines, run here."""

import base64
import getpass
import gzip
import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from generator.azure import runcommands, upload


def sh(script: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A script's end, as the run command's agent runs it."""
    return subprocess.run(
        ["/bin/bash", "-c", script], env={"PATH": os.environ["PATH"], **environ}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_a_log_is_packed_into_pieces(tmp_path: Path) -> None:
    lines = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(5000)]
    (tmp_path / "010-a.log").write_text("\n".join(lines) + "\n")
    most = runcommands.CHUNK * runcommands.CHUNKS
    packed, length = "", 1
    while len(packed) < length:
        script = runcommands.LINUX_LOG.format(key="010-a", start=len(packed), chunk=runcommands.CHUNK, most=most)
        done = sh(script.replace("/var/log/imagegen", str(tmp_path)))
        assert done.returncode == 0, done.stderr
        assert len(done.stdout) < 4096
        first, _, piece = done.stdout.partition("\n")
        length, packed = int(first), packed + piece
    assert length <= most
    found = gzip.decompress(base64.b64decode(packed)).decode().splitlines()
    assert len(found) > 150
    assert found[1:] == lines[-len(found) + 1 :]


def test_a_log_that_is_not_there_has_its_own_exit_code(tmp_path: Path) -> None:
    script = runcommands.LINUX_LOG.format(key="none", start=0, chunk=10, most=10)
    assert sh(script.replace("/var/log/imagegen", str(tmp_path))).returncode == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="the script runs as root")
def test_a_file_is_put_in_place_only_when_it_is_whole(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "it's a page"
    source.write_bytes(b"hello")
    script = upload.LINUX.format(
        user=getpass.getuser(), sha256=hashlib.sha256(b"hello").hexdigest(),
        destination=base64.b64encode(str(target).encode()).decode(),
    )  # fmt: skip
    done = sh(script, Address=source.as_uri())
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == b"hello"
    target.unlink()
    assert sh(re.sub("[0-9a-f]{64}", "0" * 64, script), Address=source.as_uri()).returncode != 0
    assert not target.exists()
