output "directory" {
  description = "The folder, once it exists."
  value       = terraform_data.this.output.directory
}
