"""A virtual machine as Azure sees it: its power, its agent, its serial console."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from generator.azure import ids
from generator.azure.auth.errors import told, unless_missing
from generator.azure.session import Session

NETWORK_VERSION = "2024-05-01"  # of Microsoft.Network
CONSOLE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class View:
    """What Azure tells of a machine at one moment.

    power: `running`, `stopped`, `deallocated`, …, "" while unknown; agent_ready: the guest's agent reports that it
    runs; agent_time: when it said so last.
    """

    power: str
    generalized: bool
    agent_ready: bool
    agent_time: datetime | None


def view(session: Session, vm_id: str) -> View:
    """A machine's instance view. Raises what Azure's client raises."""
    machines = session.compute(ids.subscription(vm_id)).virtual_machines
    shown: Any = machines.instance_view(ids.group(vm_id), ids.name(vm_id))
    codes = [status.code or "" for status in shown.statuses or ()]
    power = next((code.partition("/")[2] for code in codes if code.lower().startswith("powerstate/")), "")
    agent = shown.vm_agent
    reports = [status for status in (agent and agent.statuses) or () if status.display_status == "Ready"]
    return View(
        power=power.lower(), generalized=any(code.lower() == "osstate/generalized" for code in codes),
        agent_ready=bool(reports), agent_time=reports[0].time if reports else None,
    )  # fmt: skip


def runs(session: Session, vm_id: str) -> bool:
    """Whether there is such a machine, and it runs. Raises ImagegenError."""
    with told("asking for the machine"):
        found: View | None = unless_missing(lambda: view(session, vm_id))
    return found is not None and found.power == "running"


def host(session: Session, vm_id: str, *, public: bool) -> str | None:
    """The address of a machine, its public or its private one; None when there is no such machine or address."""
    machines = session.compute(ids.subscription(vm_id)).virtual_machines
    with told("asking for the machine's address"):
        machine: Any = unless_missing(lambda: machines.get(ids.group(vm_id), ids.name(vm_id)))
        if machine is None:
            return None
        interface = session.arm("GET", machine.properties.network_profile.network_interfaces[0].id, NETWORK_VERSION)
        settings = interface["properties"]["ipConfigurations"][0]["properties"]
        if not public:
            return settings.get("privateIPAddress") or None
        if not (address := settings.get("publicIPAddress")):
            return None
        return session.arm("GET", address["id"], NETWORK_VERSION)["properties"].get("ipAddress") or None


def console(session: Session, vm_id: str) -> list[str]:
    """The last lines of a machine's serial console; none where it cannot be read."""
    import httpx  # noqa: PLC0415 - heavy
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    machines = session.compute(ids.subscription(vm_id)).virtual_machines
    try:
        data = machines.retrieve_boot_diagnostics_data(ids.group(vm_id), ids.name(vm_id))
        if not data.serial_console_log_blob_uri:
            return []
        answer = httpx.get(data.serial_console_log_blob_uri, timeout=30)
        answer.raise_for_status()
    except (AzureError, httpx.HTTPError):
        return []
    text = answer.content[-CONSOLE_BYTES:].decode("utf-8", "replace")
    # A console has colours and carriage returns.
    return [line for raw in re.split(r"[\r\n]+", text) if (line := re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", raw).rstrip())]
