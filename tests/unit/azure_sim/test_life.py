"""A whole build in phases, by real Terraform: machine, image version, release, destroy."""

from tests.unit.azure_sim.conftest import Workspace
from tests.unit.azure_sim.making import GROUP

PHASES = """
variable "build" {
  type    = bool
  default = false
}
variable "versions" {
  type    = set(string)
  default = []
}
variable "source_id" {
  type    = string
  default = null
}
variable "regions" {
  type    = list(string)
  default = ["West Europe"]
}
locals {
  staging = var.build ? { one = true } : {}
}

resource "azurerm_resource_group" "gallery" {
  name     = "gallery"
  location = "West Europe"
}
resource "azurerm_shared_image_gallery" "g" {
  name                = "g"
  resource_group_name = azurerm_resource_group.gallery.name
  location            = azurerm_resource_group.gallery.location
}
resource "azurerm_shared_image" "web" {
  name                = "web"
  gallery_name        = azurerm_shared_image_gallery.g.name
  resource_group_name = azurerm_resource_group.gallery.name
  location            = "westeurope"
  os_type             = "Linux"
  hyper_v_generation  = "V2"
  identifier {
    publisher = "p"
    offer     = "o"
    sku       = "s"
  }
}

resource "azurerm_resource_group" "b" {
  for_each = local.staging
  name     = "rg"
  location = "westeurope"
  tags     = { "what.is" = "a $${build}" }
}
resource "azurerm_virtual_network" "b" {
  for_each            = azurerm_resource_group.b
  name                = "net"
  resource_group_name = each.value.name
  location            = each.value.location
  address_space       = ["10.0.0.0/16"]
  subnet {
    name             = "default"
    address_prefixes = ["10.0.0.0/24"]
  }
}
resource "azurerm_public_ip" "b" {
  for_each            = azurerm_resource_group.b
  name                = "address"
  resource_group_name = each.value.name
  location            = each.value.location
  allocation_method   = "Static"
}
resource "azurerm_network_interface" "b" {
  for_each            = azurerm_virtual_network.b
  name                = "nic"
  resource_group_name = each.value.resource_group_name
  location            = each.value.location
  ip_configuration {
    name                          = "ip"
    subnet_id                     = one(each.value.subnet).id
    private_ip_address_allocation = "Dynamic"
    public_ip_address_id          = azurerm_public_ip.b[each.key].id
  }
}
resource "azurerm_linux_virtual_machine" "b" {
  for_each              = azurerm_network_interface.b
  name                  = "vm"
  resource_group_name   = each.value.resource_group_name
  location              = each.value.location
  size                  = "Standard_B2s"
  admin_username        = "build"
  network_interface_ids = [each.value.id]
  custom_data           = "c2VjcmV0"
  admin_ssh_key {
    username   = "build"
    public_key = "ssh-ed25519 AAAA"
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
  timeouts {
    create = "1h30m"
  }
}
resource "azurerm_virtual_machine_run_command" "b" {
  for_each           = azurerm_linux_virtual_machine.b
  name               = "step"
  location           = each.value.location
  virtual_machine_id = each.value.id
  source {
    script = "echo from-${each.value.private_ip_address}"
  }
}
resource "azurerm_shared_image_version" "web" {
  for_each            = var.versions
  name                = each.value
  gallery_name        = azurerm_shared_image.web.gallery_name
  image_name          = azurerm_shared_image.web.name
  resource_group_name = azurerm_resource_group.gallery.name
  location            = "westeurope"
  managed_image_id    = var.source_id
  dynamic "target_region" {
    for_each = var.regions
    content {
      name                   = target_region.value
      regional_replica_count = 1
    }
  }
  lifecycle {
    ignore_changes = [managed_image_id]
  }
}
output "address" {
  value = one([for one in azurerm_linux_virtual_machine.b : one.public_ip_address])
}
output "result" {
  value = one([for one in azurerm_virtual_machine_run_command.b : one.instance_view[0].output])
}
"""
MACHINE = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm"


def test_a_build_in_phases(workspace: Workspace) -> None:
    cloud = workspace.write(PHASES).cloud
    cloud.set(scripts=[{"match": "from-10.0.", "output": "hello"}], addresses=["127.0.0.1"])

    built = workspace.apply("-var=build=true")
    assert "9 added" in built
    assert 'address = "127.0.0.1" result = "hello"' in built
    assert workspace.run("plan", "-detailed-exitcode", "-var=build=true").code == 0

    cloud.act(MACHINE, "deallocate")
    cloud.act(MACHINE, "generalize")
    released = ('-var=versions=["1.0.0"]', f"-var=source_id={MACHINE}")
    assert "1 added, 0 changed, 0 destroyed" in workspace.apply("-var=build=true", *released)

    cloud.delete(GROUP)  # as releasing does it: a run command on a machine that is off cannot be deleted
    workspace.apply(*released)
    assert workspace.run("plan", "-detailed-exitcode", *released).code == 0
    assert [one["name"] for one in cloud.resources()] == ["gallery", "g", "web", "1.0.0"]

    cloud.set(echo_case=["Microsoft.Compute/galleries/images/versions"])
    assert workspace.run("plan", "-detailed-exitcode", *released).code == 0  # thanks to ignore_changes

    assert "4 destroyed" in workspace.run("destroy", "-auto-approve", *released).text
    assert cloud.resources() == []


