variable "architecture" {
  description = "Processor architecture of the machine: `x64` or `Arm64`."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["x64", "Arm64"], var.architecture)
    error_message = "`architecture` must be `x64` or `Arm64`."
  }
}

variable "generation" {
  description = "Hyper-V generation of the machine: `V1` or `V2`."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["V1", "V2"], var.generation)
    error_message = "`generation` must be `V1` or `V2`."
  }
}

variable "group" {
  description = "Name of the resource group."
  type        = string
  nullable    = false
}

variable "location" {
  description = "The region of the machine."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the gallery."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_.]{0,78}[A-Za-z0-9]$", var.name))
    error_message = "`name` must have at most 80 letters, digits, underscores and points."
  }
}

variable "plan" {
  description = "The purchase plan of the machine's image; null when it has none."
  type = object({
    name      = string
    product   = string
    publisher = string
  })
  default = null
}

variable "security" {
  description = "`TrustedLaunch` or `Standard`, as the machine is."
  type        = string
  default     = "Standard"
  nullable    = false

  validation {
    condition     = contains(["Standard", "TrustedLaunch"], var.security)
    error_message = "`security` must be `Standard` or `TrustedLaunch`."
  }
}

variable "system" {
  description = "The system of the machine: `linux` or `windows`."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["linux", "windows"], var.system)
    error_message = "`system` must be `linux` or `windows`."
  }
}

variable "tags" {
  description = "Tags of everything in here."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "timeout_minutes" {
  description = "How long it may take."
  type        = number
  nullable    = false
}

variable "virtual_machine_id" {
  description = "Id of the generalized machine."
  type        = string
  nullable    = false
}
