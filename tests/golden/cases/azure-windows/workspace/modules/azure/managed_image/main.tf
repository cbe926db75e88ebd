# One released managed image. It is made once and never again: what it was made from is gone. So nothing here follows a
# later edit of where images go, and no plan destroys it.
resource "azurerm_image" "this" {
  hyper_v_generation        = var.image.generation
  location                  = var.image.location
  name                      = var.image.name
  resource_group_name       = var.image.resource_group
  source_virtual_machine_id = var.image.source_id
  tags                      = var.image.tags

  timeouts {
    create = "2h"
  }

  lifecycle {
    ignore_changes = [
      data_disk,
      hyper_v_generation,
      location,
      name,
      os_disk,
      resource_group_name,
      source_virtual_machine_id,
      timeouts,
      zone_resilient,
    ]
    prevent_destroy = true
  }
}
