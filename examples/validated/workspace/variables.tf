# What the template says: template.auto.tfvars.json.

variable "steps" {
  description = "The template's customizers in their order: key => its type, name and file, and what else the template says of it."
  type = map(object({
    destination = optional(string)
    file        = string
    name        = string
    type        = string
  }))
  default  = {}
  nullable = false
}

variable "validations" {
  description = "The template's validators in their order: key => its type, name and file, and what else the template says of it."
  type = map(object({
    destination = optional(string)
    file        = string
    name        = string
    type        = string
  }))
  default  = {}
  nullable = false
}


# What only a build needs. imagegen decides it once and passes it to every phase; at rest it is null.

variable "build_version" {
  description = "The version that is being built; null when no build is under way."
  type        = string
  default     = null

  validation {
    condition     = var.build_version == null || can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.build_version))
    error_message = "`build_version` must have the form MAJOR.MINOR.PATCH."
  }
}

variable "pending_release" {
  description = "The release whose images are being made: `version`, `images` by output of the template, and `superseded`, the images (\"output/version\") that these replace. Null at rest; then it is in the ledger."
  type = object({
    images = map(object({
      directory = string
      manifest = object({
        content = string
        name    = string
        source  = string
        tags    = map(string)
        version = string
      })
      source_id = string
    }))
    superseded = optional(list(string), [])
    version    = string
  })
  default = null

  validation {
    condition     = var.pending_release == null || can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.pending_release.version))
    error_message = "`pending_release.version` must have the form MAJOR.MINOR.PATCH."
  }
}

variable "image_tool" {
  description = "The command that makes an image; see `machine.tool`."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "machine" {
  description = "The machine of this build; see modules/local/vm for each part."
  type = object({
    accelerator = string
    cache = optional(object({
      from  = optional(string, "")
      keep  = optional(map(string), {})
      limit = optional(number, 0)
      steps = optional(set(string), [])
    }), {})
    cores     = number
    directory = string
    disk = object({
      backing = string
      digest  = optional(string, "")
      format  = string
      seed    = string
      size_gb = number
      states  = optional(string, "")
    })
    host_access     = optional(bool, false)
    memory_mb       = number
    name            = string
    public_key      = string
    ssh_port        = number
    timeout_seconds = number
    tool            = list(string)
    user            = string
  })
  default = null

  validation {
    condition     = var.build_version == null || var.machine != null
    error_message = "A build needs `machine`: start it by `imagegen apply`."
  }
}

variable "validation_machine" {
  description = "The machine that the validators run in; see modules/local/vm for each part."
  type = object({
    accelerator = string
    cache = optional(object({
      from  = optional(string, "")
      keep  = optional(map(string), {})
      limit = optional(number, 0)
      steps = optional(set(string), [])
    }), {})
    cores     = number
    directory = string
    disk = object({
      backing = string
      digest  = optional(string, "")
      format  = string
      seed    = string
      size_gb = number
      states  = optional(string, "")
    })
    host_access     = optional(bool, false)
    memory_mb       = number
    name            = string
    public_key      = string
    ssh_port        = number
    timeout_seconds = number
    tool            = list(string)
    user            = string
  })
  default = null
}

variable "ssh_private_key" {
  description = "The private key for this build's machine. Ephemeral: it reaches no state and no plan."
  type        = string
  default     = null
  ephemeral   = true
}

variable "ssh_relay" {
  description = "The SSH relay of imagegen on 127.0.0.1, which holds one connection to the VM for all steps: its `port` and public `host_key`. Null in a build by hand: Terraform connects to the VM itself."
  type = object({
    host_key = string
    port     = number
  })
  default = null
}
