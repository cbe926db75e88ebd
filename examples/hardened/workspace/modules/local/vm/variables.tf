variable "accelerator" {
  description = "How QEMU runs the guest: `kvm`, or `tcg` where there is no working KVM."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["kvm", "tcg"], var.accelerator)
    error_message = "`accelerator` must be `kvm` or `tcg`."
  }
}

variable "cache" {
  description = "What is shared with other builds on this computer: `from`, the saved machine to go on from, empty for that of the base; `keep`, step => what to save the machine as after it; `limit`, the bytes that all saved machines may take."
  type = object({
    from  = optional(string, "")
    keep  = optional(map(string), {})
    limit = optional(number, 0)
  })
  default  = {}
  nullable = false
}

variable "cores" {
  description = "Number of processor cores."
  type        = number
  nullable    = false

  validation {
    condition     = var.cores >= 1
    error_message = "`cores` must be at least 1."
  }
}

variable "directory" {
  description = "The folder for the machine's disk and records; the staging module makes it."
  type        = string
  nullable    = false
}

variable "disk" {
  description = "What the machine's disk starts from: `backing`, an image file that is only read; its `format` (`raw` or `qcow2`); `seed`, how a login gets in (`agent` or `nocloud`); `size_gb`, the size to grow to in GiB, 0 for the size of the backing. With `states`, a folder of saved machines, and `digest`, the SHA-256 of the backing, the machine goes on from one that has booted already."
  type = object({
    backing = string
    digest  = optional(string, "")
    format  = string
    seed    = string
    size_gb = number
    states  = optional(string, "")
  })
  nullable = false

  validation {
    condition     = contains(["raw", "qcow2"], var.disk.format)
    error_message = "`disk.format` must be `raw` or `qcow2`."
  }

  validation {
    condition     = contains(["agent", "nocloud"], var.disk.seed)
    error_message = "`disk.seed` must be `agent` or `nocloud`."
  }

  validation {
    condition     = var.disk.size_gb >= 0
    error_message = "`disk.size_gb` must not be negative."
  }
}

variable "host_access" {
  description = "Whether the guest may connect to this computer's own addresses and to the metadata service of its cloud."
  type        = bool
  default     = false
  nullable    = false
}

variable "memory_mb" {
  description = "Memory in MiB."
  type        = number
  nullable    = false

  validation {
    condition     = var.memory_mb >= 256
    error_message = "`memory_mb` must be at least 256."
  }
}

variable "name" {
  description = "Host name of the machine."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.name))
    error_message = "`name` must be a host name: up to 63 lower-case letters, digits and inner hyphens."
  }
}

variable "public_key" {
  description = "The OpenSSH public key that may log in as `user`."
  type        = string
  nullable    = false
}

variable "relay" {
  description = "The SSH relay of imagegen on 127.0.0.1, which holds one connection to the VM for all steps: its `port` and public `host_key`. Null: Terraform connects to the VM itself, as in a build by hand."
  type = object({
    host_key = string
    port     = number
  })
  default = null
}

variable "ssh_port" {
  description = "The port of 127.0.0.1 that leads to the machine's SSH."
  type        = number
  nullable    = false

  validation {
    condition     = var.ssh_port >= 1024 && var.ssh_port <= 65535
    error_message = "`ssh_port` must be between 1024 and 65535."
  }
}

variable "timeout_seconds" {
  description = "How long the machine may take until SSH answers."
  type        = number
  nullable    = false
}

variable "tool" {
  description = "The command, with its first arguments, that runs imagegen's machine program. It gets a verb and a JSON object."
  type        = list(string)
  nullable    = false
}

variable "user" {
  description = "The non-root user with passwordless sudo that the steps run as."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.user)) && var.user != "root"
    error_message = "`user` must be a plain user name other than root."
  }
}
