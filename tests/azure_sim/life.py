"""A machine's power over time: it boots, its agent reports, it goes off; some of it only later.

Nothing here waits. What is still to come stands in the machine's state as `coming`, and `settle` lets it happen when
somebody looks and its time has passed.
"""

from tests.azure_sim import clock
from tests.azure_sim.contents import MACHINES, Contents, Resource


def boot(contents: Contents, state: Resource, at: float | None = None) -> None:
    """Start the machine: a new boot time, one boot more, and an agent that is ready after the hook's `agent_delay`."""
    state["power"] = "running"
    state["booted_at"] = clock.now() if at is None else at
    state["boots"] = state.get("boots", 0) + 1
    state.setdefault("created_at", state["booted_at"])
    state["agent_ready_at"] = state["booted_at"] + contents["agent_delay"]


def agent_is_ready(state: Resource) -> bool:
    """Whether the guest agent reports; not while the machine is off or has just booted."""
    return bool(state["power"] == "running" and state.get("agent_ready_at", 0.0) <= clock.now())


def expect(state: Resource, happens: str, at: float) -> None:
    """Note what will happen to the machine by itself: `off`, as after a deprovision, or `reboot`."""
    state.setdefault("coming", []).append({"happens": happens, "at": at})


def settle(contents: Contents) -> None:
    """Let happen what was to happen by now, in order."""
    now = clock.now()
    for record in contents["resources"].values():
        state = record["state"]
        if record["type"].lower() != MACHINES.lower() or not state.get("coming"):
            continue
        coming = sorted(state["coming"], key=lambda one: float(one["at"]))
        state["coming"] = [one for one in coming if one["at"] > now]
        for one in coming:
            if one["at"] > now or state["power"] != "running":
                continue
            if one["happens"] == "off":
                state["power"] = "stopped"
            else:
                boot(contents, state, one["at"])
