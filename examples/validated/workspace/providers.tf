# The local target needs no provider: its modules use only what is built into Terraform.
