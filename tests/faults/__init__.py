"""Faults of the world: full disks, broken files, a Terraform that is missing, old, crashing or stuck."""
