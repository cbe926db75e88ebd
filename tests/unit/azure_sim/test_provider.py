"""Plans, changes, imports and errors of the stand-in provider, by real Terraform."""

import os
import signal
import time
from pathlib import Path

from tests.azure_sim import mirror
from tests.azure_sim.faults import FOREVER, fault
from tests.support.waiting import HANG_SECONDS
from tests.unit.azure_sim.conftest import Workspace
from tests.unit.azure_sim.making import GROUP

GALLERIES = "Microsoft.Compute/galleries"
COMPUTE = f"{GROUP}/providers/Microsoft.Compute"
RESOURCE_GROUP = """
resource "azurerm_resource_group" "g" {
  name     = "rg"
  location = "West Europe"
  tags     = { one = "1" }
}
"""
GALLERY = (
    RESOURCE_GROUP
    + """
resource "azurerm_shared_image_gallery" "g" {
  name                = "g"
  resource_group_name = azurerm_resource_group.g.name
  location            = azurerm_resource_group.g.location
}
"""
)
IDENTITY = """
resource "azurerm_user_assigned_identity" "i" {
  name                = "i-${azurerm_shared_image_gallery.g.unique_name}"
  resource_group_name = "rg"
  location            = "westeurope"
  tags                = azurerm_resource_group.g.tags
}
"""
VERSION = """
resource "azurerm_shared_image_version" "v" {
  name                = "1.0.0"
  gallery_name        = "g"
  image_name          = "i"
  resource_group_name = "rg"
  location            = "westeurope"
  managed_image_id    = "IMAGE"
  target_region {
    name                   = "West Europe"
    regional_replica_count = 1
  }
}
""".replace("IMAGE", f"{COMPUTE}/images/m")


def test_plans_changes_and_drift(workspace: Workspace) -> None:
    workspace.write(GALLERY).apply()
    assert workspace.is_settled()

    workspace.write(GALLERY.replace('one = "1"', 'one = "2"'))
    assert "0 added, 1 changed, 0 destroyed" in workspace.apply()

    workspace.cloud.change(GROUP, tags={"one": "changed by hand"})
    assert '"changed by hand" -> "2"' in workspace.plan()

    workspace.cloud.delete(f"{COMPUTE}/galleries/g")
    assert "1 to add, 1 to change, 0 to destroy" in workspace.plan()

    workspace.write(GALLERY.replace("West Europe", "northeurope"))
    said = workspace.plan()
    assert "# forces replacement" in said
    assert "2 to add, 0 to change, 1 to destroy" in said


def test_a_group_that_is_not_empty_stays_by_default(workspace: Workspace) -> None:
    workspace.write(RESOURCE_GROUP).apply()
    workspace.cloud.put(f"{COMPUTE}/galleries/g", {"location": "westeurope"})
    main = workspace.folder / "main.tf"
    guarded = main.read_text().replace("prevent_deletion_if_contains_resources = false", "")
    main.write_text(guarded)
    said = workspace.run("destroy", "-auto-approve")
    assert said.code == 1
    assert "the Resource Group still contains Resources" in said.text


def test_what_exists_has_to_be_imported(workspace: Workspace) -> None:
    workspace.cloud.put(GROUP, {"location": "westeurope", "tags": {"one": "1"}})
    workspace.write(RESOURCE_GROUP)
    assert f'A resource with the ID "{GROUP}" already exists' in workspace.refused()

    importing = f'import {{\n  to = azurerm_resource_group.g\n  id = "{GROUP}"\n}}\n'
    assert "1 imported, 0 added, 0 changed, 0 destroyed" in workspace.write(RESOURCE_GROUP + importing).apply()
    assert workspace.is_settled()

    wrong = workspace.write(RESOURCE_GROUP + importing.replace(GROUP, "/subscriptions/x").replace(".g\n", ".h\n"))
    (wrong.folder / "more.tf").write_text(RESOURCE_GROUP.replace('"g"', '"h"'))
    said = wrong.run("plan")
    assert said.code == 1
    assert "it is no id of azurerm_resource_group" in said.text


