locals {
  # Images that are patched while they run: azurerm takes no other patch mode for them (5.2.0,
  # internal/services/compute/shared_schema.go, isValidHotPatchSourceImageReference), and that mode wants updates on.
  hotpatch_skus = [
    "2022-datacenter-azure-edition-core",
    "2022-datacenter-azure-edition-core-smalldisk",
    "2022-datacenter-azure-edition-hotpatch",
    "2022-datacenter-azure-edition-hotpatch-smalldisk",
    "2025-datacenter-azure-edition",
    "2025-datacenter-azure-edition-core",
    "2025-datacenter-azure-edition-core-smalldisk",
    "2025-datacenter-azure-edition-smalldisk",
  ]
  hotpatch = var.image.id == "" && var.image.offer == "WindowsServer" && contains(local.hotpatch_skus, var.image.sku)
}

resource "azurerm_windows_virtual_machine" "this" {
  #checkov:skip=CKV_AZURE_50:steps reach a private machine by extensions
  #checkov:skip=CKV_AZURE_151:it needs a feature of the subscription; a build machine lasts minutes
  #checkov:skip=CKV_AZURE_177:updates are steps; others would come in between
  #checkov:skip=CKV_AZURE_97:it needs a feature of the subscription; a build machine lasts minutes
  admin_password            = var.admin_password
  admin_username            = var.user
  automatic_updates_enabled = local.hotpatch
  computer_name             = "imagegen"
  custom_data               = var.custom_data == "" ? null : var.custom_data
  location                  = var.location
  name                      = var.name
  network_interface_ids     = [azurerm_network_interface.this.id]
  patch_mode                = local.hotpatch ? "AutomaticByPlatform" : "Manual"
  provision_vm_agent        = true
  resource_group_name       = var.group
  secure_boot_enabled       = var.security == "TrustedLaunch"
  size                      = var.size
  source_image_id           = var.image.id == "" ? null : var.image.id
  tags                      = var.tags
  vtpm_enabled              = var.security == "TrustedLaunch"

  # Kept by Azure itself: the serial console is where a machine that nobody reaches says what went wrong.
  boot_diagnostics {}

  dynamic "identity" {
    for_each = length(var.identities) == 0 ? [] : [var.identities]

    content {
      identity_ids = identity.value
      type         = "UserAssigned"
    }
  }

  # StandardSSD goes with every size; Premium does not.
  os_disk {
    caching              = "ReadWrite"
    disk_size_gb         = var.disk_size_gb == 0 ? null : var.disk_size_gb
    name                 = "${var.name}-disk"
    storage_account_type = "StandardSSD_LRS"
  }

  dynamic "plan" {
    for_each = var.plan == null ? [] : [var.plan]

    content {
      name      = plan.value.name
      product   = plan.value.product
      publisher = plan.value.publisher
    }
  }

  dynamic "source_image_reference" {
    for_each = var.image.id == "" ? [var.image] : []

    content {
      offer     = source_image_reference.value.offer
      publisher = source_image_reference.value.publisher
      sku       = source_image_reference.value.sku
      version   = source_image_reference.value.version
    }
  }

  timeouts {
    create = "${var.timeout_minutes}m"
  }

  lifecycle {
    precondition {
      condition     = !var.public_address || var.security_group_id != null
      error_message = "A machine with a public address needs `security_group_id`."
    }
  }
}
