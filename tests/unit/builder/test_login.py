"""The ways in to a machine, and what goes over them."""

import os
import shutil
import subprocess
from pathlib import Path

from generator.builder import marked, ssh
from tests.support.waiting import HANG_SECONDS


def program(folder: Path, says: str) -> None:
    """A stand-in for ssh that writes down what it is started with."""
    path = folder / "ssh"
    path.write_text(f'#!/bin/sh\nfor word; do echo "$word"; done >{folder}/words\nenv >{folder}/environment\n{says}\n')
    path.chmod(0o755)


def test_a_bastion_gets_the_builds_key_and_is_asked_nothing(tmp_path: Path) -> None:
    """The real ssh starts what leads to the machine; that one is a stand-in."""
    program(tmp_path, "exit 1")
    real = shutil.which("ssh")
    assert real
    key = tmp_path / "a key of 100%"
    argv = ssh.command(key, "imagegen", "10.0.0.4", jump="ops@jump.example:2222")
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(
        [real, *argv[1:], "true"], env={"PATH": path}, check=False, stdin=subprocess.DEVNULL, timeout=HANG_SECONDS
    )
    words = (tmp_path / "words").read_text().splitlines()
    assert words == [
        "-i", str(key) + "%", "-p", "2222", "-a", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new",
        "-W", "[10.0.0.4]:22", "ops@jump.example",
    ]  # fmt: skip


def test_a_login_uses_the_builds_key_alone_and_checks_the_host_key(tmp_path: Path) -> None:
    """None of the user's configuration, no agent forwarding, and the key that the build knows."""
    known = tmp_path / "known_hosts"
    (tmp_path / "key").touch()
    assert "StrictHostKeyChecking=accept-new" in ssh.command(
        tmp_path / "key", "imagegen", "10.0.0.4", known_hosts=known
    )
    known.write_text(ssh.known_host("10.0.0.4", 22, ["ssh-ed25519 AAAA"]))
    argv = ssh.command(tmp_path / "key", "imagegen", "10.0.0.4", known_hosts=known)
    shown = subprocess.run([*argv[:1], "-G", *argv[1:]], check=True, capture_output=True, text=True).stdout
    options = dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)
    assert options["identitiesonly"] == "yes"
    assert options["identityfile"] == str(tmp_path / "key")
    assert options["forwardagent"] == "no"
    assert options["stricthostkeychecking"] == "true"
    assert options["userknownhostsfile"] == str(known)


def test_every_quote_of_powershell_is_doubled() -> None:
    """It takes typographic ones for quotes too."""
    assert marked.as_powershell({"A": "it's \u2018so\u2019 $x"}) == "$env:A = 'it''s \u2018\u2018so\u2019\u2019 $x'\n"
