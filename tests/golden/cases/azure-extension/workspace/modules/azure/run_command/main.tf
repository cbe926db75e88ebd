# One step, as a run command of its own: no way in is needed. It starts as root or SYSTEM, and what wraps the script
# makes it run as the step asks.
locals {
  # Both handlers take a script of at most 256 KB (Azure/run-command-extension-linux, cmds.go: maxScriptSize; Microsoft,
  # "Azure Custom Script Extension Version 2 with Linux": "The maximum size of the script parameter's data is 256 KB").
  limit = 256 * 1024
  wrapper = var.system == "windows" ? templatefile("${path.module}/windows.ps1.tftpl", {
    exit_codes = join(", ", var.exit_codes)
    key        = var.name
    level      = var.level
    script     = filebase64(var.script)
    user       = var.user
    }) : templatefile("${path.module}/linux.sh.tftpl", {
    key  = var.name
    run  = templatefile("${path.module}/../../steps/shell/run.sh.tftpl", { script = filebase64(var.script) })
    user = var.user
  })
}

resource "terraform_data" "key" {
  triggers_replace = [sha256(local.wrapper), var.previous_key]
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

# azurerm has Azure take a failing script for a failing resource, and sends its own create timeout as the script's.
resource "azurerm_virtual_machine_run_command" "this" {
  depends_on = [terraform_data.room]

  location           = var.location
  name               = var.name
  tags               = var.tags
  virtual_machine_id = var.virtual_machine_id

  source {
    script = local.wrapper
  }

  timeouts {
    create = "${var.timeout_minutes}m"
  }

  lifecycle {
    replace_triggered_by = [terraform_data.key]

    precondition {
      condition     = length(local.wrapper) <= local.limit
      error_message = "The script of ${var.name} is too large for a run command, which takes ${local.limit} bytes in all: let it download what it needs."
    }
  }
}
