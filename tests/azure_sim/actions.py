"""What a virtual machine can be told by POST."""

from typing import Any

from tests.azure_sim import clock, life, scripts
from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.contents import MACHINES, Contents, Resource
from tests.azure_sim.errors import CloudError

POWER = {"start": "running", "restart": "running", "powerOff": "stopped", "deallocate": "deallocated"}
ACTIONS = (*POWER, "generalize", "runCommand", "retrieveBootDiagnosticsData")


def act(contents: Contents, action: str, target: ArmId, record: Resource, body: dict[str, Any]) -> Any:
    """Carry out an action, or refuse it; what it answers, None for nothing."""
    if record["type"].lower() != MACHINES.lower() or action not in ACTIONS:
        raise CloudError(404, "NotFound", f"no action {action} on {record['type']}")
    if action == "generalize":
        return _generalize(target, record["state"])
    if action == "runCommand":
        return _run(contents, target, record, body)
    if action == "retrieveBootDiagnosticsData":
        return _console(contents, target, record)
    return _power(contents, action, target, record["state"])


def _generalize(target: ArmId, state: Resource) -> None:
    """ARM: only a machine that is off can be generalized, and there is no way back."""
    if state["power"] == "running":
        raise CloudError(
            409, "OperationNotAllowed", f"Operation 'generalize' is not allowed on VM '{target.name}' while it runs."
        )
    state["generalized"] = True


def _power(contents: Contents, action: str, target: ArmId, state: Resource) -> None:
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
    state["changed_at"] = clock.now()
    state["coming"] = []  # what a script would have done at its end
    if power != "running" or action == "restart":
        scripts.interrupt(contents, target)
    if power != "running":
        state["power"] = power
    elif action == "restart" or state["power"] != "running":  # to start what runs changes nothing
        life.boot(contents, state)


def _run(contents: Contents, target: ArmId, record: Resource, body: dict[str, Any]) -> dict[str, Any]:
    """The older way to run a script: the answer comes with its end, and has its output in one text."""
    if record["state"]["power"] != "running":
        raise CloudError(409, "OperationNotAllowed", "The operation requires the VM to be running (or set to run).")
    script = "\n".join(body.get("script") or [])
    run = scripts.start(
        contents, record, str(body.get("commandId")), script, parameters=body.get("parameters") or []
    )  # fmt: skip
    record["takes"] = run.ends - run.begins
    output, error = run.output[-scripts.OUTPUT_LIMIT :], run.error[-scripts.OUTPUT_LIMIT :]
    if "Windows" in str(body.get("commandId")) or body.get("commandId") == "RunPowerShellScript":
        parts = [("StdOut", output), ("StdErr", error)]
        statuses = [
            {"code": f"ComponentStatus/{name}/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
             "message": text}
            for name, text in parts
        ]  # fmt: skip
        return {"value": statuses}
    message = f"Enable succeeded: \n[stdout]\n{output}\n[stderr]\n{error}"
    if run.exit_code:
        message = f"Enable failed: failed to execute command: command terminated with exit status={run.exit_code}\n" + (
            f"[stdout]\n{output}\n[stderr]\n{error}"
        )
    outcome = "failed/1" if run.exit_code else "succeeded"
    return {
        "value": [
            {"code": f"ProvisioningState/{outcome}", "level": "Info", "displayStatus": "Provisioning succeeded",
             "message": message}
        ]
    }  # fmt: skip


def _console(contents: Contents, target: ArmId, record: Resource) -> dict[str, Any]:
    """Where the serial console's text can be read: an address of the ARM front."""
    diagnostics = record["properties"].get("diagnosticsProfile", {}).get("bootDiagnostics", {})
    if not diagnostics.get("enabled"):
        raise CloudError(
            409,
            "BootDiagnosticsNotEnabled",
            f"Boot diagnostics is not enabled for the virtual machine '{target.name}'.",
        )
    place = f"{contents['endpoint']}/bootdiagnostics/{record['properties']['vmId']}/{target.name}"
    signature = "sv=2021-08-06&se=9999-01-01T00%3A00%3A00Z&sr=b&sp=r&sig=simulated"
    return {
        "consoleScreenshotBlobUri": f"{place}.screenshot.bmp?{signature}",
        "serialConsoleLogBlobUri": f"{place}.serialconsole.log?{signature}",
    }
