"""Virtual machines: their instance view, their actions, and their run commands."""

from collections.abc import Mapping

from tests.azure_sim import life
from tests.azure_sim.arm import shapes
from tests.azure_sim.arm.common import begun, canonical, not_found
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.web import Answer, Request, shown
from tests.azure_sim.contents import Resource
from tests.azure_sim.scripts import stamp

Parts = Mapping[str, str]
AT_ONCE = ("generalize", "retrieveBootDiagnosticsData")
SPELLED = {
    one.lower(): one
    for one in ("start", "restart", "powerOff", "deallocate", "generalize", "runCommand", "retrieveBootDiagnosticsData")
}


def instance_view(arm: Arm, request: Request, parts: Parts) -> Answer:
    """How a machine does."""
    target = canonical(request.path.rpartition("/")[0])
    record = arm.cloud.get(target.text)
    if record is None:
        raise not_found(arm, target)
    return shown(view(record, arm.cloud.clock.now()), wait=record.get("wait", 0.0))


def act(arm: Arm, request: Request, parts: Parts) -> Answer:
    """Start, restart, powerOff, deallocate, generalize, runCommand, retrieveBootDiagnosticsData."""
    target = canonical(request.path.rpartition("/")[0])
    action = SPELLED.get(parts["action"].lower(), parts["action"])
    done = arm.cloud.act(target.text, action, request.json())
    if action in AT_ONCE:
        return Answer(200) if done["answer"] is None else shown(done["answer"])
    return begun(arm, done, done["answer"])


def expanded(arm: Arm, record: Resource, body: shapes.Body, expand: str) -> shapes.Body:
    """A machine with what its platform tells; with its instance view if asked."""
    body["properties"]["timeCreated"] = stamp(record["state"]["created_at"])
    if "instanceview" in expand:
        body["properties"]["instanceView"] = view(record, arm.cloud.clock.now())
    return body


def expanded_command(arm: Arm, record: Resource, body: shapes.Body, expand: str) -> shapes.Body:
    """A run command; how it went is told only if asked."""
    if "instanceview" not in expand:
        body["properties"].pop("instanceView", None)
    return body


def view(record: Resource, now: float) -> shapes.Body:
    """A machine's instance view."""
    state, properties = record["state"], record["properties"]
    provisioning = str(properties["provisioningState"])
    at = stamp(state.get("changed_at", state["booted_at"]))
    statuses = [
        {
            "code": f"ProvisioningState/{provisioning.lower()}", "level": "Info",
            "displayStatus": "Provisioning succeeded" if provisioning == "Succeeded" else provisioning, "time": at,
        }
    ]  # fmt: skip
    if state["generalized"]:
        statuses.append({"code": "OSState/generalized", "level": "Info", "displayStatus": "VM generalized"})
    power = state["power"]
    statuses.append({"code": f"PowerState/{power}", "level": "Info", "displayStatus": f"VM {power}"})
    disk = properties["storageProfile"]["osDisk"]["name"]
    shown_view: shapes.Body = {
        "computerName": properties.get("osProfile", {}).get("computerName") or record["name"],
        "hyperVGeneration": state["generation"],
        "disks": [{"name": disk, "statuses": statuses[:1]}],
        "statuses": statuses,
    }
    return shown_view if power == "deallocated" else shown_view | {"vmAgent": _agent(state, now)}


def _agent(state: Resource, now: float) -> shapes.Body:
    if life.agent_is_ready(state, now):
        status = {
            "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready",
            "message": "Guest Agent is running", "time": stamp(state["agent_ready_at"]),
        }  # fmt: skip
        return {"vmAgentVersion": "2.9.1.1", "extensionHandlers": [], "statuses": [status]}
    status = {
        "code": "ProvisioningState/Unavailable", "level": "Warning", "displayStatus": "Not Ready",
        "message": "VM status blob is found but not yet populated.", "time": stamp(state["booted_at"]),
    }  # fmt: skip
    return {"vmAgentVersion": "Unknown", "extensionHandlers": [], "statuses": [status]}
