variable "exit_codes" {
  description = "The exit codes with which a Windows script is taken to have ended well."
  type        = list(number)
  default     = [0]
  nullable    = false

  validation {
    condition     = length(var.exit_codes) > 0 && alltrue([for code in var.exit_codes : floor(code) == code])
    error_message = "`exit_codes` must be a list of at least one whole number."
  }
}

variable "finished" {
  description = "Names of run commands on the machine that have ended. They are removed before this one is made, because a machine takes 25."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "level" {
  description = "The privileges of a Windows script: `plain` (the administrator, as over WinRM), `elevated` (the administrator with a password logon) or `system`."
  type        = string
  default     = "plain"
  nullable    = false

  validation {
    condition     = contains(["plain", "elevated", "system"], var.level)
    error_message = "`level` must be `plain`, `elevated` or `system`."
  }
}

variable "location" {
  description = "The region of the machine."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the run command: the key of the step."
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

variable "script" {
  description = "Path of the script. On Linux it runs by its own first line; any exit code but 0 fails the build."
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
