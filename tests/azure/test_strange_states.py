"""A state that is damaged, lost or a stranger's: Terraform would end what it has and the workspace has not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.azure.conftest import IMAGES, Azure, Write
from tests.azure.killing import LONG, kill_while
from tests.azure.making import MACHINES, SHELL, VERSIONS, ledger, private, shared
from tests.azure.rest import at_rest
from tests.azure_sim.faults import fault
from tests.support.waiting import wait_until

State = dict[str, Any]


@pytest.fixture
def workspace(azure: Azure, template: Write, tmp_path: Path) -> Path:
    """A workspace with one release in a gallery."""
    out = tmp_path / "out"
    azure.imagegen(
        "apply", template(SHELL, vmProfile=private(azure), distribute=[shared(azure.definition("web"))]), "--out", out
    )
    return out


def kill_a_build(azure: Azure, workspace: Path, kind: str) -> None:
    """Kill a build while Azure makes its resource of this type."""
    before = azure.names(kind)
    azure.cloud.plant(fault("create", kind, "slow", seconds=LONG))
    kill_while(azure, lambda: azure.names(kind) != before, "apply", workspace)


def edit(workspace: Path, change: Callable[[State], None]) -> None:
    """Change a state as a bad disk or a bad neighbour does."""
    path = workspace / "terraform.tfstate"
    state = json.loads(path.read_text())
    change(state)
    path.write_text(json.dumps(state))


@pytest.mark.parametrize(
    ("key", "value"),
    [("module", 'module.imqge["out/1.0.0"]'), ("module", 'module.image["ouu/1.0.0"]'), ("name", "thit")],
)
def test_a_release_at_another_address_is_forgotten_and_taken_in_again(
    key: str, value: str, azure: Azure, workspace: Path
) -> None:
    """No configuration protects it there from being destroyed."""
    before = azure.names()

    def moved(state: State) -> None:
        (image,) = state["resources"]
        assert image[key] != value
        image[key] = value

    edit(workspace, moved)
    azure.imagegen("apply", workspace)
    first, second = (ledger(workspace)[version]["images"]["out"]["id"] for version in ("1.0.0", "1.0.1"))
    at_rest(azure, workspace, [name for name in before if name != first.lower()], {first, second})


def test_images_that_have_changed_places_are_taken_in_again(azure: Azure, workspace: Path) -> None:
    """Terraform would make both anew."""
    first = ledger(workspace)["1.0.0"]["images"]["out"]["id"]
    before = [name for name in azure.names() if name != first.lower()]
    azure.imagegen("apply", workspace)
    second = ledger(workspace)["1.0.1"]["images"]["out"]["id"]

    def swapped(state: State) -> None:
        one, other = state["resources"]
        one["module"], other["module"] = other["module"], one["module"]
        state["resources"].append(stranger("azurerm_image", f"{IMAGES}/providers/Microsoft.Compute/images/x"))

    edit(workspace, swapped)
    azure.imagegen("cleanup", workspace)
    at_rest(azure, workspace, before, {first, second})


def stranger(kind: str, resource_id: str) -> State:
    """A resource that some state has, and no build of this workspace made."""
    return {
        "module": "module.theirs", "mode": "managed", "type": kind, "name": "this",
        "provider": 'provider["registry.terraform.io/hashicorp/azurerm"]',
        "instances": [{"schema_version": 0, "attributes": {"id": resource_id, "name": "images"}}],
    }  # fmt: skip


@pytest.mark.parametrize("command", ["cleanup", "apply"])
def test_what_a_strangers_state_names_is_left_alone(command: str, azure: Azure, workspace: Path) -> None:
    """A state comes with the checkout, and whoever runs imagegen may delete what its author may not."""
    before = azure.names()
    edit(workspace, lambda state: state["resources"].append(stranger("azurerm_resource_group", IMAGES)))
    told = azure.imagegen(command, workspace)
    assert "it is left alone: module.theirs.azurerm_resource_group.this" in told.stderr
    assert "ended" not in told.stderr
    assert set(before) <= set(azure.names())


@pytest.mark.parametrize("left", ["", '{\n  "version": 4,\n  "outp', "[]"])
def test_a_state_that_was_lost_in_a_build_has_the_releases_again(left: str, azure: Azure, workspace: Path) -> None:
    """A Terraform that is killed as it writes its state, or has no room for it, leaves a part of it."""
    image = ledger(workspace)["1.0.0"]["images"]["out"]["id"]
    before = [name for name in azure.names() if name != image.lower()]
    kill_a_build(azure, workspace, MACHINES)
    (workspace / "terraform.tfstate").write_text(left)
    azure.imagegen("cleanup", workspace)
    at_rest(azure, workspace, before, {image})


@pytest.mark.parametrize("in_state", [False, True])
def test_what_was_to_be_released_is_decided_again(in_state: bool, azure: Azure, workspace: Path) -> None:
    """The file that says so is damaged when a build has been killed at its last step; the journal is whole."""
    first = ledger(workspace)["1.0.0"]["images"]["out"]["id"]
    second = first.replace("1.0.0", "1.0.1")
    before = [name for name in azure.names() if name != first.lower()]
    kill_a_build(azure, workspace, VERSIONS)
    wait_until(
        lambda: (
            {each["properties"]["provisioningState"] for each in azure.cloud.resources(arm_type=VERSIONS)}
            == {"Succeeded"}
        )
    )
    (pending,) = azure.imagegen.state_dir.glob("builds/*/pending.tfvars.json")
    pending.write_text("")
    if in_state:
        made = stranger("azurerm_shared_image_version", second) | {"module": 'module.image["out/1.0.1"]'}
        edit(workspace, lambda state: state["resources"].append(made))
    told = azure.imagegen("cleanup", workspace)
    assert "1.0.1 is released: its images were made" in told.stderr
    at_rest(azure, workspace, before, {first, second})
