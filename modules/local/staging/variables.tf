variable "directory" {
  description = "Absolute path of the folder to make. Nothing else may use it."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.directory, "/")
    error_message = "`directory` must be an absolute path."
  }
}

variable "tool" {
  description = "The command, with its first arguments, that runs imagegen's machine program. It gets a verb and a JSON object."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.tool) > 0
    error_message = "`tool` must name a program."
  }
}
