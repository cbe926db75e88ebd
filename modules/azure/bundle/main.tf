# All steps of a machine as one script, in their order, for an extension: a machine takes only one of a kind. Each part is
# what its run command would be; the first that fails ends it.
locals {
  steps = "${path.module}/../run_command"
  prepare = var.generalize ? [{
    key = "000-prepare"
    content = var.system == "windows" ? templatefile("${path.module}/../prepare/windows.ps1.tftpl", {
      script = filebase64("${path.module}/../prepare/DeprovisioningScript.ps1")
      user   = var.user
      }) : templatefile("${path.module}/../prepare/linux.sh.tftpl", {
      script = filebase64("${path.module}/../../steps/prepare/DeprovisioningScript.sh")
    })
  }] : []
  deprovision = var.generalize ? [{
    key = "999-deprovision"
    content = var.system == "windows" ? templatefile("${path.module}/../deprovision/windows.ps1.tftpl", {
      generalize = filebase64("${path.module}/../deprovision/generalize.ps1")
      user       = var.user
      }) : templatefile("${path.module}/../deprovision/linux.sh.tftpl", {
      generalize = base64encode(templatefile("${path.module}/../../steps/deprovision/generalize.sh.tftpl", {
        clean       = ""
        local_clean = false
        user        = var.user
      }))
    })
  }] : []
  scripts = [for step in var.steps : {
    key = step.key
    content = var.system == "windows" ? templatefile("${local.steps}/windows.ps1.tftpl", {
      exit_codes = join(", ", step.exit_codes)
      key        = step.key
      level      = step.level
      script     = filebase64(step.script)
      user       = var.user
      }) : templatefile("${local.steps}/linux.sh.tftpl", {
      key  = step.key
      run  = templatefile("${path.module}/../../steps/shell/run.sh.tftpl", { script = filebase64(step.script) })
      user = var.user
    })
  }]
  parts = [for part in concat(local.prepare, local.scripts, local.deprovision) : (
    var.system == "windows"
    ? "Invoke-Part '${part.key}' '${base64encode(part.content)}'\n"
    : "part ${part.key} <<'IMAGEGEN_PART'\n${base64encode(part.content)}\nIMAGEGEN_PART\n"
  )]
}
