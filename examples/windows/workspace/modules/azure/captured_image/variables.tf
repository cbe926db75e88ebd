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
  description = "Name of the image."
  type        = string
  nullable    = false
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
