"""What must hold in Azure and in the workspace after anything."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.azure.conftest import Azure
from tests.invariants import read_ledger


def at_rest(azure: Azure, workspace: Path, before: list[str], images: set[str]) -> None:
    """Azure holds what it held, and these images; ledger, state and plan agree; nothing of a build is left here."""
    added = set(azure.names()) - set(before)
    assert added == {image.lower() for image in images}
    assert set(before) <= set(azure.names())
    builds = azure.imagegen.state_dir / "builds"
    assert not builds.exists() or list(builds.iterdir()) == []
    assert not (workspace / ".imagegen").exists()
    assert released(workspace) == {image.lower() for image in images}
    planned = terraform(azure, workspace, "plan", "-detailed-exitcode")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    if images:
        with tempfile.TemporaryDirectory() as scratch:
            planned = terraform(azure, cloned(azure, workspace, Path(scratch)), "plan")
        shared = 'backend "azurerm"' in (workspace / "terraform.tf").read_text()  # then a clone has the state too
        expected = "No changes." if shared else f"Plan: {len(images)} to import, 0 to add, 0 to change, 0 to destroy"
        assert expected in planned.stdout, planned.stdout + planned.stderr


def nothing_left(azure: Azure, workspace: Path, before: list[str]) -> None:
    """A build that came to nothing left nothing."""
    at_rest(azure, workspace, before, set())


def cloned(azure: Azure, workspace: Path, scratch: Path) -> Path:
    """A fresh clone of the workspace, without its state, initialised."""
    clone = scratch / "clone"
    shutil.copytree(workspace, clone, ignore=shutil.ignore_patterns("terraform.tfstate*", ".terraform"))
    terraform(azure, clone, "init")
    return clone


def released(workspace: Path) -> set[str]:
    """The ids of the images that the ledger has in service, in lower case."""
    releases = read_ledger(workspace)
    return {
        image["id"].lower()
        for release in releases.values()
        if release["status"] == "released"
        for image in release["images"].values()
        if image.get("status") != "superseded" and image["kind"] != "VHD"
    }


def terraform(azure: Azure, workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Terraform by hand, with the credential of the builds."""
    return subprocess.run(
        ["terraform", arguments[0], "-no-color", "-input=false", *arguments[1:]],
        cwd=workspace,
        env=azure.imagegen.environment,
        capture_output=True,
        text=True,
        check=False,
    )
