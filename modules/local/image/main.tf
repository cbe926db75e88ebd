# One released image on this computer. What is in it never changes: `input` is a record, and a later edit of the
# ledger must not touch the file.
resource "terraform_data" "this" {
  input = {
    directory = var.directory
    source_id = var.source_id
  }

  lifecycle {
    ignore_changes  = [input]
    prevent_destroy = true
  }

  provisioner "local-exec" {
    command = jsonencode({
      destination = var.directory
      manifest    = { for name, value in var.manifest : name => value if value != null }
      source      = var.source_id
    })
    interpreter = concat(var.tool, ["image"])
    quiet       = true
  }
}