WINDOWS = """
data "azurerm_client_config" "me" {}
data "azurerm_platform_image" "windows" {
  location  = "westeurope"
  publisher = "MicrosoftWindowsServer"
  offer     = "WindowsServer"
  sku       = "2022-datacenter-g2"
}
resource "azurerm_resource_group" "b" {
  name     = "rg"
  location = "westeurope"
}
resource "azurerm_virtual_network" "b" {
  name                = "net"
  resource_group_name = azurerm_resource_group.b.name
  location            = "westeurope"
  address_space       = ["10.0.0.0/16"]
}
resource "azurerm_network_security_group" "b" {
  name                = "rules"
  resource_group_name = azurerm_resource_group.b.name
  location            = "westeurope"
  security_rule {
    name                       = "none"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_port_range          = "*"
    destination_port_range     = "*"
    source_address_prefix      = "*"
    destination_address_prefix = "*"
  }
}
resource "azurerm_subnet" "b" {
  for_each             = toset(["one", "two"])
  name                 = each.value
  resource_group_name  = azurerm_resource_group.b.name
  virtual_network_name = azurerm_virtual_network.b.name
  address_prefixes     = ["10.0.${each.value == "one" ? 1 : 2}.0/24"]
}
resource "azurerm_subnet_network_security_group_association" "b" {
  subnet_id                 = azurerm_subnet.b["one"].id
  network_security_group_id = azurerm_network_security_group.b.id
}
resource "azurerm_network_interface" "b" {
  name                = "nic"
  resource_group_name = "rg"
  location            = "westeurope"
  dynamic "ip_configuration" {
    for_each = azurerm_subnet.b
    content {
      name                          = ip_configuration.key
      subnet_id                     = ip_configuration.value.id
      private_ip_address_allocation = "Dynamic"
      primary                       = ip_configuration.key == "one"
    }
  }
}
resource "azurerm_windows_virtual_machine" "b" {
  name                      = "vm"
  resource_group_name       = "rg"
  location                  = "westeurope"
  size                      = "Standard_B2s"
  admin_username            = "build"
  admin_password            = "a very Secret 1"
  network_interface_ids     = [azurerm_network_interface.b.id]
  secure_boot_enabled       = true
  vtpm_enabled              = true
  patch_mode                = "Manual"
  automatic_updates_enabled = false
  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }
  source_image_reference {
    publisher = data.azurerm_platform_image.windows.publisher
    offer     = data.azurerm_platform_image.windows.offer
    sku       = data.azurerm_platform_image.windows.sku
    version   = data.azurerm_platform_image.windows.version
  }
}
resource "azurerm_virtual_machine_extension" "b" {
  name                       = "steps"
  virtual_machine_id         = azurerm_windows_virtual_machine.b.id
  publisher                  = "Microsoft.Compute"
  type                       = "CustomScriptExtension"
  type_handler_version       = "1.10"
  auto_upgrade_minor_version = true
  settings                   = jsonencode({ commandToExecute = "echo <&>" })
  protected_settings         = jsonencode({ secret = data.azurerm_client_config.me.tenant_id })
}
data "azurerm_virtual_network" "b" {
  name                = azurerm_virtual_network.b.name
  resource_group_name = azurerm_subnet.b["two"].resource_group_name
  depends_on          = [azurerm_subnet.b]
}
output "subnets" {
  value = join(",", sort(data.azurerm_virtual_network.b.subnets))
}
"""
GRANT = """
resource "azurerm_managed_disk_sas_token" "b" {
  managed_disk_id     = azurerm_windows_virtual_machine.b.os_disk[0].id
  duration_in_seconds = 3600
  access_level        = "Read"
}
output "sas" {
  value     = azurerm_managed_disk_sas_token.b.sas_url
  sensitive = true
}
"""


def test_a_windows_machine_with_all_about_it(workspace: Workspace) -> None:
    cloud = workspace.write(WINDOWS).cloud
    said = workspace.apply()
    assert "9 added" in said
    assert 'subnets = "one,two"' in said
    assert workspace.is_settled()
    machine = cloud.get(MACHINE)
    assert machine is not None
    assert machine["properties"]["securityProfile"]["securityType"] == "TrustedLaunch"

    cloud.act(MACHINE, "deallocate")
    assert "1 added, 0 changed, 0 destroyed" in workspace.write(WINDOWS + GRANT).apply()
    assert workspace.is_settled()

    cloud.set(marketplace={"MicrosoftWindowsServer:WindowsServer:2022-datacenter-g2": {"versions": ["1.0.0", "2.0.0"]}})
    assert "azurerm_windows_virtual_machine.b must be replaced" in workspace.plan("-refresh=false")  # azure/FACTS.md 6

    refused = workspace.run("destroy", "-auto-approve")
    assert refused.code == 1  # azure/FACTS.md 5
    assert "Cannot modify extensions in the VM when the VM is not running" in refused.text
    cloud.act(MACHINE, "start")
    assert workspace.run("destroy", "-auto-approve").code == 0
    assert cloud.resources() == []
