variable "generalize" {
  description = "Whether the machine is to become an image: then preparing comes before the steps, and deprovisioning after them."
  type        = bool
  nullable    = false
}

variable "steps" {
  description = "The steps in their order: key, path of the script, and, on Windows, the level and the exit codes that are valid; see the run_command module."
  type = list(object({
    exit_codes = optional(list(number), [0])
    key        = string
    level      = optional(string, "plain")
    script     = string
  }))
  nullable = false

  validation {
    condition     = alltrue([for step in var.steps : can(regex("^[a-z0-9][a-z0-9-]{0,62}$", step.key))])
    error_message = "The keys of `steps` must have at most 63 lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for step in var.steps : contains(["plain", "elevated", "system"], step.level)])
    error_message = "A `level` in `steps` must be `plain`, `elevated` or `system`."
  }
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

variable "user" {
  description = "The build user, an administrator of the machine."
  type        = string
  nullable    = false
}
