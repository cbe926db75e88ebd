"""The ways in to a machine, and what goes over them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from generator.build import marked, ssh


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
    subprocess.run([real, *argv[1:], "true"], env={"PATH": path}, check=False, stdin=subprocess.DEVNULL, timeout=30)
    words = (tmp_path / "words").read_text().splitlines()
    assert words == [
        "-i", str(key), "-p", "2222", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new",
        "-W", "[10.0.0.4]:22", "ops@jump.example",
    ]  # fmt: skip


def test_secrets_go_with_the_agent_and_by_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent may have the bastion's key. Nothing else of our environment goes along."""
    program(tmp_path, f"cat >{tmp_path}/stdin")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("TOKEN", "planted")
    marked.over_ssh(["ssh", "imagegen@10.0.0.4"], {"TOKEN": "planted"})
    assert (tmp_path / "stdin").read_text() == "export TOKEN=planted\n"
    given = (tmp_path / "environment").read_text()
    assert "SSH_AUTH_SOCK=/run/agent" in given
    assert "planted" not in given + (tmp_path / "words").read_text()


def test_every_quote_of_powershell_is_doubled() -> None:
    """It takes typographic ones for quotes too."""
    assert marked.as_powershell({"A": "it's \u2018so\u2019 $x"}) == "$env:A = 'it''s \u2018\u2018so\u2019\u2019 $x'\n"
