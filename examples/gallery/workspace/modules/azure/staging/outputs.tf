output "group" {
  description = "Name of the group, once it exists."
  value       = local.group
}

output "security_group_id" {
  description = "Id of the rules for the machine's interface; null in a network of the user's own, which has its own."
  value       = one(azurerm_network_security_group.this[*].id)
}

output "storage_account_id" {
  description = "Id of the storage account; null when there is none."
  value       = one(azurerm_storage_account.this[*].id)
}

output "subnet_id" {
  description = "Id of the subnet for the machine."
  value       = var.subnet_id == "" ? one(azurerm_virtual_network.this[0].subnet[*].id) : var.subnet_id
}
