# One released version in a gallery. It is made once and never again: what it was made from is gone. So nothing here
# follows a later edit of where images go, and no plan destroys it.
resource "azurerm_shared_image_version" "this" {
  # Only at creation can it be said that a region may be given up later.
  deletion_of_replicated_locations_enabled = true
  end_of_life_date                         = var.image.end_of_life_date
  exclude_from_latest                      = var.image.exclude_from_latest
  gallery_name                             = var.image.gallery
  image_name                               = var.image.definition
  location                                 = var.image.location
  managed_image_id                         = var.image.source_id
  name                                     = var.image.version
  replication_mode                         = var.image.replication_mode
  resource_group_name                      = var.image.resource_group
  tags                                     = var.image.tags

  dynamic "target_region" {
    for_each = var.image.regions

    content {
      name                   = target_region.value.name
      regional_replica_count = target_region.value.replicas
      storage_account_type   = target_region.value.storage_account_type
    }
  }

  # A copy to a far region takes hours. One that is cut off would be in no state, and in the way of the next.
  timeouts {
    create = "6h"
    update = "6h"
  }

  lifecycle {
    ignore_changes = [
      blob_uri,
      deletion_of_replicated_locations_enabled,
      gallery_name,
      image_name,
      location,
      managed_image_id,
      os_disk_snapshot_id,
      replication_mode,
      resource_group_name,
      storage_account_id,
      timeouts,
    ]
    prevent_destroy = true

    precondition {
      condition     = contains([for region in var.image.regions : replace(lower(region.name), " ", "")], replace(lower(var.image.location), " ", ""))
      error_message = "The regions of ${var.image.definition} ${var.image.version} must include ${var.image.location}, where it is made."
    }
  }
}
