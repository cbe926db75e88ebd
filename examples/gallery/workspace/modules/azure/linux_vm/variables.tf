variable "bastion" {
  description = "The host through which SSH goes: `host`, `port` and `user`. Null: it goes straight to the machine."
  type = object({
    host = string
    port = number
    user = string
  })
  default = null
}

variable "disk_size_gb" {
  description = "Size of the system disk in GiB; 0 keeps the image's."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.disk_size_gb >= 0 && var.disk_size_gb <= 4095
    error_message = "`disk_size_gb` must be between 0 and 4095."
  }
}

variable "group" {
  description = "Name of the resource group."
  type        = string
  nullable    = false
}

variable "identities" {
  description = "Ids of user-assigned identities that the machine gets."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "image" {
  description = "What the machine starts from: the `id` of a managed image or of an image version in a gallery of any kind, or, with an empty `id`, `publisher`, `offer`, `sku` and `version` of an image of the marketplace."
  type = object({
    id        = optional(string, "")
    offer     = optional(string, "")
    publisher = optional(string, "")
    sku       = optional(string, "")
    version   = optional(string, "")
  })
  nullable = false

  validation {
    condition     = var.image.id != "" || alltrue([for part in [var.image.publisher, var.image.offer, var.image.sku, var.image.version] : part != ""])
    error_message = "`image` must have an `id`, or `publisher`, `offer`, `sku` and `version`."
  }
}

variable "location" {
  description = "The region, such as `westeurope`."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the machine, its interface and its address; the disk is called NAME-disk."
  type        = string
  nullable    = false
}

variable "plan" {
  description = "The purchase plan that goes with the image; null when it has none."
  type = object({
    name      = string
    product   = string
    publisher = string
  })
  default = null
}

variable "public_address" {
  description = "Whether the machine has an address of its own on the internet. In a network of the user's own it has not."
  type        = bool
  nullable    = false
}

variable "public_key" {
  description = "The OpenSSH public key that may log in as `user`. Azure takes RSA and Ed25519."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^ssh-(rsa|ed25519) [A-Za-z0-9+/]+=* ?", var.public_key))
    error_message = "`public_key` must be an RSA or Ed25519 key as OpenSSH writes it."
  }
}

variable "relay" {
  description = "The SSH relay of imagegen on 127.0.0.1, which holds one connection to the VM for all steps: its `port` and public `host_key`. Null: Terraform connects to the VM itself, as in a build by hand."
  type = object({
    host_key = string
    port     = number
  })
  default = null
}

variable "security" {
  description = "`TrustedLaunch` (secure boot and vTPM) or `Standard`. What the machine's image is to be decides it."
  type        = string
  default     = "Standard"
  nullable    = false

  validation {
    condition     = contains(["Standard", "TrustedLaunch"], var.security)
    error_message = "`security` must be `Standard` or `TrustedLaunch`."
  }
}

variable "security_group_id" {
  description = "Id of the rules for the interface; null without a public address."
  type        = string
  default     = null
}

variable "size" {
  description = "Size of the machine, such as `Standard_D2ds_v5`."
  type        = string
  nullable    = false
}

variable "subnet_id" {
  description = "Id of the subnet."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Tags of everything in here."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "timeout_minutes" {
  description = "How long it may take until the machine runs."
  type        = number
  nullable    = false
}

variable "user" {
  description = "The user that the steps run as: an administrator, but not the one that the system itself has."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.user)) && !contains(["root", "administrator", "admin"], var.user)
    error_message = "`user` must be a plain user name other than root, admin and administrator."
  }
}
