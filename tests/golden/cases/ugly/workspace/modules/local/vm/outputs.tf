output "connection" {
  description = "The SSH connection to the VM: `host`, `port` and `user`, through the relay if there is one; then `host_key` is the relay's."
  value = {
    host     = "127.0.0.1"
    host_key = var.relay == null ? null : var.relay.host_key
    port     = var.relay == null ? var.ssh_port : var.relay.port
    user     = var.relay == null ? var.user : "${var.user}@127.0.0.1:${var.ssh_port}"
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
