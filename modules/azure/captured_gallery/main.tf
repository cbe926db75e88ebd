# The generalized machine as a version in a gallery that goes with the build: what validation starts from when there can
# be no managed image.
resource "azurerm_shared_image_gallery" "this" {
  location            = var.location
  name                = var.name
  resource_group_name = var.group
  tags                = var.tags
}

resource "azurerm_shared_image" "this" {
  architecture           = var.architecture
  gallery_name           = azurerm_shared_image_gallery.this.name
  hyper_v_generation     = var.generation
  location               = var.location
  name                   = "captured"
  os_type                = var.system == "windows" ? "Windows" : "Linux"
  resource_group_name    = var.group
  tags                   = var.tags
  trusted_launch_enabled = var.security == "TrustedLaunch" ? true : null

  identifier {
    offer     = "captured"
    publisher = "imagegen"
    sku       = "captured"
  }

  dynamic "purchase_plan" {
    for_each = var.plan == null ? [] : [var.plan]

    content {
      name      = purchase_plan.value.name
      product   = purchase_plan.value.product
      publisher = purchase_plan.value.publisher
    }
  }
}

resource "azurerm_shared_image_version" "this" {
  gallery_name        = azurerm_shared_image_gallery.this.name
  image_name          = azurerm_shared_image.this.name
  location            = var.location
  managed_image_id    = var.virtual_machine_id
  name                = "1.0.0"
  replication_mode    = "Shallow"
  resource_group_name = var.group
  tags                = var.tags

  target_region {
    name                   = var.location
    regional_replica_count = 1
    storage_account_type   = "Standard_LRS"
  }

  timeouts {
    create = "${var.timeout_minutes}m"
  }
}
