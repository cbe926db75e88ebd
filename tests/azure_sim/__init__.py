"""A stand-in for Azure, for tests: a mock, never shipped.

`cloud` is a small Azure in one file, which several processes share; its fronts translate to it. `provider` is the one
for Terraform: a plugin with azurerm's own schema. `arm` is the one for Azure's SDK: login, Resource Manager and blobs
over HTTPS. `backed` makes its Linux machines real ones.

A test takes one of the fixtures of `fixtures`: `azure_sim` for Terraform alone, `azure_arm` for both fronts. It gives
programs the fixture's `env`, and looks at its `cloud`, where it also plants faults and sets hooks (`contents.HOOKS`).
"""
