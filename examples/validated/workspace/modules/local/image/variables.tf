variable "directory" {
  description = "The image's folder in the workspace, such as `images/web/1.0.0`. It must not exist yet."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^images/[A-Za-z0-9._-]+/[0-9]+\\.[0-9]+\\.[0-9]+$", var.directory))
    error_message = "`directory` must have the form images/NAME/MAJOR.MINOR.PATCH."
  }
}

variable "manifest" {
  description = "What the image's manifest.json says beside size and digest: `name`, `version`, `source`, `content` (digest of all that went in) and `tags`. An image of imagegen 0.1.0 has `template` instead of `content`."
  type = object({
    content  = optional(string)
    name     = string
    source   = string
    tags     = map(string)
    template = optional(string)
    version  = string
  })
  nullable = false
}

variable "source_id" {
  description = "The captured disk that the image is made from: a plain path, never a reference to the machine, so that the end of the staging cannot reach the image."
  type        = string
  nullable    = false
}

variable "tool" {
  description = "The command, with its first arguments, that runs imagegen's machine program. Only needed when an image is made."
  type        = list(string)
  nullable    = false
}
