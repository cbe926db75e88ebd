# What the template says: template.auto.tfvars.json.

variable "steps" {
  description = "The template's customizers in their order: key => its type, name and file, and what else the template says of it."
  type = map(object({
    check_command   = optional(string, "")
    criteria        = optional(string)
    destination     = optional(string)
    exit_codes      = optional(list(number), [0])
    file            = string
    filters         = optional(list(string))
    level           = optional(string, "plain")
    limit           = optional(number)
    name            = string
    timeout_seconds = optional(number)
    type            = string
  }))
  default  = {}
  nullable = false
}

variable "bastion" {
  description = "The host through which SSH reaches the machine."
  type = object({
    host = string
    port = number
    user = string
  })
  nullable = false
}

variable "disk_size_gb" {
  description = "Size of the machine's system disk in GiB; 0 keeps the source's."
  type        = number
  default     = 0
  nullable    = false
}

variable "identities" {
  description = "Ids of the user-assigned identities that the machine gets."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "location" {
  description = "The region of the build, such as `westeurope`."
  type        = string
  nullable    = false
}

variable "source_image" {
  description = "What the image starts from: an image of the marketplace (`publisher`, `offer`, `sku`, `version`, perhaps a `plan`), or the `id` of a managed image or gallery version."
  type = object({
    id    = optional(string, "")
    kind  = string
    offer = optional(string, "")
    plan = optional(object({
      name      = string
      product   = string
      publisher = string
    }))
    publisher = optional(string, "")
    sku       = optional(string, "")
    version   = optional(string, "")
  })
  nullable = false
}

variable "staging_group" {
  description = "Name of the resource group that a build happens in."
  type        = string
  nullable    = false
}

variable "staging_tags" {
  description = "Tags of everything that a build makes on its way."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "subnet_id" {
  description = "Id of the subnet that the machine is in; \"\" for a network of the build's own."
  type        = string
  default     = ""
  nullable    = false
}

variable "subscription_id" {
  description = "The subscription of the build; null: the one that ARM_SUBSCRIPTION_ID names."
  type        = string
  default     = null
}

variable "vm_size" {
  description = "Size of the machine as the template has it; \"\" leaves it to the build."
  type        = string
  default     = ""
  nullable    = false
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
      definition          = optional(string)
      end_of_life_date    = optional(string)
      exclude_from_latest = optional(bool, false)
      gallery             = optional(string)
      generation          = optional(string)
      id                  = string
      kind                = string
      location            = optional(string)
      name                = optional(string)
      regions = optional(list(object({
        name                 = string
        replicas             = number
        storage_account_type = string
      })), [])
      replication_mode = optional(string, "Full")
      resource         = string
      resource_group   = optional(string)
      source_id        = string
      status           = optional(string, "")
      subscription_id  = optional(string, "")
      tags             = optional(map(string), {})
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

variable "bastion_private_key" {
  description = "The private key for the bastion; null: the machine's. Ephemeral: it reaches no state and no plan."
  type        = string
  default     = null
  ephemeral   = true
}

variable "captured" {
  description = "Set once the machine is generalized: its id, and whether an `image` of it, or a `gallery` with one, is wanted in staging."
  type = object({
    gallery = bool
    image   = bool
    vm_id   = string
  })
  default = null

  validation {
    condition     = var.captured == null || var.machine != null
    error_message = "`captured` needs the `machine` of the build."
  }
}

variable "machine" {
  description = "What is decided for this build alone: where SSH comes from, public key, generation, architecture and security of the machine, its size and what exactly it starts from (empty: as the template says), and `tool`, the command that runs imagegen's machine program (none: the modules' own scripts)."
  type = object({
    allow_from   = optional(list(string), [])
    architecture = optional(string, "x64")
    generation   = optional(string, "V2")
    plan = optional(object({
      name      = string
      product   = string
      publisher = string
    }))
    public_key      = optional(string, "")
    security        = optional(string, "Standard")
    size            = optional(string, "")
    source_id       = optional(string, "")
    source_version  = optional(string, "")
    timeout_minutes = number
    tool            = optional(list(string), [])
  })
  default = null

  validation {
    condition     = var.build_version == null || var.machine != null
    error_message = "A build needs `machine`: start it by `imagegen apply`, or see README.md."
  }
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
