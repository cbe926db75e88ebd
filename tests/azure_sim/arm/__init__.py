"""The simulated Azure over HTTPS: Azure's login, Resource Manager and blob storage, for the SDK's own clients.

`server` listens, `routes` finds who answers, and every other module answers for one part of Azure. What they have in
common is `Arm` in `front`. All resources are in the cloud that Terraform's stand-in provider uses too; only what blobs
hold and which operations are under way is kept here.
"""
