"""What a deployment is given from outside: values of parameters, and who and where it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.errors import InvalidTemplate, Problem
from generator.template.document import Document, in_order

NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Inputs:
    """Values for a deployment.

    parameters: from a parameter file, of the right types. sets: `--set NAME=VALUE`, texts; a NAME is a parameter, or
    the text of an expression such as `reference('x').principalId` whose value only Azure knows; they win over
    parameters. resource: the name of the image template, where there are several. The rest answers
    `resourceGroup()`, `subscription()`, `tenant()`, `deployment()`, `utcNow()` and `newGuid()`, and is fixed, since
    the same input gives the same bytes.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    resource: str | None = None
    resource_group: str = "imagegen"
    location: str = "westeurope"
    subscription_id: str = NOBODY
    tenant_id: str = NOBODY
    deployment_name: str = "imagegen"
    utc_now: str = "2020-01-01T00:00:00Z"
    seed: str = ""


def parameters_of(document: Document) -> dict[str, Any]:
    """The values in a JSON parameter file: `{"parameters": {"name": {"value": …}}}`, or the inner object alone.

    Raises InvalidTemplate for a file of another form and for values in a Key Vault. Source: docs, «Create
    Resource Manager parameter file».
    """
    whole = document.value
    if not isinstance(whole, dict):
        raise InvalidTemplate([document.problem((), 'a parameter file is a JSON object: `{"parameters": {…}}`')])
    inside = "parameters" in whole
    entries, at = (whole["parameters"], ("parameters",)) if inside else (whole, ())
    if not isinstance(entries, dict):
        raise InvalidTemplate([document.problem(at, "`parameters` is an object of names and values")])
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, entry in entries.items():
        if (not inside and name.startswith("$")) or name == "contentVersion":
            continue
        if isinstance(entry, dict) and "value" in entry:
            values[name] = entry["value"]
        elif isinstance(entry, dict) and "reference" in entry:
            hint = f"give the value with --set {name}=VALUE"
            problems.append(document.problem((*at, name), "a secret in a Key Vault is not fetched", hint, at_key=True))
        else:
            message = f"the parameter `{name[:80]}` has no `value`"
            problems.append(document.problem((*at, name), message, 'write {"value": …}', at_key=True))
    if problems:
        raise InvalidTemplate(in_order(problems))
    return values
