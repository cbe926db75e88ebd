locals {
  address = var.public_address ? azurerm_public_ip.this[0].ip_address : azurerm_network_interface.this.private_ip_address
}

resource "azurerm_linux_virtual_machine" "this" {
  #checkov:skip=CKV_AZURE_50:steps reach a private machine by extensions
  #checkov:skip=CKV_AZURE_97:it needs a feature of the subscription; a build machine lasts minutes
  admin_username                  = var.user
  computer_name                   = "imagegen"
  disable_password_authentication = true
  location                        = var.location
  name                            = var.name
  network_interface_ids           = [azurerm_network_interface.this.id]
  patch_mode                      = "ImageDefault"
  provision_vm_agent              = true
  resource_group_name             = var.group
  secure_boot_enabled             = var.security == "TrustedLaunch"
  size                            = var.size
  source_image_id                 = var.image.id == "" ? null : var.image.id
  tags                            = var.tags
  vtpm_enabled                    = var.security == "TrustedLaunch"

  admin_ssh_key {
    public_key = var.public_key
    username   = var.user
  }

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
