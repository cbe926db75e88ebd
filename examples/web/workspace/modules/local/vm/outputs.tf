output "connection" {
  description = "How to reach the machine: `host`, `port` and `user` of its SSH."
  value = {
    host = "127.0.0.1"
    port = var.ssh_port
    user = var.user
  }
}

output "key" {
  description = "Changes with every new machine; the first step chains on it."
  value       = terraform_data.this.id
}
