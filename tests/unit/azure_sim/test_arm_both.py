"""One cloud behind two fronts: what Terraform makes, the SDK sees and changes, and Terraform sees that."""

from typing import Any

from tests.unit.azure_sim.clients import Clients
from tests.unit.azure_sim.conftest import Workspace
from tests.unit.azure_sim.test_backed import BUILD

MACHINE_ONLY = BUILD.partition('resource "terraform_data"')[0]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ simulated"


def test_terraform_builds_and_the_sdk_captures(workspace: Workspace, clients: Clients) -> None:
    workspace.cloud.delete("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg")
    given = ("-var=key=unused", f"-var=public_key={KEY}")
    workspace.write(MACHINE_ONLY).apply(*given)

    api: Any = clients.compute.virtual_machines
    machine = api.get("rg", "web", expand="instanceView")
    (key,) = machine.os_profile.linux_configuration.ssh.public_keys
    assert (key.path, key.key_data) == ("/home/builder/.ssh/authorized_keys", KEY)
    assert machine.vm_id == workspace.values("azurerm_linux_virtual_machine.b")["virtual_machine_id"]
    interface: Any = clients.resources.resources.get_by_id(
        machine.network_profile.network_interfaces[0].id, api_version="2024-05-01"
    )
    address = interface.properties["ipConfigurations"][0]["properties"]["publicIPAddress"]["id"]
    shown: Any = clients.resources.resources.get_by_id(address, api_version="2024-05-01")
    assert shown.properties["ipAddress"] == workspace.values("azurerm_public_ip.b")["ip_address"]

    api.begin_deallocate("rg", "web").result()
    api.generalize("rg", "web")
    assert workspace.run("plan", "-detailed-exitcode", *given).code == 0
    clients.resources.resource_groups.begin_delete("rg").result()
    assert "5 to add, 0 to change, 0 to destroy" in workspace.plan(*given)
