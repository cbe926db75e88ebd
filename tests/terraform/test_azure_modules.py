"""The Azure modules one by one: valid by azurerm's own schema, and what they refuse."""

import json
import re
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.azure_sim.mirror import AzureSim
from tests.terraform.root import MAIN, ROOT_TF, Root

MODULES = Path(__file__).parents[2] / "modules"
AZURE = sorted(path.name for path in (MODULES / "azure").iterdir())
VM = f"{MAIN}/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/machine"
SCRIPT = "${path.root}/step.sh"
COMMON: dict[str, Any] = {
    "staging": {"group": "g", "location": "westeurope", "own_group": True},
    "linux_vm": {
        "group": "g", "image": {"id": "/i"}, "location": "westeurope", "name": "machine", "public_address": False,
        "public_key": "ssh-ed25519 AAAA", "size": "Standard_D2ds_v5", "subnet_id": "/s", "timeout_minutes": 60,
        "user": "imagegen",
    },
    "run_command": {
        "location": "westeurope", "name": "010-x", "previous_key": "k", "script": SCRIPT, "system": "linux",
        "timeout_minutes": 60, "user": "imagegen", "virtual_machine_id": VM,
    },
    "upload": {
        "destination": "/tmp/x", "file": SCRIPT, "name": "010-x", "previous_key": "k", "storage_account_id": "/a",
        "system": "linux", "timeout_seconds": 60, "user": "imagegen", "virtual_machine_id": VM,
    },
    "update": {
        "criteria": "IsInstalled=0", "filters": [], "limit": 1, "previous_key": "k", "rounds": 1, "timeout_seconds": 60,
        "virtual_machine_id": VM,
    },
    "extension": {
        "previous_key": "k", "script": "c2NyaXB0", "system": "linux", "timeout_minutes": 60, "virtual_machine_id": VM,
    },
    "bundle": {"generalize": True, "steps": [], "system": "linux", "user": "imagegen"},
    "captured_image": {
        "generation": "V2", "group": "g", "location": "westeurope", "name": "captured", "timeout_minutes": 60,
        "virtual_machine_id": VM,
    },
    "captured_gallery": {
        "architecture": "x64", "generation": "V2", "group": "g", "location": "westeurope", "name": "captured_x",
        "system": "linux", "timeout_minutes": 60, "virtual_machine_id": VM,
    },
    "gallery_image_version": {
        "image": {
            "definition": "d", "gallery": "g", "location": "westeurope", "resource_group": "g", "source_id": VM,
            "regions": [{"name": "West Europe", "replicas": 1, "storage_account_type": "Standard_LRS"}],
            "version": "1.0.0",
        },
    },
    "managed_image": {
        "image": {"generation": "V2", "location": "westeurope", "name": "i", "resource_group": "g", "source_id": VM},
    },
}  # fmt: skip
COMMON["windows_vm"] = {name: value for name, value in COMMON["linux_vm"].items() if name != "public_key"} | {
    "admin_password": "0123456789-long"
}
IMAGE = COMMON["gallery_image_version"]["image"]

# A module, what is wrong in one call of it, and what is said of it.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("staging", {"group": "ends."}, "`group` must be the name of a resource group"),
    ("staging", {"allow_from": ["everybody"]}, "`allow_from` must be a list of address ranges"),
    ("staging", {"storage_account": "Not-Allowed"}, "`storage_account` must have 3 to 24"),
    ("staging", {"subnet_id": "/subscriptions/x"}, "`subnet_id` must be the id of a subnet"),
    ("linux_vm", {"image": {}}, "`image` must have an `id`, or `publisher`"),
    ("linux_vm", {"image": {"publisher": "p", "offer": "o", "sku": "s"}}, "`image` must have an `id`, or"),
    ("linux_vm", {"security": "Confidential"}, "`security` must be `Standard` or `TrustedLaunch`"),
    ("linux_vm", {"disk_size_gb": 9000}, "`disk_size_gb` must be between 0 and 4095"),
    ("linux_vm", {"public_key": "planned"}, "`public_key` must be an RSA or Ed25519 key"),
    ("linux_vm", {"user": "root"}, "`user` must be a plain user name other than root"),
    ("windows_vm", {"admin_password": "short"}, "`admin_password` must have at least 12"),
    ("windows_vm", {"custom_data": "x" * 90000}, "`custom_data` must be at most 65,535 bytes"),
    ("run_command", {"level": "root"}, "`level` must be `plain`, `elevated` or `system`"),
    ("run_command", {"exit_codes": []}, "`exit_codes` must be a list of at least one whole number"),
    ("run_command", {"system": "plan9"}, "`system` must be `linux` or `windows`"),
    ("run_command", {"name": "Bad Name"}, "`name` must have at most 63"),
    ("upload", {"destination": ""}, "`destination` must not be empty"),
    ("update", {"rounds": 7}, "`rounds` must be between 1 and 6"),
    ("update", {"limit": 0}, "`limit` must be at least 1"),
    ("bundle", {"steps": [{"key": "'; rm", "script": "x"}]}, "The keys of `steps` must have at most 63"),
    ("captured_image", {"generation": "V3"}, "`generation` must be `V1` or `V2`"),
    ("captured_gallery", {"architecture": "ppc"}, "`architecture` must be `x64` or `Arm64`"),
    ("gallery_image_version", {"image": IMAGE | {"version": "1"}}, "`image.version` must have the form"),
    ("gallery_image_version", {"image": IMAGE | {"source_id": "/x"}}, "`image.source_id` must be the id of a virtual"),
    ("managed_image", {"image": COMMON["managed_image"]["image"] | {"generation": "G2"}}, "`image.generation` must be"),
]  # fmt: skip
# What only two values together can show: found when the module itself is planned.
REFUSED_TOGETHER: list[tuple[str, dict[str, Any], str]] = [
    ("linux_vm", {"public_address": True}, "A machine with a public address needs `security_group_id`"),
    ("run_command", {"script": "${path.root}/large.sh"}, "is too large for a run command, which takes 262144 bytes"),
    ("extension", {"script": "x" * 300_000}, "These steps are too large for an extension, which takes 262144 bytes"),
    ("gallery_image_version", {"image": IMAGE | {"location": "eastus"}}, "must include eastus, where it is made"),
]  # fmt: skip


