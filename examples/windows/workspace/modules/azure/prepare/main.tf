# Puts Image Builder's deprovision script where Image Builder puts it, before the first step: templates edit or
# replace it there, and the last step runs what it then says.
locals {
  script = var.system == "windows" ? templatefile("${path.module}/windows.ps1.tftpl", {
    script = filebase64("${path.module}/DeprovisioningScript.ps1")
    user   = var.user
    }) : templatefile("${path.module}/linux.sh.tftpl", {
    script = filebase64("${path.module}/../../steps/prepare/DeprovisioningScript.sh")
  })
}

resource "terraform_data" "key" {
  triggers_replace = [sha256(local.script), var.previous_key]
}

resource "azurerm_virtual_machine_run_command" "this" {
  location           = var.location
  name               = "000-prepare"
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
