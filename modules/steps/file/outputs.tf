output "key" {
  description = "Changes whenever this step has to run again; the next step chains on it."
  value       = terraform_data.key.id
}
