# A QEMU machine on this computer. It listens on the loopback address only, and ends with this resource.
resource "terraform_data" "this" {
  input = {
    directory = var.directory
  }

  # The whole description is one JSON argument: no shell ever sees it.
  provisioner "local-exec" {
    command = jsonencode({
      accelerator     = var.accelerator
      backing         = var.disk.backing
      cores           = var.cores
      digest          = var.disk.digest
      directory       = var.directory
      disk_gb         = var.disk.size_gb
      format          = var.disk.format
      host_access     = var.host_access
      layer           = var.cache.from
      limit           = var.cache.limit
      memory_mb       = var.memory_mb
      name            = var.name
      public_key      = var.public_key
      seed            = var.disk.seed
      ssh_port        = var.ssh_port
      states          = var.disk.states
      timeout_seconds = var.timeout_seconds
      user            = var.user
    })
    interpreter = concat(var.tool, ["start"])
    quiet       = true
  }

  provisioner "local-exec" {
    command     = self.output.directory
    interpreter = ["/bin/sh", "${path.module}/stop.sh"]
    quiet       = true
    when        = destroy
  }
}
