output "connection" {
  description = "How to reach the machine: `host`, `port` and `user` of its SSH, and the `bastion` on the way."
  value = {
    bastion = var.bastion
    host    = var.public_address ? azurerm_public_ip.this[0].ip_address : azurerm_network_interface.this.private_ip_address
    port    = 22
    user    = var.user
  }

  # The rules let SSH in.
  depends_on = [azurerm_linux_virtual_machine.this, azurerm_network_interface_security_group_association.this]
}

output "id" {
  description = "Id of the machine."
  value       = azurerm_linux_virtual_machine.this.id
}

output "key" {
  description = "Changes with every new machine; the first step chains on it."
  value       = azurerm_linux_virtual_machine.this.virtual_machine_id
}
