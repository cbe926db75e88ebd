"""Runs the command line on small templates, and reads what it says."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from generator.cli import app as cli

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/images-rg"
DEFINITION = f"{GROUP}/providers/Microsoft.Compute/galleries/g/images/d"
IMAGE = f"{GROUP}/providers/Microsoft.Compute/images/i"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
SOURCE = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"}
WINDOWS = SOURCE | {"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "sku": "2022-datacenter-g2"}


def shared(**more: Any) -> dict[str, Any]:
    """A SharedImage distributor."""
    return {"type": "SharedImage", "runOutputName": "gal", "galleryImageId": DEFINITION} | more


def managed(**more: Any) -> dict[str, Any]:
    """A ManagedImage distributor."""
    return {"type": "ManagedImage", "runOutputName": "mi", "imageId": IMAGE, "location": "westeurope"} | more


def vhd(**more: Any) -> dict[str, Any]:
    """A VHD distributor."""
    return {"type": "VHD", "runOutputName": "disk"} | more


def template(version: str = "2024-02-01", envelope: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """A small image template."""
    usual = {
        "source": SOURCE,
        "customize": [{"type": "Shell", "name": "S", "inline": ["echo hi"]}],
        "distribute": [shared()],
    }
    resource = {"type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": version, "name": "t"}
    return resource | {"location": "westeurope", "properties": usual | properties} | (envelope or {})


def deployment(resource: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    """A deployment template, of one image template unless it has other resources."""
    body = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [resource or template()]}
    return body | sections


def module(inner: dict[str, Any], name: str = "mod", **properties: Any) -> dict[str, Any]:
    """A nested deployment as Bicep writes a module."""
    body = {
        "expressionEvaluationOptions": {"scope": "inner"}, "mode": "Incremental", "template": inner, **properties,
    }  # fmt: skip
    return {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": name, "properties": body}


@dataclass
class Said:
    """What `validate` says: exit code, and (level, path, message) of each problem with its hint."""

    code: int
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Path and message of the errors."""
        return [(path, message) for level, path, message in self.problems if level == "error"]

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """Path and message of the warnings."""
        return [(path, message) for level, path, message in self.problems if level == "warning"]


@dataclass
class Command:
    """Runs command lines in a folder."""

    capture: pytest.CaptureFixture[str]
    folder: Path

    def write(self, content: Any, name: str = "t.json") -> Path:
        """Write a file: bytes, text, or a value as JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, bytes | str) else json.dumps(content, indent=1)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command line."""
        self.capture.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        out, err = self.capture.readouterr()
        return code, out, err

    def validate(self, content: Any, *options: str, name: str = "t.json") -> Said:
        """What `validate --json` says of a template."""
        code, out, err = self.run("validate", "--json", self.write(content, name), *options)
        found = json.loads(out) if out.strip() else {"problems": []}
        listed = [(one["level"], one["path"], one["message"]) for one in found["problems"]]
        return Said(code, listed, [one["hint"] or "" for one in found["problems"]], out + err)

    def generate(self, content: Any, *options: str, name: str = "t.json") -> Path:
        """The workspace that `generate` makes of a template."""
        out = self.folder / "workspace"
        code, _, err = self.run("generate", self.write(content, name), "--out", out, *options)
        assert code == 0, err
        return out

    def values(self, content: Any, *options: str) -> dict[str, Any]:
        """The values of the workspace that `generate` makes of a template."""
        found: dict[str, Any] = json.loads((self.generate(content, *options) / "template.auto.tfvars.json").read_text())
        return found
