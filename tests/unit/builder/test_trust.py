"""A committed workspace may come from anybody: what it holds beside its generated files is not believed."""

import json
from pathlib import Path
from typing import Any

import pytest

from generator.builder.terraform import Terraform
from generator.cli import app as cli
from generator.settings import Settings
from generator.workspace import ledger
from tests.invariants import write_ledger

ENTRY: dict[str, Any] = {
    "status": "released",
    "time": "",
    "source": "s",
    "content": "c",
    "schema": 1,
    "version": "1.0.0",
    "images": {
        "out": {
            "directory": "images/out/1.0.0",
            "kind": "VHD",
            "resource": "",
            "source_id": "/x",
            "manifest": {"name": "out", "source": "s", "content": "c", "version": "1.0.0", "tags": {}},
        }
    },
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A generated workspace."""
    template = tmp_path / "small.json"
    template.write_text(
        json.dumps(
            {
                "type": "Microsoft.VirtualMachineImages/imageTemplates",
                "apiVersion": "2024-02-01",
                "location": "westeurope",
                "properties": {
                    "source": {
                        "type": "PlatformImage",
                        "publisher": "Debian",
                        "offer": "debian-12",
                        "sku": "12",
                        "version": "latest",
                    },
                    "distribute": [{"type": "VHD", "runOutputName": "out"}],
                },
            }
        )
    )
    assert cli.run(["generate", str(template), "--target", "local", "--out", str(tmp_path / "out")]) == 0
    return tmp_path / "out"


def changed(**image: Any) -> dict[str, Any]:
    """A release whose one image says something else."""
    return ENTRY | {"images": {"out": ENTRY["images"]["out"] | image}}


def test_a_whole_ledger_is_read(tmp_path: Path) -> None:
    """The pattern that the others depart from."""
    write_ledger(tmp_path, {"1.0.0": ENTRY})
    assert ledger.load(tmp_path).releases == {"1.0.0": ENTRY}


@pytest.mark.parametrize(
    "release",
    [
        changed(directory="../victim"),
        changed(directory="images/out/1.0.1"),
        changed(directory="images/../../victim/1.0.0"),
        changed(manifest=5),
        changed(source_id=None),
        ENTRY | {"images": {"a/b": ENTRY["images"]["out"]}},
        ENTRY | {"status": "nonsense"},
        {name: value for name, value in ENTRY.items() if name != "time"},
    ],
)
def test_a_strangers_ledger_is_refused(workspace: Path, release: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Terraform loads it too: no path but an image's may come in by it."""
    write_ledger(workspace, {"1.0.0": release})
    for command in (["releases", str(workspace)], ["plan", str(workspace)]):
        assert cli.run(command) == 1
        assert "the ledger" in capsys.readouterr().err


def test_a_pending_release_of_a_stranger_removes_nothing(workspace: Path) -> None:
    """It is not where ours is: in a build's own folder, outside."""
    victim = workspace.parent / "victim"
    victim.mkdir()
    (workspace / ".imagegen").mkdir()
    pending = changed(directory="../victim")
    (workspace / ".imagegen/pending.tfvars.json").write_text(json.dumps({"pending_release": pending}))
    assert cli.run(["cleanup", str(workspace)]) == 0
    assert victim.exists()


@pytest.mark.parametrize("name", ["images", ".terraform", ".imagegen", "terraform.tfstate"])
def test_a_link_in_a_workspace_is_named_and_refused(
    workspace: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is written there would land elsewhere."""
    (workspace / name).symlink_to(workspace.parent)
    assert cli.run(["plan", str(workspace)]) == 1
    assert f": {name}" in capsys.readouterr().err


def test_a_module_manifest_that_is_not_terraforms_own_is_made_anew(workspace: Path) -> None:
    """Terraform reads keys in any case, so another spelling could lead it to other modules."""
    Terraform(workspace, Settings()).init()
    manifest = workspace / ".terraform/modules/modules.json"
    genuine = manifest.read_bytes()
    manifest.write_bytes(genuine.replace(b'"Dir":"modules/local/vm"', b'"Dir":"modules/local/vm","dir":"evil"'))
    assert manifest.read_bytes() != genuine
    Terraform(workspace, Settings()).init()
    assert manifest.read_bytes() == genuine


def test_a_journal_of_a_stranger_leads_to_no_folder_of_his(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither ssh nor status reads a machine's record outside our own state."""
    machine = workspace / "x/machine"
    machine.mkdir(parents=True)
    (machine / "machine.json").write_text(json.dumps({"name": "x", "pid": 1, "start_time": 1, "ssh_port": 1}))
    (workspace / ".imagegen").mkdir()
    journal = {"version": "1.0.0", "phase": "build", "directory": str(workspace / "x"), "pid": 1, "kept": True}
    (workspace / ".imagegen/journal.json").write_text(json.dumps(journal))
    assert cli.run(["ssh", str(workspace)]) == 1
    assert "no machine is kept" in capsys.readouterr().err
