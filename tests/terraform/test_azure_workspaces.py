"""The life of a generated Azure workspace: at rest, build, capture, images, at rest again, and a clone of it."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.azure_sim import stages
from tests.azure_sim.mirror import AzureSim, Mirror
from tests.invariants import read_ledger
from tests.terraform.conftest import vary
from tests.terraform.root import MACHINE, MAIN, OTHER, Root

Golden = Callable[[str], Root]
PASSWORD = "not-for-long-0123456789"


def build(root: Root, **machine: Any) -> Root:
    """Bring up the machine and run the steps."""
    windows = "admin_password" in (root.folder / "variables.tf").read_text()
    secret = {"admin_password": PASSWORD} if windows else {}
    root.let(build_version="1.0.0", machine=MACHINE | machine, **secret).apply()
    return root


def machine_of(root: Root) -> str:
    """The id of the build's machine."""
    machines = root.cloud.resources(arm_type="Microsoft.Compute/virtualMachines")
    return next(str(one["id"]) for one in machines if one["name"].startswith("machine"))


def capture(root: Root) -> str:
    """Deallocate and generalize the build's machine, as `az` and the SDK do."""
    machine = machine_of(root)
    root.cloud.act(machine, "deallocate")
    root.cloud.act(machine, "generalize")
    return machine


def shared(source: str, name: str, home: str) -> dict[str, Any]:
    """A gallery version as the ledger has it."""
    definition = f"{home}/resourceGroups/images/providers/Microsoft.Compute/galleries/company/images/{name}"
    return {
        "kind": "SharedImage", "resource": definition, "id": f"{definition}/versions/1.0.0",
        "subscription_id": home.split("/")[2], "resource_group": "images", "gallery": "company", "definition": name,
        "version": "1.0.0", "location": "westeurope", "exclude_from_latest": False, "replication_mode": "Full",
        "regions": [{"name": "West Europe", "replicas": 2, "storage_account_type": "Standard_ZRS"}],
        "end_of_life_date": None, "source_id": source, "tags": {"imagegen:version": "1.0.0"},
    }  # fmt: skip


def managed(source: str, name: str) -> dict[str, Any]:
    """A managed image as the ledger has it."""
    image = f"{MAIN}/resourceGroups/images/providers/Microsoft.Compute/images/{name}"
    return {
        "kind": "ManagedImage", "resource": image, "id": image, "subscription_id": MAIN.split("/")[2],
        "resource_group": "images", "name": name, "location": "westeurope", "generation": "V2", "source_id": source,
        "tags": {},
    }  # fmt: skip


def blob() -> dict[str, Any]:
    """A VHD as the ledger has it."""
    address = "https://company.blob.core.windows.net/vhds/linux.vhd"
    return {"kind": "VHD", "resource": address, "id": address, "tags": {}, "source_id": f"{MAIN}/disks/x"}


def release(status: str, **images: Any) -> dict[str, Any]:
    """An entry of the ledger."""
    return {"status": status, "time": "2026-01-01T00:00:00Z", "source": "s", "template": "d", "images": images}


@pytest.mark.parametrize(
    ("case", "steps"),
    [
        ("azure-private", ["000-prepare", "010-latin-1", "030-put-it-in-place", "999-deprovision"]),
        ("azure-windows", ["000-prepare", "010-plain", "020-elevated", "030-as-system", "999-deprovision"]),
    ],
)
def test_each_step_is_a_run_command_in_the_order_of_the_template(golden: Golden, case: str, steps: list[str]) -> None:
    root = build(golden(case))
    made = [one.rpartition("/")[2] for _, one in root.cloud.journal("create") if "/runCommands/" in one]
    assert made == steps
    assert root.is_settled()


@pytest.mark.parametrize(("case", "created"), [("azure-gallery", 13), ("azure-bastion", 11)])
def test_steps_over_ssh_come_after_a_machine_that_lets_them_in(golden: Golden, case: str, created: int) -> None:
    """Nobody answers here, so the steps are only planned."""
    root = golden(case).let(build_version="1.0.0", machine=MACHINE, ssh_private_key="not a key")
    text = root.does("plan")
    assert f"Plan: {created} to add, 0 to change, 0 to destroy" in text
    root.apply("-target=module.vm")
    rules = root.cloud.resources(arm_type="Microsoft.Network/networkSecurityGroups")
    assert [one["properties"]["securityRules"][0]["sourceAddressPrefixes"] for one in rules] == (
        [["203.0.113.7/32"]] if case == "azure-gallery" else []
    )
    assert "not a key" not in (root.folder / "terraform.tfstate").read_text()


def test_windows_has_a_machine_that_nobody_logs_in_to(golden: Golden) -> None:
    root = build(golden("azure-windows"))
    (rules,) = root.cloud.resources(arm_type="Microsoft.Network/networkSecurityGroups")
    assert rules["properties"]["securityRules"] == []
    assert "module.staging[0].azurerm_storage_account.this[0]" in root.state()


