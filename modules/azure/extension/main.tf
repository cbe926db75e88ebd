# All steps by one CustomScript extension. On Linux it carries the script. On Windows it has room for a command line only
# (cmd.exe: 8,191 characters), so there the script came with the machine, as its custom data.
locals {
  unpack  = <<-POWERSHELL
    $ErrorActionPreference = 'Stop'
    New-Item -ItemType Directory -Force -Path C:\imagegen | Out-Null
    $from = New-Object IO.FileStream('C:\AzureData\CustomData.bin', [IO.FileMode]::Open, [IO.FileAccess]::Read)
    $to = New-Object IO.FileStream('C:\imagegen\steps.ps1', [IO.FileMode]::Create)
    (New-Object IO.Compression.GZipStream($from, [IO.Compression.CompressionMode]::Decompress)).CopyTo($to)
    $to.Close()
    $from.Close()
    & C:\imagegen\steps.ps1
  POWERSHELL
  command = "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand ${textencodebase64(local.unpack, "UTF-16LE")}"
  # Microsoft, "Azure Custom Script Extension Version 2 with Linux": "The maximum size of the script parameter's data is
  # 256 KB", and the script may run for 90 minutes, on either system.
  limit   = 256 * 1024
  minutes = 90
}

resource "terraform_data" "key" {
  triggers_replace = [sha256(var.script), var.previous_key]
}

resource "azurerm_virtual_machine_extension" "this" {
  name                 = "steps"
  publisher            = var.system == "windows" ? "Microsoft.Compute" : "Microsoft.Azure.Extensions"
  settings             = var.system == "windows" ? jsonencode({ commandToExecute = local.command }) : jsonencode({ script = var.script })
  tags                 = var.tags
  type                 = var.system == "windows" ? "CustomScriptExtension" : "CustomScript"
  type_handler_version = var.system == "windows" ? "1.10" : "2.1"
  virtual_machine_id   = var.virtual_machine_id

  timeouts {
    create = "${min(var.timeout_minutes, local.minutes + 10)}m"
  }

  lifecycle {
    replace_triggered_by = [terraform_data.key]

    precondition {
      condition     = length(var.script) <= local.limit
      error_message = "These steps are too large for an extension, which takes ${local.limit} bytes in all: use the run-command communicator."
    }
  }
}
