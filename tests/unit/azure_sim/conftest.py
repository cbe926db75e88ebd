"""A workspace against the stand-in provider."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.azure_sim.backed import backed
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.fixtures import AzureArm, azure_arm, azure_certificates, azure_sim, azurerm_mirror
from tests.azure_sim.mirror import AzureSim, Mirror
from tests.unit.azure_sim.clients import Clients
from tests.unit.azure_sim.making import COMPUTE, GROUP, put

__all__ = ["azure_arm", "azure_certificates", "azure_sim", "azurerm_mirror", "backed"]

HEAD = """
terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.0"
    }
  }
}
provider "azurerm" {
  features {
    resource_group {
      prevent_deletion_if_contains_resources = false
    }
  }
}
"""


@dataclass(frozen=True)
class Ended:
    """A Terraform command that ended."""

    code: int
    text: str


@dataclass(frozen=True)
class Workspace:
    """A folder with one configuration, and real Terraform."""

    folder: Path
    sim: AzureSim

    @property
    def cloud(self) -> Cloud:
        """The cloud behind it."""
        return self.sim.cloud

    def write(self, text: str) -> "Workspace":
        """Replace the configuration."""
        (self.folder / "main.tf").write_text(HEAD + text)
        return self

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
        """Run Terraform, whatever comes of it."""
        usual = {"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1", **self.sim.env}
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"], cwd=self.folder, env=usual | dict(env or {}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        # Terraform draws a frame around an error and breaks its lines.
        return Ended(done.returncode, " ".join(done.stdout.replace("│", " ").split()))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start Terraform in a process group of its own, as a terminal would."""
        usual = {"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1", **self.sim.env}
        return subprocess.Popen(
            ["terraform", *arguments, "-no-color"], cwd=self.folder, env=usual, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def apply(self, *arguments: str) -> str:
        """Apply, which has to succeed."""
        done = self.run("apply", "-auto-approve", *arguments)
        assert done.code == 0, done.text
        return done.text

    def refused(self, *arguments: str) -> str:
        """Apply, which has to fail; what was said."""
        done = self.run("apply", "-auto-approve", *arguments)
        assert done.code == 1, done.text
        return done.text

    def plan(self, *arguments: str) -> str:
        """The line that sums up a plan."""
        done = self.run("plan", *arguments)
        assert done.code == 0, done.text
        return done.text

    def is_settled(self) -> bool:
        """Whether a plan is empty."""
        return self.run("plan", "-detailed-exitcode").code == 0

    def values(self, address: str) -> dict[str, Any]:
        """The values of a resource in the state."""
        state = json.loads((self.folder / "terraform.tfstate").read_text())
        kind, name = address.split(".")
        (values,) = (
            one["instances"][0]["attributes"]
            for one in state["resources"]
            if (one["type"], one["name"]) == (kind, name)
        )
        return values  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def initialised(azurerm_mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `terraform init` has been."""
    sim = tmp_path_factory.mktemp("sim")
    made = Workspace(tmp_path_factory.mktemp("init"), azurerm_mirror.configured(sim)).write("")
    done = made.run("init")
    assert done.code == 0, done.text
    return made.folder


@pytest.fixture
def workspace(azure_sim: AzureSim, initialised: Path, tmp_path: Path) -> Workspace:
    """An initialised workspace with no resources, and an empty cloud."""
    return Workspace(Path(shutil.copytree(initialised, tmp_path / "workspace", symlinks=True)), azure_sim)


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """A cloud without Terraform, with a group and a gallery in it."""
    made = Cloud(tmp_path / "cloud.json")
    put(made, GROUP)
    put(made, f"{COMPUTE}/galleries/g")
    return made


@pytest.fixture
def clients(azure_arm: AzureArm) -> Clients:
    """The SDK's clients, logged in to the simulator's ARM front, which has a group and a gallery."""
    put(azure_arm.cloud, GROUP)
    put(azure_arm.cloud, f"{COMPUTE}/galleries/g")
    return Clients(azure_arm)
