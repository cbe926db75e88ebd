# The last step: starts the deprovision script as the steps left it, and returns at once. Deprovisioning stops the agent
# that brings home the result of a run command, so it cannot be waited for from here: the machine powers off when it is
# done, and says on its serial console what went wrong when it is not.
locals {
  script = var.system == "windows" ? templatefile("${path.module}/windows.ps1.tftpl", {
    generalize = filebase64("${path.module}/generalize.ps1")
    user       = var.user
    }) : templatefile("${path.module}/linux.sh.tftpl", {
    generalize = base64encode(templatefile("${path.module}/../../steps/deprovision/generalize.sh.tftpl", {
      clean       = ""
      local_clean = false
      user        = var.user
    }))
  })
}

resource "terraform_data" "key" {
  triggers_replace = [sha256(local.script), var.previous_key]
}

# A machine takes 25 run commands. Those that have ended make room for this one.
resource "terraform_data" "room" {
  count = length(var.finished) == 0 ? 0 : 1

  lifecycle {
    replace_triggered_by = [terraform_data.key]
  }

  provisioner "local-exec" {
    command = jsonencode({
      names = var.finished
      vm_id = var.virtual_machine_id
    })
    environment = {
      NAMES = join(" ", var.finished)
      VM_ID = var.virtual_machine_id
    }
    interpreter = length(var.tool) == 0 ? ["/bin/sh", "${path.module}/remove.sh"] : concat(var.tool, ["remove"])
    quiet       = true
  }
}

resource "azurerm_virtual_machine_run_command" "this" {
  depends_on = [terraform_data.room]

  location           = var.location
  name               = "999-deprovision"
  tags               = var.tags
  virtual_machine_id = var.virtual_machine_id

  source {
    script = local.script
  }

  timeouts {
    create = "${var.timeout_minutes}m"
  }

  lifecycle {
    replace_triggered_by = [terraform_data.key]
  }
}