def test_a_group_of_the_users_own_stays_and_names_in_it_tell_whose_they_are(golden: Golden) -> None:
    root = build(golden("azure-private"))
    staged = [one for one in root.cloud.resources(f"{MAIN}/resourceGroups/staging") if one["location"]]
    kinds = ("/virtualMachines", "/networkInterfaces", "/disks")
    named = [one["name"] for one in staged if one["type"].endswith(kinds)]
    assert sorted(named) == ["machine-d69aeba9", "machine-d69aeba9", "machine-d69aeba9-disk"]
    assert not root.cloud.resources(arm_type="Microsoft.Network/publicIPAddresses")
    tagged = [one for one in staged if one["type"].endswith(kinds[:2])]
    assert {one["tags"]["imagegen:workspace"] for one in tagged} == {"d69aeba9e91f"}
    root.rest().apply()
    assert root.cloud.get(f"{MAIN}/resourceGroups/staging")
    assert root.state() == []


def test_an_extension_carries_all_steps(golden: Golden) -> None:
    root = build(golden("azure-extension"))
    (extension,) = root.cloud.resources(arm_type="Microsoft.Compute/virtualMachines/extensions")
    assert extension["properties"]["type"] == "CustomScriptExtension"
    # cmd.exe takes no more; the steps themselves came as custom data.
    assert len(json.loads(extension["properties"]["settings"])["commandToExecute"]) < 8191
    assert root.is_settled()


def test_a_failing_step_stops_the_build_there(golden: Golden) -> None:
    root = golden("azure-private")
    root.cloud.set(scripts=[{"match": "010-latin-1", "exit_code": 3, "error": "no such luck"}])
    root.let(build_version="1.0.0", machine=MACHINE)
    code, text = root.run("apply", "-auto-approve")
    assert code == 1
    assert "no such luck" in text
    assert not [one for _, one in root.cloud.journal("create") if one.endswith("030-put-it-in-place")]


def test_an_edited_step_takes_all_after_it_along(golden: Golden) -> None:
    root = build(golden("azure-private"))
    script = root.folder / "scripts/030-put-it-in-place.sh"
    script.write_bytes(script.read_bytes() + b"true\n")
    _, text = root.run("plan")
    assert "Plan: 4 to add, 0 to change, 4 to destroy" in text
    assert "module.step_999_deprovision[0].azurerm_virtual_machine_run_command.this will be replaced" in text


@pytest.fixture(scope="module")
def once(azurerm_mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AzureSim]:
    """A workspace that has released images of every kind, and its cloud, for tests to copy."""
    folder = tmp_path_factory.mktemp("released")
    (folder / "azure").mkdir()
    sim = azurerm_mirror.configured(folder / "azure")
    root = vary(sim, folder, "azure-gallery", 'communicator = "run-command"\n', validate=None)
    source = capture(build(root))
    images = {
        "linux": shared(source, "alma", MAIN), "elsewhere": shared(source, "alma", OTHER),
        "managed": managed(source, "linux"), "disk": blob(),
    }  # fmt: skip
    root.let(pending_release=release("pending", **images) | {"version": "1.0.0"})
    targets = [f"-target=module.{name}" for name in ("image", "image_22222222", "image_managed")]
    text = root.apply("-refresh=false", *targets)
    assert "3 added, 0 changed, 0 destroyed" in text
    root.ledger({"1.0.0": release("released", **images)})
    root.let(pending_release=None)
    group = json.loads((root.folder / "template.auto.tfvars.json").read_text())["staging_group"]
    root.cloud.delete(f"{MAIN}/resourceGroups/{group}")
    root.rest().apply()
    return root.folder, sim


@pytest.fixture
def released(once: tuple[Path, AzureSim], azurerm_mirror: Mirror, tmp_path: Path) -> Root:
    """A copy of it, in a cloud of its own."""
    folder, sim = once
    shutil.copytree(folder, tmp_path / "released", symlinks=True)
    (tmp_path / "cloud").mkdir()
    shutil.copy(sim.folder / "cloud.json", tmp_path / "cloud")
    return Root(tmp_path / "released", azurerm_mirror.configured(tmp_path / "cloud"))


def ledger_of(root: Root) -> dict[str, Any]:
    """What the ledger says."""
    return read_ledger(root.folder)


