"""The roles of examples/roles: enough for every build, which all tests in here are run with, and no more than that.

`azure` grants examples/roles/imagegen.json, and the simulated Azure refuses what it lacks.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from generator.azure import permissions
from generator.cli.subject import render, workspace_settings
from tests.azure.conftest import ROLES, SUBNET, SUBSCRIPTION, Azure, Write, role
from tests.azure.making import SHELL, managed, private, shared
from tests.azure.rest import at_rest

ROOT = Path(__file__).parents[2]
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ours"
SIZE = {"vmSize": "Standard_D2s_v5"}
GENERATED = (*ROOT.glob("examples/*/workspace"), *ROOT.glob("tests/golden/cases/*/workspace"))


def types_in(folder: Path) -> set[str]:
    """The resource types and data sources of azurerm below a folder."""
    texts = [path.read_text() for path in folder.rglob("*.tf")]
    return {found for text in texts for found in re.findall(r'^(?:resource|data) "(azurerm_\w+)"', text, re.MULTILINE)}


def test_the_table_has_every_resource_type_of_the_modules() -> None:
    listed = {row.what for row in permissions.TABLE if row.what.startswith("azurerm_")}
    assert listed == types_in(ROOT / "modules")


@pytest.mark.parametrize("workspace", [one for one in GENERATED if types_in(one)], ids=lambda one: one.parent.name)
def test_a_workspace_has_what_the_table_says_of_its_build(workspace: Path) -> None:
    """What it has beyond that is in modules that serve other builds too: a network of its own, and the scripts of run
    commands, which one extension bundles."""
    blueprint = render(workspace, None, workspace_settings(workspace)).blueprint
    assert blueprint.azure is not None
    made, written = permissions.types(blueprint, blueprint.azure), types_in(workspace)
    assert made <= written
    own = {"azurerm_public_ip", "azurerm_network_interface_security_group_association", "azurerm_resource_group",
           "azurerm_virtual_network", "azurerm_network_security_group", "azurerm_storage_account",
           "azurerm_virtual_machine_run_command"}  # fmt: skip
    assert written - made <= own


@pytest.mark.parametrize("communicator", ["ssh", "run-command"])
def test_the_doctor_asks_for_run_commands(azure: Azure, template: Write, tmp_path: Path, communicator: str) -> None:
    """Steps are run commands, or else the SSH host keys of some images are read by one."""
    (granted,) = azure.cloud.hook("roles")
    azure.cloud.set(roles=[granted | {"notActions": ["Microsoft.Compute/virtualMachines/runCommands/write"]}])
    path = template(SHELL, vmProfile=SIZE, distribute=[shared(azure.definition("web"))])
    azure.imagegen.environment["IMAGEGEN_COMMUNICATOR"] = communicator
    done = azure.imagegen("doctor", "--target", "azure", path, code=1)
    assert "Microsoft.Compute/virtualMachines/runCommands/write" in done.stdout + done.stderr


def test_no_role_opens_the_accounts_of_a_subscription() -> None:
    """The keys of a storage account are all that is in it."""
    for path in ROLES.glob("*.json"):
        assert not [one for one in json.loads(path.read_text())["Actions"] if one.lower().endswith("/listkeys/action")]


def test_a_staging_group_of_the_users_needs_no_role_in_the_subscription_but_lookups(
    azure: Azure, template: Write, tmp_path: Path
) -> None:
    """The README of the roles: on that group and on what the template names, and lookups in the subscription."""
    image = azure.definition("web")
    azure.cloud.put(GROUP, {"location": "westeurope"})
    (tmp_path / "motd").write_text("welcome")
    file = {"type": "File", "name": "motd", "sourceUri": str(tmp_path / "motd"), "destination": "/tmp/motd"}
    where = image.partition("/providers/")[0]
    to = [shared(image), managed(f"{where}/providers/Microsoft.Compute/images/web")]
    path = template(SHELL, file, vmProfile=private(azure) | SIZE, distribute=to, stagingResourceGroup=GROUP)
    azure.cloud.set(roles=[
        {"scope": f"/subscriptions/{SUBSCRIPTION}", **role("imagegen-lookups.json")},
        *({"scope": scope, **role("imagegen.json")} for scope in (GROUP, where, SUBNET)),
    ])  # fmt: skip
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("doctor", "--target", "azure", path)
    azure.imagegen("apply", path, "--out", out)
    at_rest(azure, out, before, {f"{image}/versions/1.0.0", f"{where}/providers/microsoft.compute/images/web"})


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        (["Microsoft.Storage/storageAccounts/fileServices/read"], "permissions to make the staging group"),
        (["Microsoft.Compute/virtualMachines/runCommands/write"], "permissions to make the staging group"),
        (["Microsoft.Compute/galleries/images/versions/write"], "permissions on out"),
        (["Microsoft.Network/virtualNetworks/subnets/join/action"], "permissions on the subnet"),
        (["Microsoft.Compute/skus/read"], "permissions to look things up"),
        (["Microsoft.Authorization/permissions/read"], "permissions to make the staging group"),
    ],
    ids=lambda one: one[0] if isinstance(one, list) else "",
)
def test_doctor_names_the_right_that_is_missing(
    azure: Azure, template: Write, tmp_path: Path, lacking: list[str], told: str
) -> None:
    (tmp_path / "motd").write_text("welcome")
    file = {"type": "File", "name": "motd", "sourceUri": str(tmp_path / "motd"), "destination": "/tmp/motd"}
    path = template(SHELL, file, vmProfile=private(azure) | SIZE, distribute=[shared(azure.definition("web"))])
    (granted,) = azure.cloud.hook("roles")
    azure.cloud.set(roles=[granted | {"notActions": lacking}])
    done = azure.imagegen("doctor", "--target", "azure", path, "--json", code=1)
    checks: list[dict[str, Any]] = json.loads(done.stdout)["checks"]
    failed = [check for check in checks if not check["ok"] and check["name"].startswith(told)]
    assert failed
    assert all(lacking[0] in check["advice"] + check["name"] for check in failed)
    # What needs the right itself may say so too; all else is well.
    assert all(lacking[0] in check["advice"] + check["name"] for check in checks if not check["ok"])
