output "key" {
  description = "Changes whenever this step has to run again; the next step chains on it, and starts when this one is done."
  value       = terraform_data.key.id
  depends_on  = [terraform_data.run, terraform_data.cached]
}
