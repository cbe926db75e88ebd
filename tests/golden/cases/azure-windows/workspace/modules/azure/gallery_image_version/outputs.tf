output "id" {
  description = "Id of the version."
  value       = azurerm_shared_image_version.this.id
}
