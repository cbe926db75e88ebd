"""How scripts end that a machine is given: by run commands, extensions, and the action `runCommand`.

The hook `scripts` is a list; the first entry that fits decides. It fits by `match` (text in the script), `pattern` (an
expression found in it) or `name` (an expression for the whole name of the run command or extension), and says any of
`exit_code`, `output`, `error`, `seconds` (how long it runs), `reboots`, `powers_off` (what the machine does at its
end), and `times` (how often the entry serves). In an output, `{booted_at}` and `{boots}` tell of the machine.
"""

import re
import time
from dataclasses import asdict, dataclass
from typing import Any

from tests.azure_sim import life
from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.contents import Contents, Resource

OUTPUT_LIMIT = 4096  # azure/FACTS.md 22
USUAL = {"exit_code": 0, "output": "", "error": "", "seconds": 0.0, "reboots": False, "powers_off": False}


@dataclass(frozen=True)
class Run:
    """A script that was started: when it begins and ends, and how."""

    begins: float
    ends: float
    exit_code: int
    output: str
    error: str
    timed_out: bool
    limit: float

    def view(self, now: float) -> dict[str, Any]:
        """The instance view of a run command at a time."""
        over = now >= self.ends
        state = "Running"
        if over:
            state = "TimedOut" if self.timed_out else "Failed" if self.exit_code else "Succeeded"
        kept = over and not self.timed_out
        return {
            "executionState": state,
            "executionMessage": "Script execution timed out." if over and self.timed_out else "",
            "exitCode": self.exit_code if over else 0,
            "output": self.output[-OUTPUT_LIMIT:] if kept else "",
            "error": self.error[-OUTPUT_LIMIT:] if kept else "",
            "startTime": stamp(self.begins),
            "endTime": stamp(self.ends) if over else None,
            "statuses": [],
        }


def stamp(at: float) -> str:
    """A time as ARM writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e6):06d}+00:00"


def start(
    contents: Contents, machine: Resource | None, name: str, script: str, limit: float = 90 * 60.0, **given: Any
) -> Run:
    """Start a script on a machine, and note it with what it was given; it ends within `limit` seconds.

    One that is started before the agent is ready waits for it, as with the real one.
    """
    entry = _entry(contents, name, script)
    state = machine["state"] if machine else {}
    begins = max(contents["now"], state.get("agent_ready_at", 0.0))
    timed_out = entry["seconds"] > limit
    ends = begins + min(entry["seconds"], limit)
    contents["ran"].append(
        {"machine": machine and machine["id"], "name": name, "script": script, "at": begins, **given}
    )
    if machine and not timed_out:
        for happens in ("off",) * bool(entry["powers_off"]) + ("reboot",) * bool(entry["reboots"]):
            life.expect(state, happens, ends)
    output = entry["output"]
    for word in ("booted_at", "boots"):
        output = output.replace(f"{{{word}}}", str(state.get(word, 0)))
    return Run(begins, ends, -1 if timed_out else entry["exit_code"], output, entry["error"], timed_out, limit)


def interrupt(contents: Contents, machine: ArmId) -> None:
    """azure/FACTS.md 8: what a machine runs when it goes down never reports, and ends by its time."""
    now = contents["now"]
    for key, record in contents["resources"].items():
        run = record["state"].get("run")
        if machine.holds(key) and run and run["begins"] <= now < run["ends"]:
            run |= {"timed_out": True, "exit_code": -1, "ends": run["begins"] + run["limit"]}


def run_command(contents: Contents, record: Resource, machine: Resource | None) -> None:
    """Start a managed run command. The operation lasts as long as the script, unless that is asynchronous."""
    properties = record["properties"]
    source = properties.get("source", {})
    script = str(source.get("script") or source.get("scriptUri") or source.get("commandId") or "")
    given = {
        "parameters": properties.get("parameters") or [], "protected": properties.get("protectedParameters") or [],
        "run_as": properties.get("runAsUser"),
    }  # fmt: skip
    limit = float(properties.get("timeoutInSeconds") or 90 * 60)
    run = start(contents, machine, record["name"], script, limit, **given)
    record["state"] = {"run": asdict(run)}
    if properties.get("asyncExecution"):
        return
    record["takes"] = run.ends - contents["now"]
    if run.exit_code and properties.get("treatFailureAsDeploymentFailure"):
        record["failure"] = _failure(record, machine, run)


def extension(contents: Contents, record: Resource, machine: Resource | None) -> None:
    """Start what an extension is told. It has no result to read: it fails as a whole."""
    properties = record["properties"]
    script = f"{properties.get('settings')}{properties.get('protectedSettings')}"
    run = start(contents, machine, record["name"], script)
    record["takes"] = run.ends - contents["now"]
    if run.exit_code:
        record["failure"] = _failure(record, machine, run)


def _failure(record: Resource, machine: Resource | None, run: Run) -> dict[str, str]:
    """What Azure says of an extension, or a run command, whose script failed: the agent's words within its own.

    Azure/custom-script-extension-linux, issue 107, and Azure/run-command-handler-linux, internal/exec: the words of
    Linux; Microsoft, "Troubleshoot Azure Windows VM extension failures": those of Windows.
    """
    properties = record["properties"]
    windows = machine and machine["properties"].get("storageProfile", {}).get("osDisk", {}).get("osType") == "Windows"
    system = "Windows" if windows else "Linux"
    publisher = properties.get("publisher", "Microsoft.CPlat.Core")
    kind = properties.get("type", f"RunCommandHandler{system}")
    if windows:
        said = (
            "Command execution finished, but failed because it returned a non-zero exit code of: "
            f"'{run.exit_code}'. The command had an error output of: '{run.error}'"
        )
    else:
        said = (
            f"Enable failed: failed to execute command: command terminated with exit status={run.exit_code}\n"
            f"[stdout]\n{run.output}\n[stderr]\n{run.error}\n"
        )
    message = (
        f"VM has reported a failure when processing extension '{record['name']}' (publisher '{publisher}' and type "
        f"'{kind}'). Error message: '{said}'. More information on troubleshooting is available at "
        f"https://aka.ms/VMExtensionCSE{system}Troubleshoot."
    )
    return {"code": "VMExtensionProvisioningError", "message": message}


def _entry(contents: Contents, name: str, script: str) -> dict[str, Any]:
    for entry in contents["scripts"]:
        if entry.get("times") == 0 or not _fits(entry, name, script):
            continue
        if "times" in entry:
            entry["times"] -= 1
        return {**USUAL, **entry}
    return USUAL


def _fits(entry: dict[str, Any], name: str, script: str) -> bool:
    return (
        ("match" in entry and entry["match"] in script)
        or ("pattern" in entry and re.search(entry["pattern"], script) is not None)
        or ("name" in entry and re.fullmatch(entry["name"], name, re.IGNORECASE) is not None)
    )
