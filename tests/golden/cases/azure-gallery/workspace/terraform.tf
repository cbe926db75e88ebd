terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.0"
    }
  }

  backend "azurerm" {
    container_name       = "tfstate"
    key                  = "linux.tfstate"
    resource_group_name  = "state"
    storage_account_name = "companystate"
    use_azuread_auth     = "true"
  }
}
