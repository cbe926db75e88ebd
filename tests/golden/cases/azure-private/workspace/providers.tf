# Who builds is told by the environment: ARM_CLIENT_ID and its like, or the login of `az`.
provider "azurerm" {
  storage_use_azuread = true
  subscription_id     = var.subscription_id

  # The end of a build: nobody waits for a machine to shut down, and what steps left in the group goes with it.
  features {
    resource_group {
      prevent_deletion_if_contains_resources = false
    }

    virtual_machine {
      delete_os_disk_on_deletion     = true
      skip_shutdown_and_force_delete = true
    }
  }
}