def test_busy_for_a_while_is_waited_for_and_no_longer(workspace: Workspace) -> None:
    busy = fault("create", GALLERIES, status=429, code="TooManyRequests", retry_after=0.1, times=2)
    workspace.cloud.plant(busy)
    workspace.write(GALLERY).apply()
    assert [name for name, _ in workspace.cloud.journal("create")] == ["create"] * 4

    workspace.cloud.plant(fault("delete", GALLERIES, status=500, code="InternalServerError", times=FOREVER))
    said = workspace.run("destroy", "-auto-approve")
    assert said.code == 1
    assert (
        "unexpected status 500 (500 Internal Server Error) with error: InternalServerError: a planted fault"
        in said.text
    )
    assert len(workspace.cloud.journal("delete")) == 5


def test_a_lost_answer_leaves_what_nobody_knows(workspace: Workspace) -> None:
    workspace.cloud.plant(fault("create", GALLERIES, "lose"))
    workspace.write(GALLERY)
    assert "the connection was reset before the answer came" in workspace.refused()
    assert "already exists" in workspace.refused()


def test_what_outlives_its_timeout_is_lost_too(workspace: Workspace) -> None:
    """azure/FACTS.md 11: the version stands, the state does not know it, and the next apply says so."""
    timeouts = '  timeouts {\n    create = "0.2s"\n  }\n}\n'
    workspace.write(GALLERY.rstrip().removesuffix("}") + timeouts)
    workspace.cloud.set(delay={GALLERIES: 30.0})
    assert "context deadline exceeded" in workspace.refused()
    shown = workspace.cloud.get(f"{COMPUTE}/galleries/g")
    assert shown is not None
    assert shown["properties"]["provisioningState"] == "Creating"
    assert "already exists" in workspace.refused()


def test_an_interrupt_ends_the_waiting(workspace: Workspace) -> None:
    workspace.cloud.set(delay={GALLERIES: 60.0})
    running = workspace.write(GALLERY).start("apply", "-auto-approve")
    while ("create", f"{COMPUTE}/galleries/g") not in workspace.cloud.journal("create"):
        assert running.poll() is None
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    said, _ = running.communicate(timeout=HANG_SECONDS)
    assert running.returncode == 1
    assert "context canceled" in said


def test_a_failed_script_is_kept_and_tainted(workspace: Workspace) -> None:
    machine = f"{COMPUTE}/virtualMachines/m"
    workspace.cloud.put(GROUP, {"location": "westeurope"})
    workspace.cloud.put(machine, {"location": "westeurope"})
    workspace.cloud.set(scripts=[{"match": "boom", "exit_code": 3, "error": "no such file"}])
    workspace.write(f"""
resource "azurerm_virtual_machine_run_command" "r" {{
  name               = "r"
  location           = "westeurope"
  virtual_machine_id = "{machine}"
  source {{
    script = "boom"
  }}
  protected_parameter {{
    name  = "password"
    value = "secret"
  }}
}}
""")
    said = workspace.refused()
    assert "polling failed: the Azure API returned the following error" in said
    assert "exit status=3" in said
    assert workspace.values("azurerm_virtual_machine_run_command.r")["instance_view"][0]["exit_code"] == 3
    assert "is tainted, so must be replaced" in workspace.plan()


def test_ids_in_other_letter_case_replace_an_image(workspace: Workspace) -> None:
    """azure/FACTS.md 3, and its cure."""
    cloud = workspace.cloud
    cloud.put(GROUP, {"location": "westeurope"})
    for part in ("images/m", "galleries/g", "galleries/g/images/i"):
        cloud.put(f"{COMPUTE}/{part}", {"location": "westeurope"})
    workspace.write(VERSION).apply()
    cloud.set(echo_case=["*"])
    said = workspace.plan()
    assert "/resourceGroups/RG/" in said
    assert "1 to add, 0 to change, 1 to destroy" in said

    cured = VERSION.rstrip().removesuffix("}") + "  lifecycle {\n    ignore_changes = [managed_image_id]\n  }\n}\n"
    assert workspace.write(cured).is_settled()


