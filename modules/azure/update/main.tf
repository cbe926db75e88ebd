# Windows updates in rounds: search, install, restart when one is pending, and again, until nothing is found. Each round
# is a run command, which takes no restart while it runs.
resource "terraform_data" "key" {
  triggers_replace = [var.criteria, var.filters, var.limit, filesha256("${path.module}/update.ps1"), var.previous_key]
}

resource "terraform_data" "run" {
  lifecycle {
    replace_triggered_by = [terraform_data.key]
  }

  provisioner "local-exec" {
    command = jsonencode({
      criteria        = var.criteria
      filters         = var.filters
      limit           = var.limit
      rounds          = var.rounds
      script          = "${path.module}/update.ps1"
      timeout_seconds = var.timeout_seconds
      vm_id           = var.virtual_machine_id
    })
    environment = {
      ROUNDS   = var.rounds
      SCRIPT   = "${path.module}/update.ps1"
      SETTINGS = base64encode(jsonencode({ criteria = var.criteria, filters = var.filters, limit = var.limit }))
      VM_ID    = var.virtual_machine_id
    }
    interpreter = length(var.tool) == 0 ? ["/bin/sh", "${path.module}/update.sh"] : concat(var.tool, ["update"])
    quiet       = true
  }
}