def test_images_of_every_kind_outlive_their_build(released: Root) -> None:
    root = released
    assert root.is_settled()
    assert sorted(root.state()) == [
        'module.image["linux/1.0.0"].azurerm_shared_image_version.this',
        'module.image_22222222["elsewhere/1.0.0"].azurerm_shared_image_version.this',
        'module.image_managed["managed/1.0.0"].azurerm_image.this',
    ]
    shown = json.loads(root.does("output", "-json", "images"))
    assert shown["disk/1.0.0"] == "https://company.blob.core.windows.net/vhds/linux.vhd"
    assert shown["elsewhere/1.0.0"].startswith(OTHER)
    code, text = root.run("destroy", "-auto-approve")
    assert code == 1
    assert "prevent_destroy" in text


def test_a_clone_without_state_takes_the_images_in_and_changes_none(released: Root, tmp_path: Path) -> None:
    root = released
    clone = Root(tmp_path / "clone", root.sim)
    shutil.copytree(root.folder, clone.folder, ignore=shutil.ignore_patterns(".terraform*", "terraform.tfstate*"))
    clone.init()
    _, text = clone.run("plan")
    assert "Plan: 3 to import, 0 to add, 0 to change, 0 to destroy" in text
    clone.apply()
    assert clone.is_settled()
    root.cloud.set(echo_case=["*"])
    assert clone.is_settled()


def test_no_edit_of_where_images_go_reaches_a_released_one(released: Root) -> None:
    root = released
    ledger = ledger_of(root)
    values = root.folder / "template.auto.tfvars.json"
    values.write_text(values.read_text().replace("westeurope", "northeurope"))
    assert root.is_settled()
    # Nor does an edit of the ledger move one: what it was made from is gone.
    for image in ledger["1.0.0"]["images"].values():
        image |= {"source_id": "/providers/Microsoft.Compute/virtualMachines/gone"}
    ledger["1.0.0"]["images"]["linux"] |= {"gallery": "another", "definition": "other", "replication_mode": "Shallow"}
    ledger["1.0.0"]["images"]["managed"] |= {"name": "another", "generation": "V1"}
    root.ledger(ledger)
    assert "0 added, 0 changed, 0 destroyed" in root.apply()  # the outputs show the edited ledger
    assert root.is_settled()


def test_answers_in_other_letter_case_change_nothing(released: Root) -> None:
    root = released
    root.cloud.set(echo_case=["*"])
    assert root.is_settled()


def test_a_version_that_the_ledger_lacks_is_not_destroyed(released: Root) -> None:
    root = released
    root.ledger({})
    code, text = root.run("plan")
    assert code == 1
    assert "Instance cannot be destroyed" in text


def test_what_is_retired_or_superseded_leaves_the_plan_empty(released: Root) -> None:
    """imagegen has deleted it: a retired release, and a managed image that a newer one took the place of."""
    root = released
    ledger = ledger_of(root)
    images = ledger["1.0.0"]["images"]
    for name in ("linux", "elsewhere", "managed"):
        root.cloud.delete(images[name]["id"])
    images["managed"]["status"] = "superseded"
    root.ledger({"1.0.0": ledger["1.0.0"] | {"status": "retired"}})
    root.apply()
    assert root.is_settled()


@pytest.mark.parametrize("wanted", ["image", "gallery"])
def test_validation_starts_from_an_image_of_the_build(golden: Golden, wanted: str) -> None:
    security = "TrustedLaunch" if wanted == "gallery" else "Standard"
    root = build(golden("azure-private"), security=security)
    source = capture(root)
    captured = {"vm_id": source, "image": wanted == "image", "gallery": wanted == "gallery"}
    root.let(captured=captured)
    assert "0 changed, 0 destroyed" in root.apply("-refresh=false", "-target=module.captured_" + wanted)
    group = f"{MAIN}/resourceGroups/staging/providers/Microsoft.Compute"
    image = {
        "image": f"{group}/images/captured-d69aeba9",
        "gallery": f"{group}/galleries/captured_d69aeba9e91f/images/captured/versions/1.0.0",
    }[wanted]
    assert root.cloud.get(image)
    root.let(validation_machine=MACHINE | {"source_id": image, "source_version": "", "security": security})
    text = root.apply("-refresh=false")
    assert "0 changed, 0 destroyed" in text
    made = [one.rpartition("/")[2] for _, one in root.cloud.journal("create") if "/validation-d69aeba9/runC" in one]
    assert made == ["010-it-is-there"]


def test_from_nothing_to_a_machine_are_four_resources_one_after_the_other(golden: Golden, azure_sim: AzureSim) -> None:
    """Group, network, interface, machine. Address and rules are made meanwhile, and the rules are bound last."""
    root = golden("azure-extension")
    before = [resource["id"] for resource in azure_sim.cloud.resources()]
    azure_sim.cloud.set(delay={"*": stages.DELAY})
    with ThreadPoolExecutor() as pool, azure_sim.cloud.clock.held():
        built = pool.submit(build, root)
        stages.walk(azure_sim.cloud, stages.FROM_NOTHING_TO_A_VM, before)
        azure_sim.cloud.set(delay={})
        built.result()
