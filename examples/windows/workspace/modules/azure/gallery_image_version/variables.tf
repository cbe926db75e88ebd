variable "image" {
  description = "The version, as the ledger has it. `source_id` is what it was made from: the id of a generalized machine or of a managed image, a plain string, so that the end of the staging cannot reach the version."
  type = object({
    definition          = string
    end_of_life_date    = optional(string)
    exclude_from_latest = optional(bool, false)
    gallery             = string
    location            = string
    regions = list(object({
      name                 = string
      replicas             = number
      storage_account_type = string
    }))
    replication_mode = optional(string, "Full")
    resource_group   = string
    source_id        = string
    tags             = optional(map(string), {})
    version          = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.image.version))
    error_message = "`image.version` must have the form MAJOR.MINOR.PATCH."
  }

  validation {
    condition     = length(var.image.regions) > 0
    error_message = "`image.regions` must have at least one region."
  }

  validation {
    condition     = contains(["Full", "Shallow"], var.image.replication_mode)
    error_message = "`image.replication_mode` must be `Full` or `Shallow`."
  }

  validation {
    condition     = can(regex("(?i)/providers/Microsoft.Compute/(virtualMachines|images)/[^/]+$", var.image.source_id))
    error_message = "`image.source_id` must be the id of a virtual machine or of a managed image."
  }
}