def test_secrets_are_in_no_state_and_no_import(workspace: Workspace) -> None:
    workspace.write("""
resource "azurerm_resource_group" "g" {
  name     = "rg"
  location = "westeurope"
}
resource "azurerm_key_vault" "v" {
  name                       = "v"
  resource_group_name        = azurerm_resource_group.g.name
  location                   = "westeurope"
  rbac_authorization_enabled = true
  sku_name                   = "standard"
  tenant_id                  = "11111111-1111-1111-1111-111111111111"
}
resource "azurerm_key_vault_secret" "s" {
  name             = "s"
  key_vault_id     = azurerm_key_vault.v.id
  value_wo         = "write-only-secret"
  value_wo_version = 1
}
output "vault" {
  value = provider::azurerm::parse_resource_id(azurerm_key_vault.v.id).resource_type
}
output "group" {
  value = provider::azurerm::normalise_resource_id("/subscriptions/s/RESOURCEGROUPS/RG")
}
""")
    said = workspace.apply()
    assert 'group = "/subscriptions/s/resourceGroups/RG"' in said
    assert 'vault = "vaults"' in said
    assert workspace.is_settled()
    assert "write-only-secret" not in (workspace.folder / "terraform.tfstate").read_text()
    (secret,) = workspace.cloud.resources(arm_type="Microsoft.KeyVault/vaults/secrets")
    assert secret["properties"]["valueWo"] == "write-only-secret"


WRONG = """
resource "azurerm_resource_group" "unknown_argument" {
  name     = "rg"
  location = "westeurope"
  colour   = "red"
}
resource "azurerm_resource_group" "no_location" {
  name = "rg"
}
resource "azurerm_shared_image_galery" "misspelt" {}
resource "azurerm_shared_image_version" "two_sources" {
  name                = "1.0.0"
  gallery_name        = "g"
  image_name          = "i"
  resource_group_name = "rg"
  location            = "westeurope"
  managed_image_id    = "x"
  os_disk_snapshot_id = "x"
  storage_account_id  = "x"
}
"""


def test_a_wrong_configuration_is_refused(workspace: Workspace) -> None:
    """By core, which has the schema, and by the provider, which has the rules."""
    core = workspace.write(WRONG).run("validate")
    assert core.code == 1
    for said in (
        'An argument named "colour" is not expected here',
        'The argument "location" is required',
        'does not support resource type "azurerm_shared_image_galery"',
        'At least 1 "target_region" blocks are required',
    ):
        assert said in core.text

    region = '  target_region {\n    name                   = "x"\n    regional_replica_count = 1\n  }\n}\n'
    good = WRONG[WRONG.index('resource "azurerm_shared_image_version"') :].rstrip().removesuffix("}") + region
    provider = workspace.write(good).run("validate")
    assert provider.code == 1
    assert "only one of `blob_uri,managed_image_id,os_disk_snapshot_id` can be specified" in provider.text
    assert "all of `blob_uri,storage_account_id` must be specified" in provider.text


def test_a_wrong_credential_and_a_missing_subscription(workspace: Workspace) -> None:
    workspace.write(RESOURCE_GROUP)
    missing = workspace.run("plan", env={"ARM_SUBSCRIPTION_ID": ""})
    assert missing.code == 1
    assert "`subscription_id` is a required provider property" in missing.text

    wrong = fault("authenticate", "*", status=401, code="invalid_client", message="AADSTS7000215", times=FOREVER)
    workspace.cloud.plant(wrong)
    refused = workspace.run("plan")
    assert refused.code == 1
    assert "could not acquire access token to parse claims: invalid_client: AADSTS7000215" in refused.text


def test_core_finds_nothing_to_forgive(workspace: Workspace) -> None:
    """Without the old SDK's licence, for types that have none of its peculiarities: see the engine's own mistakes."""
    strict = {"AZSIM_STRICT": "1"}
    workspace.write(GALLERY.replace("West Europe", "westeurope") + IDENTITY)
    assert workspace.run("apply", "-auto-approve", env=strict).code == 0
    workspace.write(GALLERY.replace("West Europe", "westeurope").replace('"1"', '"2"') + IDENTITY)
    assert "2 changed" in workspace.run("apply", "-auto-approve", env=strict).text
    assert workspace.run("plan", "-detailed-exitcode", env=strict).code == 0


def test_a_lock_file_is_the_same_everywhere(workspace: Workspace, tmp_path: Path) -> None:
    lock = (workspace.folder / ".terraform.lock.hcl").read_text()
    other = tmp_path / "other"
    (other / "sim").mkdir(parents=True)
    elsewhere = Workspace(workspace.folder, mirror.make(other / "mirror").configured(other / "sim"))
    assert elsewhere.run("init", "-lockfile=readonly").code == 0
    assert (workspace.folder / ".terraform.lock.hcl").read_text() == lock
