"""A machine of the simulated Azure that is a real one, made and used by Terraform."""

import subprocess
from pathlib import Path

import pytest

from generator.settings import Settings
from tests.azure_sim.backed import Backing, backing
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.contents import MACHINES
from tests.conftest import SHARED_CACHE
from tests.invariants import processes
from tests.support.waiting import wait_until
from tests.unit.azure_sim.conftest import Workspace
from tests.unit.azure_sim.making import GROUP, NETWORK, machine, put

pytestmark = pytest.mark.machine

BUILD = """
variable "key" {
  type      = string
  ephemeral = true
}
variable "public_key" {
  type = string
}
resource "azurerm_resource_group" "b" {
  name     = "rg"
  location = "westeurope"
}
resource "azurerm_virtual_network" "b" {
  name                = "net"
  resource_group_name = azurerm_resource_group.b.name
  location            = azurerm_resource_group.b.location
  address_space       = ["10.0.0.0/16"]
  subnet {
    name             = "default"
    address_prefixes = ["10.0.0.0/24"]
  }
}
resource "azurerm_public_ip" "b" {
  name                = "address"
  resource_group_name = azurerm_resource_group.b.name
  location            = azurerm_resource_group.b.location
  allocation_method   = "Static"
}
resource "azurerm_network_interface" "b" {
  name                = "nic"
  resource_group_name = azurerm_resource_group.b.name
  location            = azurerm_resource_group.b.location
  ip_configuration {
    name                          = "ip"
    subnet_id                     = one(azurerm_virtual_network.b.subnet).id
    private_ip_address_allocation = "Dynamic"
    public_ip_address_id          = azurerm_public_ip.b.id
  }
}
resource "azurerm_linux_virtual_machine" "b" {
  name                  = "web"
  resource_group_name   = azurerm_resource_group.b.name
  location              = azurerm_resource_group.b.location
  size                  = "Standard_B2s"
  admin_username        = "builder"
  network_interface_ids = [azurerm_network_interface.b.id]
  admin_ssh_key {
    username   = "builder"
    public_key = var.public_key
  }
  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }
  source_image_reference {
    publisher = "Debian"
    offer     = "debian-12"
    sku       = "12-gen2"
    version   = "latest"
  }
}
resource "terraform_data" "step" {
  connection {
    host        = azurerm_linux_virtual_machine.b.public_ip_address
    user        = "builder"
    private_key = var.key
    timeout     = "60m"
  }
  provisioner "remote-exec" {
    inline = ["echo I am $(id -un) on $(hostname)", "sudo systemd-run --on-active=2 systemctl poweroff"]
  }
}
"""


def _power(workspace: Workspace) -> str:
    (machine,) = workspace.cloud.resources(arm_type=MACHINES)
    return str(machine["state"]["power"])


@pytest.mark.long
def test_a_step_runs_on_a_real_machine(workspace: Workspace, backed: Backing, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], cwd=tmp_path, check=True)
    names = (("key", "key"), ("public_key", "key.pub"))
    text = "".join(f"{name} = <<-END\n{(tmp_path / file).read_text()}END\n" for name, file in names)
    variables = tmp_path / "build.tfvars"
    variables.write_text(text)

    said = workspace.write(BUILD).apply(f"-var-file={variables}")
    assert "I am builder on web" in said
    assert backed.problems() == []
    assert workspace.values("azurerm_linux_virtual_machine.b")["public_ip_address"].startswith("127.0.1.")
    plan = workspace.run("plan", "-detailed-exitcode", f"-var-file={variables}")
    assert plan.code == 0, plan.text

    wait_until(lambda: _power(workspace) == "stopped")  # it was the guest that powered off
    workspace.cloud.delete(GROUP)


def test_nothing_is_left_of_a_machine_that_was_still_booting(cloud: Cloud, tmp_path: Path) -> None:
    address = put(cloud, f"{NETWORK}/publicIPAddresses/a")
    part = {"name": "ip", "publicIPAddressId": address["id"]}
    interface = put(cloud, f"{NETWORK}/networkInterfaces/i", ipConfigurations=[part])
    key = {"path": "/home/me/.ssh/authorized_keys", "keyData": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ simulated"}
    machine(
        cloud, generalized=False, networkProfile={"networkInterfaces": [{"id": interface["id"]}]},
        osProfile={"adminUsername": "me", "linuxConfiguration": {"ssh": {"publicKeys": [key]}}},
    )  # fmt: skip
    folder = tmp_path / "backed"
    folder.mkdir()
    with backing(cloud, folder, Settings(cache_dir=SHARED_CACHE)):
        wait_until(lambda: processes(str(folder)))
    assert processes(str(folder)) == []
