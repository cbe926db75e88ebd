# A file on its way to a machine that nobody logs in to: to storage with the caller's own rights, and from there, by an
# address that is good for an hour, into the machine, where its digest is checked. No address stands in the state.
resource "terraform_data" "key" {
  triggers_replace = [filesha256(var.file), var.destination, var.previous_key]
}

resource "terraform_data" "run" {
  lifecycle {
    replace_triggered_by = [terraform_data.key]
  }

  provisioner "local-exec" {
    command = jsonencode({
      container          = "files"
      destination        = var.destination
      file               = var.file
      key                = var.name
      sha256             = filesha256(var.file)
      storage_account_id = var.storage_account_id
      system             = var.system
      timeout_seconds    = var.timeout_seconds
      user               = var.user
      vm_id              = var.virtual_machine_id
    })
    environment = {
      BLOB               = var.name
      CONTAINER          = "files"
      DESTINATION        = var.destination
      FILE               = var.file
      SHA256             = filesha256(var.file)
      STORAGE_ACCOUNT_ID = var.storage_account_id
      SYSTEM             = var.system
      USER_NAME          = var.user
      VM_ID              = var.virtual_machine_id
    }
    interpreter = length(var.tool) == 0 ? ["/bin/sh", "${path.module}/upload.sh"] : concat(var.tool, ["upload"])
    quiet       = true
  }
}
