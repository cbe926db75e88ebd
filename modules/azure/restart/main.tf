# A restart by Azure, not by a script: a run command that is under way while the machine restarts is lost or repeated.
# It is done when there is a new boot time, the agent is ready, and the check command has ended well.
resource "terraform_data" "key" {
  triggers_replace = [var.check_command, var.previous_key]
}

resource "terraform_data" "run" {
  lifecycle {
    replace_triggered_by = [terraform_data.key]
  }

  provisioner "local-exec" {
    command = jsonencode({
      check_command   = var.check_command
      timeout_seconds = var.timeout_seconds
      vm_id           = var.virtual_machine_id
      when_pending    = false
    })
    environment = {
      CHECK_COMMAND = var.check_command
      VM_ID         = var.virtual_machine_id
    }
    interpreter = length(var.tool) == 0 ? ["/bin/sh", "${path.module}/restart.sh"] : concat(var.tool, ["restart"])
    quiet       = true
  }
}
