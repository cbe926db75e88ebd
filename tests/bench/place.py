"""Where the benchmark works: folders that go with it, templates, and this computer."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.local import accelerator, bases, host
from generator.settings import Settings
from generator.workspace import sizes
from tests.bench.commands import environment
from tests.conftest import SHARED_CACHE

BASE = "debian-12"
SOURCE = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"}
VM_SIZE = "Standard_B1ms"


@dataclass(frozen=True)
class Place:
    """A folder of the benchmark's own. Bases are the user's (building one takes minutes), saved machines are not."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Place":
        """Make it ready; the base is built where it is missing."""
        bases.ensure(Settings(cache_dir=SHARED_CACHE), BASE, print)
        for name in ("cache", "home", "state", "tmp"):
            (folder / name).mkdir()
        (folder / "cache/bases").symlink_to(SHARED_CACHE / "bases")
        return cls(folder)

    @property
    def env(self) -> dict[str, str]:
        """For imagegen and what it is compared with."""
        return environment({
            "HOME": self.folder / "home", "TMPDIR": self.folder / "tmp",
            "IMAGEGEN_CACHE_DIR": self.folder / "cache", "IMAGEGEN_STATE_DIR": self.folder / "state",
        })  # fmt: skip

    @property
    def settings(self) -> Settings:
        """The same for what is called in this process."""
        return Settings(cache_dir=self.folder / "cache", state_dir=self.folder / "state")

    @property
    def base(self) -> bases.Base:
        """What all machines start from."""
        return bases.ensure(self.settings, BASE, print)

    @property
    def shape(self) -> sizes.Shape:
        """Cores and memory of all machines."""
        wanted = sizes.shape(VM_SIZE)
        assert wanted is not None
        return sizes.capped(wanted, host.cores(), host.memory_mb())

    def template(self, name: str, scripts: Sequence[str], folder: Path | None = None) -> Path:
        """Write a template with a Shell step for each script; returns its path."""
        steps = [
            {"type": "Shell", "name": f"step {number}", "inline": script.splitlines()}
            for number, script in enumerate(scripts, start=1)
        ]
        body: dict[str, Any] = {
            "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "name": name,
            "location": "westeurope",
            "properties": {
                "source": SOURCE, "vmProfile": {"vmSize": VM_SIZE}, "customize": steps,
                "distribute": [{"type": "VHD", "runOutputName": "disk"}],
            },
        }  # fmt: skip
        path = (folder or self.folder) / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(body))
        return path


def file_system(path: Path) -> str:
    """The kind of file system that a path is on, as `ext4`."""
    done = subprocess.run(["df", "--output=fstype", str(path)], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def computer(place: Place) -> dict[str, Any]:
    """What it was measured on, and how busy that was."""
    chosen = accelerator.explain(place.settings, place.base)
    lines = Path("/proc/cpuinfo").read_text("ascii", "replace").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "cores": host.cores(), "memory_gb": round(host.memory_mb() / 1024, 1), "processor": model,
        "kernel": platform.release(), "accelerator": chosen.name, "why": chosen.why,
        "load": round(os.getloadavg()[0], 2), "python": platform.python_version(),
        "qemu": accelerator.qemu_version(), "terraform": _version("terraform"), "packer": _version("packer"),
        "file_system": file_system(place.folder),
        "guest": f"{place.shape.cores} core{'s' * (place.shape.cores > 1)}, {place.shape.memory_mb} MiB",
    }  # fmt: skip


def _version(program: str) -> str:
    """What a program says of itself, in its first line."""
    done = subprocess.run([program, "version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0].split()[-1].removeprefix("v")
