# The same file as in the other machine module.
# The address is the way out to the internet, and for SSH the way in as far as the rules allow. Without rules an address
# of this kind lets nobody in, so it does not matter that they come last, while the machine starts.
resource "azurerm_public_ip" "this" {
  count = var.public_address ? 1 : 0

  allocation_method   = "Static"
  location            = var.location
  name                = var.name
  resource_group_name = var.group
  sku                 = "Standard"
  tags                = var.tags
}

resource "azurerm_network_interface" "this" {
  #checkov:skip=CKV_AZURE_119:the address is the machine's way out, and the rules let in nobody but the one who builds
  #checkov:skip=CKV2_AZURE_39:the console is where a machine says what went wrong, and asks for a login
  location            = var.location
  name                = var.name
  resource_group_name = var.group
  tags                = var.tags

  ip_configuration {
    name                          = "machine"
    private_ip_address_allocation = "Dynamic"
    public_ip_address_id          = one(azurerm_public_ip.this[*].id)
    subnet_id                     = var.subnet_id
  }
}

resource "azurerm_network_interface_security_group_association" "this" {
  count = var.public_address ? 1 : 0

  network_interface_id      = azurerm_network_interface.this.id
  network_security_group_id = var.security_group_id
}