def calls(*wanted: tuple[str, dict[str, Any]]) -> str:
    """A root with a call for each module; JSON is HCL enough for values."""
    blocks = []
    for number, (module, more) in enumerate(wanted):
        arguments = "\n".join(f"  {name} = {json.dumps(value)}" for name, value in (COMMON[module] | more).items())
        blocks.append(f'module "m{number}" {{\n  source = "./modules/azure/{module}"\n{arguments}\n}}\n')
    return ROOT_TF + "".join(blocks)


@pytest.fixture
def root(azure_sim: AzureSim, tmp_path: Path) -> Root:
    """An empty root beside the modules."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "modules").symlink_to(MODULES)
    (folder / "step.sh").write_text("#!/bin/sh\n")
    (folder / "large.sh").write_text("#" * 200_000)
    return Root(folder, azure_sim)


def test_every_module_is_valid_and_takes_what_it_should(root: Root) -> None:
    (root.folder / "main.tf").write_text(calls(*((module, {}) for module in sorted(COMMON))))
    root.init().does("validate")
    root.does("plan")


@pytest.mark.parametrize("refused", [REFUSED, REFUSED_TOGETHER], ids=["values", "together"])
def test_every_module_refuses_what_it_should(root: Root, refused: list[tuple[str, dict[str, Any], str]]) -> None:
    """All at once: Terraform tells every problem of a plan."""
    (root.folder / "main.tf").write_text(calls(*((module, more) for module, more, _ in refused)))
    code, text = root.init().run("plan")
    assert code == 1
    missing = [said for _, _, said in refused if said not in text]
    assert not missing, text[-3000:]


@pytest.mark.parametrize("module", AZURE)
def test_every_module_is_described(module: str) -> None:
    folder = MODULES / "azure" / module
    assert (folder / "README.md").read_text().startswith(f"# {module}\n")
    for kind in ("variable", "output"):
        path = folder / f"{kind}s.tf"
        for block in hcl2.loads(path.read_text())[kind]:
            for name, body in block.items():
                assert body.get("description"), f"{module}: {name}"
    assert not re.search(r'^provider "', (folder / "main.tf").read_text(), re.MULTILINE)


def test_an_image_that_is_patched_while_it_runs_gets_the_mode_that_azurerm_wants(root: Root) -> None:
    image = {"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "version": "latest"}
    skus = ("2025-datacenter-azure-edition", "2025-datacenter-g2")
    (root.folder / "main.tf").write_text(calls(*(("windows_vm", {"image": image | {"sku": sku}}) for sku in skus)))
    text = root.init().does("plan")
    assert 'patch_mode = "AutomaticByPlatform"' in text
    assert 'patch_mode = "Manual"' in text


def test_both_machines_have_the_same_interface() -> None:
    assert (MODULES / "azure/linux_vm/interface.tf").read_text() == (
        MODULES / "azure/windows_vm/interface.tf"
    ).read_text()


def test_the_deprovision_script_is_image_builders_own() -> None:
    """Templates edit it in place by these very words (FORMAT.md 2.4)."""
    script = (MODULES / "azure/prepare/DeprovisioningScript.ps1").read_text()
    assert "Sysprep.exe /oobe /generalize /quiet /quit" in script
    assert "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE" in script
    for service in ("RdAgent", "WindowsAzureTelemetryService", "WindowsAzureGuestAgent"):
        assert f"Get-Service {service}" in script
