variable "allow_from" {
  description = "Address ranges in CIDR form from which the machine may be reached by SSH. None: it is not reached at all."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for range in var.allow_from : can(cidrhost(range, 0))])
    error_message = "`allow_from` must be a list of address ranges such as 203.0.113.7/32."
  }
}

variable "group" {
  description = "Name of the resource group that everything goes into."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[-\\w.()]{0,89}[-\\w()]$", var.group))
    error_message = "`group` must be the name of a resource group: up to 90 letters, digits and -_.(), not ending in a point."
  }
}

variable "location" {
  description = "The region, such as `westeurope`."
  type        = string
  nullable    = false
}

variable "own_group" {
  description = "Whether the group is made here and goes with the build. When false it has to exist, and stays."
  type        = bool
  nullable    = false
}

variable "storage_account" {
  description = "Name of a storage account for files on their way to the machine; \"\" for none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.storage_account == "" || can(regex("^[a-z0-9]{3,24}$", var.storage_account))
    error_message = "`storage_account` must have 3 to 24 lower-case letters and digits."
  }
}

variable "subnet_id" {
  description = "Id of a subnet that exists; \"\" for a network of the build's own."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.subnet_id == "" || can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Network/virtualNetworks/[^/]+/subnets/[^/]+$", var.subnet_id))
    error_message = "`subnet_id` must be the id of a subnet."
  }
}

variable "suffix" {
  description = "What every name ends in, so that it clashes with nothing in a group of the user's own."
  type        = string
  default     = ""
  nullable    = false
}

variable "tags" {
  description = "Tags of everything in here."
  type        = map(string)
  default     = {}
  nullable    = false
}
