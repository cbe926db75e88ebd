# What a build needs beside its machine. Only the group comes before the rest: network and rules are made side by side.
resource "azurerm_resource_group" "this" {
  count = var.own_group ? 1 : 0

  location = var.location
  name     = var.group
  tags     = var.tags
}

locals {
  group = var.own_group ? azurerm_resource_group.this[0].name : var.group
}

resource "azurerm_virtual_network" "this" {
  count = var.subnet_id == "" ? 1 : 0

  address_space       = ["10.0.0.0/24"]
  location            = var.location
  name                = "network${var.suffix}"
  resource_group_name = local.group
  tags                = var.tags

  # In here rather than a resource of its own, which would be one more to wait for. The way out is the machine's own
  # address; the rules are at its interface, so that they need not be there before the network.
  #checkov:skip=CKV2_AZURE_31:the rules are at the interface, the only one in this subnet
  subnet {
    address_prefixes                = ["10.0.0.0/24"]
    default_outbound_access_enabled = false
    name                            = "machines"
  }
}

# Nobody gets in but by SSH from `allow_from`; without it nobody at all.
resource "azurerm_network_security_group" "this" {
  count = var.subnet_id == "" ? 1 : 0

  location            = var.location
  name                = "rules${var.suffix}"
  resource_group_name = local.group
  tags                = var.tags

  dynamic "security_rule" {
    for_each = length(var.allow_from) == 0 ? [] : [var.allow_from]

    content {
      access                     = "Allow"
      destination_address_prefix = "*"
      destination_port_range     = "22"
      direction                  = "Inbound"
      name                       = "ssh"
      priority                   = 100
      protocol                   = "Tcp"
      source_address_prefixes    = security_rule.value
      source_port_range          = "*"
    }
  }
}

# Files that are too large for a script pass through here. There are no keys to it, only the caller's own rights.
resource "azurerm_storage_account" "this" {
  #checkov:skip=CKV_AZURE_33:there is no queue
  #checkov:skip=CKV_AZURE_43:the variable is held to these rules
  #checkov:skip=CKV_AZURE_59:the build machine has no other way to it; each address given to it lasts an hour
  #checkov:skip=CKV_AZURE_206:it lasts as long as the build does
  #checkov:skip=CKV2_AZURE_1:it lasts as long as the build does
  #checkov:skip=CKV2_AZURE_33:the build machine may be in any network
  #checkov:skip=CKV2_AZURE_38:a deleted file is not wanted back
  count = var.storage_account == "" ? 0 : 1

  account_replication_type        = "LRS"
  account_tier                    = "Standard"
  allow_nested_items_to_be_public = false
  default_to_oauth_authentication = true
  https_traffic_only_enabled      = true
  local_user_enabled              = false
  location                        = var.location
  min_tls_version                 = "TLS1_2"
  name                            = var.storage_account
  public_network_access_enabled   = true
  resource_group_name             = local.group
  shared_access_key_enabled       = false
  tags                            = var.tags

  sas_policy {
    expiration_period = "00.02:00:00"
  }
}
