# The generalized machine as a managed image in staging: what validation starts from, and some gallery versions. It goes
# with the build. There is none of a Trusted Launch or Arm64 machine.
resource "azurerm_image" "this" {
  hyper_v_generation        = var.generation
  location                  = var.location
  name                      = var.name
  resource_group_name       = var.group
  source_virtual_machine_id = var.virtual_machine_id
  tags                      = var.tags

  timeouts {
    create = "${var.timeout_minutes}m"
  }
}
