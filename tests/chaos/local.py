"""A place whose machines are QEMU's, on this computer."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError
from generator.local import images
from tests import invariants
from tests.chaos.place import Part, Place
from tests.conftest import SHARED_CACHE
from tests.machine.conftest import SOURCE


class LocalPlace(Place):
    """`cache` is the shared one, or, for what would break that, one of this process alone."""

    target = "local"
    flavours = ("plain", "plain", "plain", "two images", "validated")

    def __init__(self, folder: Path, flavour: str, cache: Path) -> None:
        super().__init__(folder, flavour)
        self.cache = cache
        self.environment |= {"IMAGEGEN_CACHE_DIR": str(cache), "TF_CLI_CONFIG_FILE": os.devnull}
        self._whole: dict[str, tuple[int, int, int]] = {}

    def properties(self) -> Part:
        """The smallest machine there is."""
        outputs = ("out", "more") if self.flavour == "two images" else ("out",)
        properties: Part = {
            "source": SOURCE, "vmProfile": {"vmSize": "Standard_B1ms"},
            "distribute": [{"type": "VHD", "runOutputName": output} for output in outputs],
        }  # fmt: skip
        if self.flavour == "validated":
            properties["validate"] = {"inVMValidations": [{"type": "Shell", "name": "valid", "inline": ["true"]}]}
        return properties

    def released(self) -> dict[str, Any]:
        """The file itself, its digest compared with the manifest's once: no write leaves it the same afterwards."""
        found = {}
        for name, image in self.in_service().items():
            folder = self.workspace / image["directory"]
            about = (folder / images.IMAGE).stat() if (folder / images.IMAGE).exists() else None
            assert about, f"{name} is in the ledger, and its image is not there"
            proof = (about.st_ino, about.st_size, about.st_mtime_ns)
            if self._whole.get(name) != proof:
                _verified(folder)
                self._whole[name] = proof
            found[name] = (*proof, (folder / images.MANIFEST).read_text())
        return found

    def nothing_leaks(self, *, built: bool) -> None:
        """Files, processes, images and states of machines."""
        self.no_process_is_left()
        self.no_files_are_left()
        if built and "cache" in self.own:
            self.cache_is_whole()
        if not self.workspace.exists():
            return
        invariants.ledger_is_true(self.workspace)
        self.plan_is_empty()

    def cache_is_whole(self) -> None:
        """Every saved machine is published, and nobody stands on one. A build makes order there, and nothing else."""
        states = [path for path in (self.cache / "machines").glob("*.*/") if path.is_dir()]
        cut_off = [path for path in states if not (path / "state.json").exists()]
        assert not cut_off, cut_off
        standing = [link for path in states for link in (path / "uses").iterdir() if link.exists()]
        assert not standing, standing
        invariants.nothing_half_written(self.cache / "machines")

    def forget_machines(self) -> None:
        """In a cache of its own, and nowhere else."""
        if "cache" not in self.own:
            return
        shutil.rmtree(self.cache / "machines", ignore_errors=True)

    def end(self) -> None:
        """Nothing of it is elsewhere."""


def _verified(folder: Path) -> None:
    try:
        images.verify(folder)
    except ImagegenError as error:
        raise AssertionError(error.message) from error


@cache
def process_cache(root: Path) -> Path:
    """A cache of this process: the bases are links to the shared ones, machines are saved anew."""
    made = root / f"cache-{os.getpid()}"
    made.mkdir()
    link = subprocess.run(["cp", "-al", str(SHARED_CACHE / "bases"), str(made)], capture_output=True, check=False)
    if link.returncode != 0:  # another file system
        subprocess.run(["cp", "-a", "--sparse=always", str(SHARED_CACHE / "bases"), str(made)], check=True)
    return made
