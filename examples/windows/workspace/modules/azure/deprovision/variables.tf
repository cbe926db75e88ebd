variable "finished" {
  description = "Names of run commands on the machine that have ended. They are removed before this one is made, because a machine takes 25."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "location" {
  description = "The region of the machine."
  type        = string
  nullable    = false
}

variable "previous_key" {
  description = "The `key` of what comes before: the machine or the step. When it changes, this step runs again."
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
