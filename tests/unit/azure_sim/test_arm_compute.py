"""Machines and what is run on them through the simulated ARM, with azure-mgmt-compute."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import BlobClient

from tests.azure_sim.faults import fault
from tests.azure_sim.life import agent_is_ready
from tests.unit.azure_sim.clients import Clients
from tests.unit.azure_sim.making import MACHINE, machine

NEW: Any = {
    "location": "westeurope", "plan": {"name": "p", "product": "o", "publisher": "s"},
    "properties": {
        "hardwareProfile": {"vmSize": "Standard_B2s"},
        "storageProfile": {"imageReference": {"publisher": "p", "offer": "o", "sku": "gen2", "version": "latest"}},
        "osProfile": {"computerName": "web", "adminUsername": "me", "adminPassword": "S3cret!", "customData": "eA=="},
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
    },
}  # fmt: skip


def _codes(clients: Clients) -> list[str]:
    return [str(one.code) for one in clients.compute.virtual_machines.instance_view("rg", "m").statuses or []]


def _run(clients: Clients, name: str, script: str, **properties: Any) -> Any:
    body: Any = {"location": "westeurope", "properties": {"source": {"script": script}, **properties}}
    api = clients.compute.virtual_machine_run_commands
    api.begin_create_or_update("rg", "m", name, body).result()
    return api.get_by_virtual_machine("rg", "m", name, expand="instanceView")


def test_a_machine_is_made_captured_and_tells_no_secret(clients: Clients) -> None:
    api = clients.compute.virtual_machines
    made = api.begin_create_or_update("rg", "m", NEW).result()
    assert made.storage_profile.image_reference.exact_version == "1.0.0"
    assert (made.plan.name, made.vm_id is None) == ("p", False)  # type: ignore[union-attr]
    assert made.os_profile.admin_password is made.os_profile.custom_data is None
    assert made.instance_view is None
    view = api.get("rg", "m", expand="instanceView").instance_view
    assert view is not None
    assert (view.computer_name, view.hyper_v_generation) == ("web", "V2")
    assert view.vm_agent.statuses[0].display_status == "Ready"
    assert _codes(clients) == ["ProvisioningState/succeeded", "PowerState/running"]
    api.begin_power_off("rg", "m").result()
    assert _codes(clients)[-1] == "PowerState/stopped"
    api.begin_deallocate("rg", "m").result()
    api.generalize("rg", "m")
    assert _codes(clients)[1:] == ["OSState/generalized", "PowerState/deallocated"]
    with pytest.raises(ResourceExistsError, match="OperationNotAllowed"):
        api.begin_start("rg", "m")


def test_a_restart_is_a_new_boot_and_the_agent_comes_back_later(clients: Clients) -> None:
    machine(clients.cloud, generalized=False)
    clients.cloud.set(agent_delay=0.2, scripts=[{"match": "boots", "output": "boot {boots}"}])
    assert _run(clients, "before", "boots").instance_view.output == "boot 1"
    clients.compute.virtual_machines.begin_restart("rg", "m").result()
    view = clients.compute.virtual_machines.instance_view("rg", "m")
    assert view.vm_agent.statuses[0].display_status == "Not Ready"  # type: ignore[union-attr, index]
    assert _run(clients, "after", "boots").instance_view.output == "boot 2"  # it waited for the agent
    (shown,) = clients.cloud.resources(arm_type="Microsoft.Compute/virtualMachines")
    assert agent_is_ready(shown["state"], clients.cloud.clock.now())


def test_a_run_command_is_waited_for_and_its_secrets_are_not_told(clients: Clients) -> None:
    machine(clients.cloud, generalized=False)
    clients.cloud.set(scripts=[{"pattern": "install .*web", "output": "x" * 5000 + "done", "seconds": 0.1}])
    ran = _run(
        clients, "one", "install the web", parameters=[{"name": "a", "value": "1"}],
        protectedParameters=[{"name": "secret", "value": "hunter2"}], runAsUser="build", runAsPassword="S3cret!",
    )  # fmt: skip
    view = ran.instance_view
    assert (view.execution_state, view.exit_code, len(view.output)) == ("Succeeded", 0, 4096)
    assert view.output.endswith("done")
    assert (view.end_time - view.start_time).total_seconds() == pytest.approx(0.1, abs=0.01)
    assert ran.protected_parameters is ran.run_as_password is None
    assert ran.parameters[0].value == "1"
    api = clients.compute.virtual_machine_run_commands
    assert [one.instance_view for one in api.list_by_virtual_machine("rg", "m")] == [None]
    (noted,) = clients.cloud.ran()
    assert (noted["name"], noted["script"], noted["run_as"]) == ("one", "install the web", "build")
    assert noted["protected"] == [{"name": "secret", "value": "hunter2"}]


def test_a_script_that_fails_fails_what_asked_for_it_only_if_told_to(clients: Clients) -> None:
    machine(clients.cloud, generalized=False)
    clients.cloud.set(scripts=[{"name": "step.*", "exit_code": 3, "error": "no such file"}])
    view = _run(clients, "step1", "x").instance_view
    assert (view.execution_state, view.exit_code, view.error) == ("Failed", 3, "no such file")
    with pytest.raises(HttpResponseError, match=r"exit status=3\n\[stdout\]\n\n\[stderr\]\nno such file"):
        _run(clients, "step2", "x", treatFailureAsDeploymentFailure=True)


def test_a_script_that_goes_on_is_polled_and_one_too_long_ends(clients: Clients) -> None:
    machine(clients.cloud, generalized=False)
    clients.cloud.set(scripts=[{"match": "soon", "seconds": 600.0, "output": "ok"}, {"match": "never", "seconds": 1e6}])
    running = _run(clients, "a", "soon", asyncExecution=True)
    assert running.provisioning_state == "Succeeded"
    assert (running.instance_view.execution_state, running.instance_view.end_time) == ("Running", None)
    late = _run(clients, "b", "never", timeoutInSeconds=0.2)
    assert late.instance_view.execution_state == "TimedOut"
    api: Any = clients.compute.virtual_machine_run_commands
    clients.cloud.clock.advance(600)
    view = api.get_by_virtual_machine("rg", "m", "a", expand="instanceView").instance_view
    assert (view.execution_state, view.output) == ("Succeeded", "ok")


def test_a_restart_takes_what_is_running_with_it(clients: Clients) -> None:
    machine(clients.cloud, generalized=False)
    clients.cloud.set(scripts=[{"match": "long", "seconds": 600, "powers_off": True}])
    _run(clients, "a", "long", asyncExecution=True, timeoutInSeconds=900)
    clients.compute.virtual_machines.begin_restart("rg", "m").result()
    api: Any = clients.compute.virtual_machine_run_commands
    clients.cloud.clock.advance(900)
    view = api.get_by_virtual_machine("rg", "m", "a", expand="instanceView").instance_view
    assert view.execution_state == "TimedOut"
    assert _codes(clients)[-1] == "PowerState/running"


def test_a_script_may_end_its_own_machine(clients: Clients) -> None:
    machine(clients.cloud, generalized=False)
    clients.cloud.set(scripts=[{"match": "deprovision", "seconds": 600, "powers_off": True}])
    _run(clients, "last", "start deprovision", asyncExecution=True)
    assert _codes(clients)[-1] == "PowerState/running"
    clients.cloud.clock.advance(600)
    assert _codes(clients)[-1] == "PowerState/stopped"
    with pytest.raises(ResourceExistsError, match="Cannot modify extensions in the VM when the VM is not running"):
        _run(clients, "later", "x")
    with pytest.raises(ResourceExistsError, match="requires the VM to be running"):
        clients.compute.virtual_machines.begin_run_command("rg", "m", {"commandId": "RunShellScript"})


@pytest.mark.parametrize("command", ["RunShellScript", "RunPowerShellScript"])
def test_the_older_run_command(clients: Clients, command: str) -> None:
    machine(clients.cloud, generalized=False)
    clients.cloud.set(scripts=[{"match": "two", "output": "said", "error": "complained", "seconds": 0.05}])
    asked: Any = {"commandId": command, "script": ["one", "two"]}
    value = clients.compute.virtual_machines.begin_run_command("rg", "m", asked).result().value or []
    text = "\n".join(str(one.message) for one in value)
    assert "said" in text
    assert "complained" in text
    assert len(value) == (1 if command == "RunShellScript" else 2)
    assert clients.cloud.ran()[0]["script"] == "one\ntwo"


def test_the_console_can_be_read(clients: Clients) -> None:
    api = clients.compute.virtual_machines
    api.begin_create_or_update("rg", "m", NEW).result()
    clients.cloud.set(console={"m": "Kernel panic"})
    place = api.retrieve_boot_diagnostics_data("rg", "m").serial_console_log_blob_uri
    assert place is not None
    console = BlobClient.from_blob_url(place, connection_verify=clients.authority)
    assert console.download_blob().readall() == b"Kernel panic"
    clients.cloud.change(MACHINE, diagnosticsProfile={})
    with pytest.raises(ResourceExistsError, match="BootDiagnosticsNotEnabled"):
        api.retrieve_boot_diagnostics_data("rg", "m")


def test_actions_go_wrong_when_told_to(clients: Clients) -> None:
    machine(clients.cloud, generalized=False)
    api = clients.compute.virtual_machines
    kind = "Microsoft.Compute/virtualMachines"
    clients.cloud.plant(fault("deallocate", kind, code="OperationNotAllowed", message="in use"))
    with pytest.raises(ResourceExistsError, match="in use"):
        api.begin_deallocate("rg", "m")
    clients.cloud.plant(fault("deallocate", kind, "fail", code="InternalError", message="broken"))
    with pytest.raises(HttpResponseError, match="broken"):
        api.begin_deallocate("rg", "m").result()
    api.begin_deallocate("rg", "m").result()
    assert clients.cloud.journal("deallocate") == [("deallocate", MACHINE)] * 3
