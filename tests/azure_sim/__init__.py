"""A stand-in for Azure, for tests: a mock, never shipped.

`cloud` is a small Azure in one file, which several processes share; its fronts translate to it. `provider` is the one
for Terraform: a plugin with azurerm's own schema. A test takes the fixture `azure_sim` of `fixtures`, gives Terraform
`azure_sim.env`, and looks at `azure_sim.cloud`, where it also plants faults.
"""
