variable "criteria" {
  description = "The search, as Windows Update Agent takes it."
  type        = string
  nullable    = false
}

variable "filters" {
  description = "What of the found is installed: `include:EXPRESSION` or `exclude:EXPRESSION` in PowerShell, where `$_` is the update. The first that matches decides."
  type        = list(string)
  nullable    = false
}

variable "limit" {
  description = "At most so many updates a round."
  type        = number
  nullable    = false

  validation {
    condition     = var.limit >= 1
    error_message = "`limit` must be at least 1."
  }
}

variable "previous_key" {
  description = "The `key` of what comes before: the machine or the step. When it changes, this step runs again."
  type        = string
  nullable    = false
}

variable "rounds" {
  description = "At most so many rounds of search, installation and restart."
  type        = number
  nullable    = false

  validation {
    condition     = var.rounds >= 1 && var.rounds <= 6
    error_message = "`rounds` must be between 1 and 6."
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

variable "virtual_machine_id" {
  description = "Id of the machine."
  type        = string
  nullable    = false
}
