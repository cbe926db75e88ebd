variable "bastion_private_key" {
  description = "The private key for the bastion, in PEM, where there is one; null: the same as for the machine. Ephemeral: it reaches no state and no plan."
  type        = string
  default     = null
  ephemeral   = true
}

variable "connection" {
  description = "The SSH connection to the VM: `host`, `port` and `user`; `host_key`, the public host key to expect (null: any); `bastion`, the host that it goes through (null: none)."
  type = object({
    bastion = optional(object({
      host = string
      port = number
      user = string
    }))
    host     = string
    host_key = optional(string)
    port     = number
    user     = string
  })
  nullable = false
}

variable "local_clean" {
  description = "Whether to remove afterwards what the Azure agent leaves behind when it runs outside Azure."
  type        = bool
  nullable    = false
}

variable "previous_key" {
  description = "The `key` of what comes before: the machine or the step. When it changes, this step runs again."
  type        = string
  nullable    = false
}

variable "private_key" {
  description = "The private key for the connection, in PEM. Ephemeral: it reaches no state and no plan."
  type        = string
  default     = null
  ephemeral   = true
}

variable "user" {
  description = "The build user, whose account is removed from the image."
  type        = string
  nullable    = false
}
