# The last step: runs the deprovision script as the steps left it, then powers the machine off. One root process does
# it all, because the build user, and with it sudo, goes on the way.
locals {
  clean = var.local_clean ? filebase64("${path.module}/local-clean.sh") : ""
}

resource "terraform_data" "key" {
  triggers_replace = [filesha256("${path.module}/generalize.sh.tftpl"), sha256(local.clean), var.previous_key]
}

resource "terraform_data" "run" {
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
    inline = [templatefile("${path.module}/generalize.sh.tftpl", {
      clean       = local.clean
      local_clean = var.local_clean
      user        = var.user
    })]
  }
}
