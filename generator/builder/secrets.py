"""The key pair of one build: outside any workspace, readable by its owner only, gone with the build."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.system import run
from generator.system.records import private_write, to_json

VAR_FILE = "secrets.tfvars.json"


@dataclass(frozen=True)
class KeyPair:
    """private: the key's file; public: the OpenSSH public key; var_file: what passes it to Terraform.

    A var-file of mode 0600 is the one way that shows in no process list and in no child's environment
    (azure/FACTS.md 20).
    """

    private: Path
    public: str
    var_file: Path


def make(directory: Path) -> KeyPair:
    """Make a fresh key pair in a build's own folder."""
    key = directory / "key"
    run.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "imagegen", "-f", str(key)])
    key.with_suffix(".pub").chmod(0o600)
    keep(directory, {"ssh_private_key": key.read_text("ascii")})
    return existing(directory)


def existing(directory: Path) -> KeyPair:
    """The key pair that a build's folder holds. Raises FileNotFoundError when it is gone."""
    key = directory / "key"
    return KeyPair(key, key.with_suffix(".pub").read_text("ascii").strip(), directory / VAR_FILE)


def keep(directory: Path, values: dict[str, Any]) -> None:
    """Keep more values in the file that passes secrets to Terraform."""
    path = directory / VAR_FILE
    known = json.loads(path.read_bytes()) if path.exists() else {}
    private_write(path, to_json(known | values))
