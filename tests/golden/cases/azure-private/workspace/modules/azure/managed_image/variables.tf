variable "image" {
  description = "The image, as the ledger has it. `source_id` is the generalized machine that it was made from: a plain string, so that the end of the staging cannot reach the image."
  type = object({
    generation     = string
    location       = string
    name           = string
    resource_group = string
    source_id      = string
    tags           = optional(map(string), {})
  })
  nullable = false

  validation {
    condition     = contains(["V1", "V2"], var.image.generation)
    error_message = "`image.generation` must be `V1` or `V2`."
  }

  validation {
    condition     = can(regex("(?i)/providers/Microsoft.Compute/virtualMachines/[^/]+$", var.image.source_id))
    error_message = "`image.source_id` must be the id of a virtual machine."
  }
}
