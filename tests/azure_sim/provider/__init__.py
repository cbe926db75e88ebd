"""A stand-in for the azurerm provider: a mock in Python, with azurerm 5.2.0's own schema, over the cloud beside it.

It answers Terraform's plugin protocol 6, so real `terraform init`, `validate`, `plan`, `apply`, `import` and `destroy`
run against it. It takes from azurerm: schema, defaults, what forces a replacement, which arguments exclude or need
each other, the shape of ids, and the errors for what already exists.

Where it differs: azurerm's validators and custom diffs are code, and are not here, so what passes here may be refused
there. Of diff suppression only that of locations is here. Attributes are translated to ARM by rule, with true ARM
paths only where `translate` has them. A request that gets 429 or a 5xx is asked again at most four times, as azurerm
does it, but without its pauses unless the answer names one. Nothing takes time but what the cloud's `delay` says.
azurerm polls each resource for some 10 s; this does not.
"""
