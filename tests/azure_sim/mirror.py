"""The stand-in provider as Terraform finds it: a filesystem mirror, and a CLI configuration that names it.

Terraform gets one variable, `TF_CLI_CONFIG_FILE`, so it works for programs that pass little on to it. Beside that file
lies `azsim.env`, which the provider's launcher reads: where Python is, and which cloud it talks to.
"""

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.azure_sim.cloud import Cloud

VERSION = "5.2.0"
PROVIDER = f"registry.terraform.io/hashicorp/azurerm/{VERSION}/linux_amd64/terraform-provider-azurerm_v{VERSION}"
ROOT = Path(__file__).parents[2]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"

# Terraform's lock file holds a hash of these bytes: they are the same on every machine.
LAUNCHER = """\
#!/bin/sh
. "${TF_CLI_CONFIG_FILE%/*}/azsim.env"
exec "$AZSIM_PYTHON" -m tests.azure_sim.provider
"""


@dataclass(frozen=True)
class Mirror:
    """A mirror with the stand-in in it, and a key pair for it, made once a session."""

    folder: Path

    def configured(self, folder: Path) -> "AzureSim":
        """A cloud of its own in a folder, and the configuration that leads Terraform to it."""
        sim = AzureSim(folder, Cloud(folder / "cloud.json"))
        values = {
            "AZSIM_PYTHON": sys.executable, "AZSIM_KEYS": self.folder, "AZSIM_CLOUD": folder / "cloud.json",
            "PYTHONPATH": ROOT,
        }  # fmt: skip
        lines = [f"export {name}={shlex.quote(str(value))}\n" for name, value in values.items()]
        (folder / "azsim.env").write_text("".join(lines))
        mirror = f'  filesystem_mirror {{\n    path = "{self.folder}"\n  }}\n'
        sim.config.write_text(f"provider_installation {{\n{mirror}}}\n")
        return sim


@dataclass(frozen=True)
class AzureSim:
    """One simulated Azure: its cloud, and how to reach it."""

    folder: Path
    cloud: Cloud

    @property
    def config(self) -> Path:
        """Terraform's CLI configuration."""
        return self.folder / "terraform.rc"

    @property
    def env(self) -> dict[str, str]:
        """What Terraform needs in its environment. Only the first is the simulator's; the second is azurerm's own."""
        return {"TF_CLI_CONFIG_FILE": str(self.config), "ARM_SUBSCRIPTION_ID": SUBSCRIPTION}


def make(folder: Path) -> Mirror:
    """Put launcher and keys into an empty folder."""
    launcher = folder / PROVIDER
    launcher.parent.mkdir(parents=True)
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        ],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return Mirror(folder)
