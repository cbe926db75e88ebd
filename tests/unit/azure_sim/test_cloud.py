"""How the simulated Azure keeps things, and goes wrong when told to: without Terraform."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.errors import AnswerLost, CloudError
from tests.azure_sim.faults import FOREVER, fault
from tests.unit.azure_sim.making import (
    COMPUTE,
    DEFINITION,
    FROM_MACHINE,
    GROUP,
    MACHINE,
    VERSION,
    definition,
    machine,
    put,
    version,
)


def test_ids_do_not_heed_letter_case_and_need_their_parents(cloud: Cloud) -> None:
    assert cloud.get(GROUP.upper()) == cloud.get(GROUP)
    with pytest.raises(CloudError, match="ParentResourceNotFound"):
        put(cloud, f"{COMPUTE}/galleries/none/images/i")
    with pytest.raises(CloudError, match="ResourceGroupNotFound"):
        put(cloud, f"{COMPUTE}/disks/d".replace("/rg/", "/none/"))
    with pytest.raises(CloudError, match="ResourceNotFound"):
        cloud.act(MACHINE, "start")


def test_ids_come_back_in_other_letter_case(cloud: Cloud) -> None:
    machine(cloud)
    definition(cloud)
    version(cloud, FROM_MACHINE)
    cloud.set(echo_case=["Microsoft.Compute/galleries/images/versions"])
    shown, other = cloud.get(VERSION), cloud.get(MACHINE)
    assert shown is not None
    assert other is not None
    assert shown["properties"]["storageProfile"]["source"]["virtualMachineId"] == MACHINE.replace("/rg/", "/RG/")
    assert other["id"] == MACHINE


def test_time_passes_outside(cloud: Cloud) -> None:
    cloud.set(delay={"Microsoft.Compute/disks": 600.0})
    assert put(cloud, f"{COMPUTE}/disks/d")["properties"]["provisioningState"] == "Creating"
    cloud.clock.advance(600)
    shown = cloud.get(f"{COMPUTE}/disks/d")
    assert shown is not None
    assert shown["properties"]["provisioningState"] == "Succeeded"
    cloud.delete(f"{COMPUTE}/disks/d")
    shown = cloud.get(f"{COMPUTE}/disks/d")
    assert shown is not None
    assert shown["properties"]["provisioningState"] == "Deleting"
    cloud.clock.advance(600)
    assert cloud.get(f"{COMPUTE}/disks/d") is None


def test_a_group_that_is_going_takes_nothing_in(cloud: Cloud) -> None:
    cloud.set(delay={"*": 60.0})
    cloud.delete(GROUP)
    assert {one["properties"]["provisioningState"] for one in cloud.resources()} == {"Deleting"}
    with pytest.raises(CloudError, match="ResourceGroupBeingDeleted"):
        put(cloud, f"{COMPUTE}/disks/d")


def test_faults(cloud: Cloud) -> None:
    disks, disk = "Microsoft.Compute/disks", f"{COMPUTE}/disks/d"
    cloud.plant(fault("create", disks, status=429, code="TooManyRequests", retry_after=7.0, name="d"))
    put(cloud, f"{COMPUTE}/disks/another")
    with pytest.raises(CloudError) as busy:
        put(cloud, disk)
    assert (busy.value.status, busy.value.retry_after) == (429, 7.0)
    assert cloud.get(disk) is None

    cloud.plant(fault("create", disks, "lose"))
    with pytest.raises(AnswerLost):
        put(cloud, disk)
    assert cloud.get(disk) is not None

    cloud.plant(fault("update", disks, "fail", code="AllocationFailed", message="no room"))
    assert put(cloud, disk)["properties"]["provisioningState"] == "Failed"
    failure = cloud.failure(disk)
    assert failure is not None
    assert (failure.code, failure.message) == ("AllocationFailed", "no room")
    put(cloud, disk)
    assert cloud.failure(disk) is None

    cloud.plant(fault("read", "*", status=500, times=FOREVER))
    for _ in range(3):
        with pytest.raises(CloudError):
            cloud.get(disk)


def test_the_journal_tells_what_was_asked(cloud: Cloud) -> None:
    cloud.get(GROUP)
    cloud.delete(f"{COMPUTE}/galleries/g")
    assert cloud.journal() == [
        ("create", GROUP), ("create", f"{COMPUTE}/galleries/g"), ("read", GROUP), ("delete", f"{COMPUTE}/galleries/g"),
    ]  # fmt: skip
    assert cloud.journal("read") == [("read", GROUP)]


def test_many_at_once_lose_nothing(cloud: Cloud, tmp_path: Path) -> None:
    """Each with a cloud of its own over the same file, as processes have it."""
    names = [f"{COMPUTE}/disks/{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: put(Cloud(tmp_path / "cloud.json"), name), names))
    assert {one["id"] for one in cloud.resources(arm_type="Microsoft.Compute/disks")} == set(names)


@pytest.mark.parametrize(
    ("text", "kind", "parent"),
    [
        (GROUP, "Microsoft.Resources/resourceGroups", "/subscriptions/00000000-0000-0000-0000-000000000000"),
        (VERSION, "Microsoft.Compute/galleries/images/versions", DEFINITION),
        (MACHINE, "Microsoft.Compute/virtualMachines", GROUP),
        (
            f"{MACHINE}/providers/Microsoft.Authorization/roleAssignments/x",
            "Microsoft.Authorization/roleAssignments",
            MACHINE,
        ),
    ],
)
def test_ids_tell_type_and_parent(text: str, kind: str, parent: str) -> None:
    one = ArmId(text)
    assert one.type == kind
    assert one.parent == ArmId(parent)


def test_ids_lead_to_what_is_under_them() -> None:
    account = ArmId(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a")
    assert account.child("Microsoft.Storage/storageAccounts/blobServices/containers", "c").text == (
        f"{account.text}/blobServices/c/containers/c"
    )
    assert ArmId(GROUP).child("Microsoft.Compute/virtualMachines", "m").text == MACHINE
    assert ArmId(GROUP).parent is not None
    assert ArmId(GROUP).parent.child("Microsoft.Resources/resourceGroups", "rg").text == GROUP  # type: ignore[union-attr]
