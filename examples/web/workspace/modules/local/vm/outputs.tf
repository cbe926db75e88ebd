output "connection" {
  description = "How to reach the machine: `host`, `port` and `user` of its SSH."
  value = {
    host = "127.0.0.1"
    port = var.ssh_port
    user = var.user
  }
}

output "keep" {
  description = "Step => the program that saves the machine as that step left it, as `interpreter` and `command` of a local-exec."
  value = tomap({
    for step, layer in var.cache.keep : step => {
      command = jsonencode({
        about     = "${var.name}, up to ${step}"
        directory = var.directory
        layer     = layer
        limit     = var.cache.limit
        states    = var.disk.states
      })
      interpreter = concat(["/bin/sh", "${path.module}/keep.sh", var.directory], var.tool, ["save"])
    }
  })
}

output "key" {
  description = "Changes with every new machine; the first step chains on it."
  value       = terraform_data.this.id
}
