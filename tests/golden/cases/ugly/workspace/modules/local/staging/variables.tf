variable "directory" {
  description = "Absolute path of the folder to make. Nothing else may use it."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.directory, "/")
    error_message = "`directory` must be an absolute path."
  }
}
