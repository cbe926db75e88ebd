"""Modules and generated workspaces, by real Terraform, against the stand-in provider."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.azure_sim.fixtures import azure_sim, azurerm_mirror
from tests.azure_sim.mirror import AzureSim
from tests.golden.regenerate import CASES_FOLDER, generate
from tests.terraform.root import Root, furnish

__all__ = ["azure_sim", "azurerm_mirror"]


@pytest.fixture
def golden(azure_sim: AzureSim, tmp_path: Path) -> Callable[[str], Root]:
    """Makes a copy of a golden workspace, initialised, in a cloud that has what its template expects."""

    def make(name: str) -> Root:
        folder = tmp_path / name
        shutil.copytree(CASES_FOLDER / name / "workspace", folder)
        furnish(azure_sim.cloud)
        return Root(folder, azure_sim).init()

    return make


def vary(sim: AzureSim, folder: Path, case: str, settings: str = "", **properties: Any) -> Root:
    """Generate the workspace of a golden template with other settings and properties (None: without), initialised."""
    source = folder / "template"
    source.mkdir()
    template = json.loads((CASES_FOLDER / case / "template.json").read_text())
    changed = template["properties"] | properties
    template["properties"] = {name: value for name, value in changed.items() if value is not None}
    (source / "template.json").write_text(json.dumps(template))
    (source / "imagegen.toml").write_text('target = "azure"\n' + settings)
    generate(source / "template.json", folder / "out")
    furnish(sim.cloud)
    return Root(folder / "out", sim).init()


@pytest.fixture
def make(azure_sim: AzureSim, tmp_path: Path) -> Callable[..., Root]:
    """Generates as `vary` does; Terraform accepts the workspace, and its plan at rest is empty."""

    def made(*arguments: Any, **properties: Any) -> Root:
        root = vary(azure_sim, tmp_path, *arguments, **properties)
        (root.folder / "backend_override.tf").rename(tmp_path / "aside")
        root.does("fmt", "-check", "-recursive")
        (tmp_path / "aside").rename(root.folder / "backend_override.tf")
        root.does("validate")
        assert root.is_settled()
        return root

    return made
