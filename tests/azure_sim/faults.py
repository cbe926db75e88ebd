"""Faults a test plants: what shall go wrong, at which request, how often."""

import time
from typing import Any, Literal

from tests.azure_sim import clock
from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.contents import Contents, Resource
from tests.azure_sim.errors import AnswerLost, CloudError

How = Literal["refuse", "lose", "late", "fail", "slow"]
Fault = dict[str, Any]
FOREVER = -1


def fault(
    action: str,
    arm_type: str,
    how: How = "refuse",
    *,
    status: int = 409,
    code: str = "Conflict",
    message: str = "a planted fault",
    retry_after: float | None = None,
    seconds: float = 0.0,
    times: int = 1,
    name: str = "*",
) -> Fault:
    """A line of the table.

    refuse: answered with the error, nothing changes. lose: carried out, but the answer never comes. late: carried out,
    and answered only after the `seconds`.
    fail: accepted, and after the resource's delay it ends as `Failed`. slow: only the `seconds`, which the others add
    too. The action is create, update, read, delete, list, authenticate, or a machine's (start, deallocate, ...).
    """
    return {
        "action": action, "type": arm_type.lower(), "name": name.lower(), "how": how, "times": times,
        "status": status, "code": code, "message": message, "retry_after": retry_after, "seconds": seconds,
    }  # fmt: skip


def find(contents: Contents, action: str, target: ArmId) -> Fault | None:
    """The first fault that waits for this request."""
    for planted in contents["faults"]:
        fits = planted["type"] in ("*", target.type.lower()) and planted["name"] in ("*", target.name.lower())
        if planted["action"] == action and fits and planted["times"] != 0:
            return dict(planted)
    return None


def take(contents: Contents, action: str, target: ArmId) -> Fault | None:
    """The fault for this request, which is then used up once; what refuses is raised by `refuse`."""
    found = find(contents, action, target)
    if found is None or found["times"] == FOREVER:
        return found
    stored = next(planted for planted in contents["faults"] if planted == found)
    stored["times"] -= 1
    return found


def refuse(planted: Fault | None) -> None:
    """Raise a fault that lets nothing happen."""
    if planted and planted["how"] == "refuse":
        raise CloudError(planted["status"], planted["code"], planted["message"], planted["retry_after"])


def lose(planted: Fault | None) -> None:
    """Keep the answer back: for some time, or for ever, by raising the fault."""
    if planted and planted["how"] == "late":
        time.sleep(planted["seconds"])
    if planted and planted["how"] == "lose":
        raise AnswerLost("the connection was reset before the answer came")


def schedule(contents: Contents, record: Resource, planted: Fault | None) -> None:
    """When the operation on a resource will be over, and how it will end."""
    delay = contents["delay"]
    seconds = delay.get(record["type"], delay.get("*", 0.0)) + (planted["seconds"] if planted else 0.0)
    seconds += record.pop("takes", 0.0)  # a script's own time
    record["ready_at"] = clock.now() + seconds
    record.setdefault("failure", None)  # a script that failed has left its own
    if planted and planted["how"] == "fail":
        record["failure"] = {"code": planted["code"], "message": planted["message"]}
