"""Builds as a user runs them: the installed command, a home of its own, the shared cache of bases."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from generator.local import machine
from tests.conftest import SHARED_CACHE

SOURCE = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"}


@dataclass
class Imagegen:
    """The command, with folders of its own for what builds leave outside their workspaces."""

    state_dir: Path
    command: tuple[str, ...] = (sys.executable, "-m", "generator")
    environment: dict[str, str] = field(default_factory=dict)
    children: list["subprocess.Popen[str]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "SSL_CERT_FILE") if name in os.environ}
        self.environment = kept | {
            "IMAGEGEN_CACHE_DIR": str(SHARED_CACHE), "IMAGEGEN_STATE_DIR": str(self.state_dir), "NO_COLOR": "1",
            "IMAGEGEN_NO_CACHE": "1",  # a test that counts what runs is not to find it done by another
        } | self.environment  # fmt: skip

    def __call__(
        self, *arguments: str | Path, code: int = 0, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end and check the exit code."""
        done = subprocess.run(
            [*self.command, *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Run in the background, in a process group of its own as a shell's job is."""
        child = subprocess.Popen(
            [*self.command, *map(str, arguments)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.children.append(child)
        return child

    def end(self) -> None:
        """End what a failed test left running, so that it does not disturb the next."""
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        self.children.clear()
        for record in self.state_dir.glob("builds/*/*/machine.json"):
            machine.stop(record.parent)


@pytest.fixture
def imagegen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imagegen]:
    """The command from the source tree."""
    command = Imagegen(tmp_path_factory.mktemp("state"))
    yield command
    command.end()


Write = Callable[..., Path]


@pytest.fixture
def template(tmp_path: Path) -> Write:
    """Write a template with these steps and properties; returns its path."""

    def write(*inline: list[str] | str, name: str = "small", **properties: Any) -> Path:
        steps = [
            {"type": "Shell", "name": f"step {number}", "inline": lines if isinstance(lines, list) else [lines]}
            for number, lines in enumerate(inline, start=1)
        ]
        body = {
            "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "name": name,
            "location": "westeurope",
            "properties": {
                "source": SOURCE, "customize": steps, "vmProfile": {"vmSize": "Standard_B1ms"},
                "distribute": [{"type": "VHD", "runOutputName": "out"}],
            } | properties,
        }  # fmt: skip
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(body, ensure_ascii=False))
        return path

    return write


def inside(vhd: Path, path: str) -> bytes | None:
    """A file of the image's root file system, read without booting it; None when it is not there."""
    table = json.loads(
        subprocess.run(["sfdisk", "--json", str(vhd)], capture_output=True, check=True).stdout
    )["partitiontable"]["partitions"]  # fmt: skip
    root = max(table, key=lambda partition: partition["size"])
    at = f"{vhd}?offset={root['start'] * 512}"
    stat = subprocess.run(["debugfs", "-R", f'stat "{path}"', at], capture_output=True, text=True, check=True)
    if "Inode:" not in stat.stdout:
        return None
    return subprocess.run(["debugfs", "-R", f'cat "{path}"', at], capture_output=True, check=True).stdout
