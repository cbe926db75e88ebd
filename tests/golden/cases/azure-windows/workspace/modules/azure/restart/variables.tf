variable "check_command" {
  description = "PowerShell that has to end well before the build goes on; \"\" for none."
  type        = string
  default     = ""
  nullable    = false
}

variable "previous_key" {
  description = "The `key` of what comes before: the machine or the step. When it changes, this step runs again."
  type        = string
  nullable    = false
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

variable "virtual_machine_id" {
  description = "Id of the machine."
  type        = string
  nullable    = false
}
