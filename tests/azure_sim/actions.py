"""What a virtual machine can be told by POST."""

import time

from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.errors import CloudError
from tests.azure_sim.store import Resource

MACHINES = "Microsoft.Compute/virtualMachines"
POWER = {"start": "running", "restart": "running", "powerOff": "stopped", "deallocate": "deallocated"}


def act(action: str, target: ArmId, record: Resource) -> None:
    """Carry out an action, or refuse it."""
    if record["type"].lower() != MACHINES.lower() or action not in (*POWER, "generalize"):
        raise CloudError(404, "NotFound", f"no action {action} on {record['type']}")
    if action == "generalize":
        _generalize(target, record["state"])
    else:
        _power(action, target, record["state"])


def _generalize(target: ArmId, state: Resource) -> None:
    """ARM: only a machine that is off can be generalized, and there is no way back."""
    if state["power"] == "running":
        raise CloudError(
            409, "OperationNotAllowed", f"Operation 'generalize' is not allowed on VM '{target.name}' while it runs."
        )
    state["generalized"] = True


def _power(action: str, target: ArmId, state: Resource) -> None:
    """Issue 4, "a start of a generalized VM": it is refused."""
    power = POWER[action]
    if power == "running" and state["generalized"]:
        raise CloudError(
            409,
            "OperationNotAllowed",
            f"Operation '{action}' is not allowed on VM '{target.name}' since the VM is generalized.",
        )
    if action == "restart" and state["power"] != "running":
        raise CloudError(409, "OperationNotAllowed", f"VM '{target.name}' is not running.")
    if power == "running":
        state["booted_at"] = time.time()
    state["power"] = power
