"""A generated workspace, folders of its own for state and cache, and the means to break the world around it."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generator.local import recipe
from tests import invariants
from tests.hostile.conftest import _promptly, template, workspace

__all__ = ["_promptly", "template", "workspace"]
IMAGE: dict[str, Any] = {
    "directory": "images/out/1.0.0", "kind": "VHD", "resource": "", "source_id": "/x",
    "manifest": {"name": "out", "source": "s", "content": "c", "version": "1.0.0", "tags": {}},
}  # fmt: skip
RELEASE = {
    "content": "c", "images": {"out": IMAGE}, "schema": 1, "source": "s", "status": "released", "time": "",
    "version": "1.0.0",
}  # fmt: skip
LEDGER = json.dumps(RELEASE).encode()


@dataclass(frozen=True)
class World:
    """Where imagegen keeps what is outside its workspaces."""

    state_dir: Path
    cache_dir: Path


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """State and cache of the test's own."""
    made = World(tmp_path / "state", tmp_path / "cache")
    monkeypatch.setenv("IMAGEGEN_STATE_DIR", str(made.state_dir))
    monkeypatch.setenv("IMAGEGEN_CACHE_DIR", str(made.cache_dir))
    return made


@pytest.fixture
def base(world: World) -> Path:
    """A base by its records only: enough for everything up to the machine's start."""
    folder = world.cache_dir / "bases" / recipe.key("debian-12")
    folder.mkdir(parents=True)
    disk = bytes(1024 * 1024)
    (folder / "disk.raw").write_bytes(disk)
    facts = {"name": "debian-12", "key": folder.name, "seed": "agent", "sha256": hashlib.sha256(disk).hexdigest(),
             "version": "12.0", "virtual_size": len(disk)}  # fmt: skip
    (folder / "base.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture
def released(workspace: Path) -> Path:
    """A workspace with one released image."""
    folder = workspace / "images/out/1.0.0"
    folder.mkdir(parents=True)
    (folder / "image.vhd").write_bytes(b"the image")
    (folder / "manifest.json").write_text(json.dumps(IMAGE["manifest"] | {"size": 9}))
    ledger = workspace / invariants.LEDGER.format("1.0.0")
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(LEDGER)
    return workspace


@dataclass(frozen=True)
class Disk:
    """A small disk."""

    path: Path

    def fill(self) -> None:
        """Use all of its space."""
        with (self.path / "ballast").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def empty(self) -> None:
        """Give the space back."""
        (self.path / "ballast").unlink()

    def read_only(self) -> None:
        """Take no more writes, root's neither."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of 512 KiB, for root; nobody else may mount one."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is not permitted here")
    yield Disk(path)
    subprocess.run(["umount", "-l", str(path)], check=True)


@dataclass(frozen=True)
class StandIn:
    """A program in Terraform's place; `fails` says what it does in place of a command of Terraform's."""

    path: Path
    real: str

    def fails(self, command: str, script: str) -> None:
        """For one command (`*`: for all) run a shell script; the rest goes to the real one."""
        self.path.write_text(
            f'#!/bin/sh\ncase "$1" in\n  {command})\n{script}\n;;\n  *) exec {self.real} "$@" ;;\nesac\n'
        )
        self.path.chmod(0o755)


@pytest.fixture
def terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A stand-in that is used in Terraform's place."""
    found = subprocess.run(["which", "terraform"], capture_output=True, text=True, check=True)
    monkeypatch.setenv("IMAGEGEN_TERRAFORM", str(tmp_path / "terraform"))
    return StandIn(tmp_path / "terraform", found.stdout.strip())
