output "id" {
  description = "Id of the image."
  value       = azurerm_image.this.id
}
