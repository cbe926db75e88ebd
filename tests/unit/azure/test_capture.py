"""From a machine that deprovisions itself to one that images can be made of."""

import threading

import pytest

from generator.azure import capture, machines, pollers
from generator.azure.session import Session
from generator.errors import ImagegenError, StepFailed
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.faults import fault
from tests.support.waiting import wait_until
from tests.unit.azure import making
from tests.unit.azure.making import MACHINE, power_off, state


def silent(_text: str) -> None:
    """Nobody listens."""


def test_a_stopped_machine_is_captured_once_and_again(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    power_off(session)
    capture.wait_stopped(session, MACHINE, 10, silent)
    for _ in range(2):
        capture.deallocate_and_generalize(session, MACHINE)
        assert machines.view(session, MACHINE).power == "deallocated"
        assert machines.view(session, MACHINE).generalized


def test_a_failed_deprovisioning_is_told_with_the_consoles_end(
    session: Session, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "CONSOLE_SECONDS", 0)
    making.machine(cloud)
    said = "booting\r\nimagegen: deprovision failed: exit code 3\r\n\x1b[31mno waagent\x1b[0m\r\n"
    cloud.set(console={"machine": said})
    with pytest.raises(StepFailed, match="deprovisioning failed: exit code 3") as told:
        capture.wait_stopped(session, MACHINE, 10, silent)
    assert told.value.tail == ["no waagent"]


def test_a_machine_that_stays_on_is_told(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    cloud.set(console={"machine": "login: \n"})
    with pytest.raises(StepFailed, match="did not switch off") as told:
        capture.wait_stopped(session, MACHINE, 0, silent)
    assert told.value.tail == ["login:"]


def test_generalizing_waits_for_azure_to_see_the_machine_off(session: Session, cloud: Cloud) -> None:
    making.machine(cloud)
    cloud.plant(fault("generalize", "Microsoft.Compute/virtualMachines", code="OperationNotAllowed", times=2))
    capture.deallocate_and_generalize(session, MACHINE)
    assert state(cloud, "generalized")


@pytest.mark.parametrize("action", ["deallocate", "generalize"])
def test_a_lost_answer_is_no_failure(session: Session, cloud: Cloud, action: str) -> None:
    making.machine(cloud)
    cloud.plant(fault(action, "Microsoft.Compute/virtualMachines", "lose"))
    capture.deallocate_and_generalize(session, MACHINE)
    assert machines.view(session, MACHINE).power == "deallocated"
    assert state(cloud, "generalized")


def test_a_machine_that_is_never_off_is_told(session: Session, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "SETTLE_SECONDS", 0.05)
    making.machine(cloud)
    cloud.plant(fault("deallocate", "Microsoft.Compute/virtualMachines", code="OperationNotAllowed", times=-1))
    with pytest.raises(ImagegenError, match="does not show the machine as deallocated: a planted fault"):
        capture.deallocate_and_generalize(session, MACHINE)


def test_an_operation_without_an_end_is_given_up(
    session: Session, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure goes on with it; the wait has an end."""
    monkeypatch.setattr(pollers, "OPERATION_SECONDS", 0.2)
    making.machine(cloud)
    cloud.plant(fault("deallocate", "Microsoft.Compute/virtualMachines", "slow", seconds=3600))
    gave_up = pytest.raises(ImagegenError, match="the Azure operation is still running after 0 min")
    with cloud.clock.held(), gave_up:
        capture.deallocate_and_generalize(session, MACHINE)
    before = threading.active_count()  # its client asks on, until the end
    wait_until(lambda: threading.active_count() < before)
