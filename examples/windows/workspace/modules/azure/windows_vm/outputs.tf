output "id" {
  description = "Id of the machine."
  value       = azurerm_windows_virtual_machine.this.id
}

output "key" {
  description = "Changes with every new machine; the first step chains on it."
  value       = azurerm_windows_virtual_machine.this.virtual_machine_id
}
