resource "terraform_data" "key" {
  triggers_replace = [filesha256(var.file), var.destination, var.previous_key]
}

resource "terraform_data" "run" {
  lifecycle {
    replace_triggered_by = [terraform_data.key]
  }

  connection {
    type        = "ssh"
    host        = var.connection.host
    port        = var.connection.port
    private_key = var.private_key
    timeout     = "5m"
    user        = var.connection.user
  }

  provisioner "file" {
    source      = var.file
    destination = var.destination
  }
}
