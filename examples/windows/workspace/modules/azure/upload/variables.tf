variable "destination" {
  description = "Where the file goes on the machine. On Linux the build user must be able to write there; a relative path starts in its home."
  type        = string
  nullable    = false

  validation {
    condition     = var.destination != ""
    error_message = "`destination` must not be empty."
  }
}

variable "file" {
  description = "Path of the file to upload."
  type        = string
  nullable    = false
}

variable "name" {
  description = "The key of the step, by which the program tells what it does."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,62}$", var.name))
    error_message = "`name` must have at most 63 lower-case letters, digits and hyphens."
  }
}

variable "previous_key" {
  description = "The `key` of what comes before: the machine or the step. When it changes, this step runs again."
  type        = string
  nullable    = false
}

variable "storage_account_id" {
  description = "Id of the storage account that the file passes through."
  type        = string
  nullable    = false
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

variable "timeout_seconds" {
  description = "How long it may take."
  type        = number
  nullable    = false
}

variable "tool" {
  description = "The command, with its first arguments, that runs imagegen's machine program; it gets a verb and a JSON object. Empty: the module's own shell script does it with `az`."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "user" {
  description = "The build user, an administrator of the machine."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.user))
    error_message = "`user` must be a plain user name."
  }
}

variable "virtual_machine_id" {
  description = "Id of the machine."
  type        = string
  nullable    = false
}
