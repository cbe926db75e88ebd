resource "terraform_data" "key" {
  triggers_replace = [filesha256(var.script), filesha256("${path.module}/run.sh.tftpl"), var.previous_key]
}

resource "terraform_data" "run" {
  count = var.cached ? 0 : 1

  lifecycle {
    replace_triggered_by = [terraform_data.key]
  }

  connection {
    type        = "ssh"
    host        = var.connection.host
    host_key    = var.connection.host_key
    port        = var.connection.port
    private_key = var.private_key
    script_path = "./.imagegen_%RAND%.sh"
    timeout     = "5m"
    user        = var.connection.user

    bastion_host        = try(var.connection.bastion.host, null)
    bastion_port        = try(var.connection.bastion.port, null)
    bastion_private_key = var.bastion_private_key
    bastion_user        = try(var.connection.bastion.user, null)
  }

  provisioner "remote-exec" {
    inline = [templatefile("${path.module}/run.sh.tftpl", { script = filebase64(var.script) })]
  }
}

# In place of the run where the machine has come with this step done.
resource "terraform_data" "cached" {
  count = var.cached ? 1 : 0

  lifecycle {
    replace_triggered_by = [terraform_data.key]
  }
}

# Later builds may go on from here: the machine is kept as this step left it, before the next one begins.
resource "terraform_data" "keep" {
  count = var.cached || var.keep == null ? 0 : 1

  depends_on = [terraform_data.run]

  lifecycle {
    replace_triggered_by = [terraform_data.key]
  }

  provisioner "local-exec" {
    command     = var.keep.command
    interpreter = var.keep.interpreter
    quiet       = true
  }
}
