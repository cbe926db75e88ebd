"""A folder with Terraform in it, against the stand-in provider."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.azure_sim.cloud import Cloud
from tests.azure_sim.mirror import AzureSim
from tests.invariants import write_ledger

MAIN = "/subscriptions/11111111-1111-1111-1111-111111111111"
OTHER = "/subscriptions/22222222-2222-2222-2222-222222222222"
ROOT_TF = """
terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.0"
    }
  }
}
provider "azurerm" {
  features {}
}
"""
PLAN = {"name": "9-gen2", "product": "almalinux-x86_64", "publisher": "almalinux"}
MACHINE: dict[str, Any] = {
    "allow_from": ["203.0.113.7/32"], "architecture": "x64", "generation": "V2", "public_key": "ssh-ed25519 AAAA test",
    "security": "Standard", "size": "Standard_D2ds_v5", "source_id": "", "source_version": "1.0.0",
    "timeout_minutes": 60, "tool": ["/bin/echo"],
}  # fmt: skip


@dataclass(frozen=True)
class Root:
    """A root module and the cloud it works on."""

    folder: Path
    sim: AzureSim

    @property
    def cloud(self) -> Cloud:
        """The cloud behind it."""
        return self.sim.cloud

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run Terraform, whatever comes of it: exit code, and all that it said, on one line."""
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"], cwd=self.folder, stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1", **self.sim.env},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return done.returncode, " ".join(done.stdout.replace("│", " ").split())

    def does(self, *arguments: str) -> str:
        """Run Terraform, which has to succeed."""
        code, text = self.run(*arguments)
        assert code == 0, text[text.find("Error:") :]
        return text

    def init(self) -> "Root":
        """Initialise, with the state beside the configuration whatever backend that asks for."""
        (self.folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        self.does("init")
        return self

    def let(self, **variables: Any) -> "Root":
        """Set root variables for every later command, as imagegen's build files do."""
        path = self.folder / "zz.auto.tfvars.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(known | variables))
        return self

    def rest(self) -> "Root":
        """Forget everything that `let` set."""
        (self.folder / "zz.auto.tfvars.json").unlink(missing_ok=True)
        return self

    def apply(self, *arguments: str) -> str:
        """Apply, which has to succeed."""
        return self.does("apply", "-auto-approve", *arguments)

    def is_settled(self) -> bool:
        """Whether a plan is empty; else what it would do is the assertion's message."""
        code, text = self.run("plan", "-detailed-exitcode")
        assert code == 0, text
        return True

    def state(self) -> list[str]:
        """The addresses in the state."""
        return self.does("state", "list").split()

    def ledger(self, releases: Mapping[str, Any]) -> None:
        """Write the ledger."""
        write_ledger(self.folder, releases)


def furnish(cloud: Cloud) -> None:
    """What the golden templates expect to find: groups, a network, a gallery with definitions in both subscriptions."""
    for group in (f"{MAIN}/resourceGroups/{name}" for name in ("images", "network", "staging")):
        cloud.put(group, {"location": "westeurope", "properties": {}})
    cloud.put(f"{OTHER}/resourceGroups/images", {"location": "westeurope", "properties": {}})
    network = f"{MAIN}/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/hub"
    cloud.put(network, {"location": "westeurope", "properties": {"subnets": [{"name": "build"}]}})
    for home in (MAIN, OTHER):
        gallery = f"{home}/resourceGroups/images/providers/Microsoft.Compute/galleries/company"
        cloud.put(gallery, {"location": "westeurope", "properties": {}})
        usual = {"hyperVGeneration": "V2", "osState": "Generalized"}
        for name, plan in {"linux": None, "windows": None, "alma": PLAN}.items():
            cloud.put(
                f"{gallery}/images/{name}", {"location": "westeurope", "properties": usual | {"purchasePlan": plan}}
            )
