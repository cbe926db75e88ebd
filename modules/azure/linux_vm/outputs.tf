output "connection" {
  description = "The SSH connection to the VM: `host`, `port` and `user`, and the `bastion` on the way. If there is a relay, it leads to that: `host_key` is the relay's, and `user` names the VM too."
  value = {
    bastion  = var.relay == null ? var.bastion : null
    host     = var.relay == null ? local.address : "127.0.0.1"
    host_key = var.relay == null ? null : var.relay.host_key
    port     = var.relay == null ? 22 : var.relay.port
    user     = var.relay == null ? var.user : "${var.user}@${local.address}:22"
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
