"""What a deployment is given from outside: values of parameters, and who and where it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.errors import InvalidTemplate, Problem
from generator.template.arm.values import MISSING, find, spelled
from generator.template.document import Document, in_order


@dataclass(frozen=True)
class Inputs:
    """Values for a deployment.

    parameters: from a parameter file, of the right types. sets: `--set NAME=VALUE`, texts; a NAME is a parameter, or
    the text of an expression such as `reference('x').principalId` whose value only Azure knows; they win over
    parameters. resource: the name of the image template, where there are several. The rest answers
    `resourceGroup()`, `subscription()`, `tenant()`, `deployment()`, `utcNow()` and `newGuid()`; None: nobody said it,
    and what is assumed is the same each time, since the same input gives the same bytes.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    resource: str | None = None
    resource_group: str | None = None
    location: str | None = None
    subscription_id: str | None = None
    tenant_id: str | None = None
    deployment_name: str | None = None
    utc_now: str | None = None
    seed: str | None = None


def parameters_of(document: Document) -> dict[str, Any]:
    """The values in a JSON parameter file: `{"parameters": {"name": {"value": …}}}`, or the inner object alone.

    Raises InvalidTemplate for a file of another form and for values in a Key Vault. Source: docs, «Create
    Resource Manager parameter file».
    """
    whole = document.value
    if not isinstance(whole, dict):
        raise InvalidTemplate([document.problem((), 'a parameter file is a JSON object: `{"parameters": {…}}`')])
    key = spelled(whole, "parameters")
    inside = key is not None
    entries, at = (whole[key], (key,)) if key is not None else (whole, ())
    if not isinstance(entries, dict):
        raise InvalidTemplate([document.problem(at, "`parameters` is an object of names and values")])
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, entry in entries.items():
        if (not inside and name.startswith("$")) or name == "contentVersion":
            continue
        if isinstance(entry, dict) and (value := find(entry, "value")) is not MISSING:
            values[name] = value
        elif isinstance(entry, dict) and spelled(entry, "reference"):
            hint = f"give the value with --set {name}=VALUE"
            problems.append(document.problem((*at, name), "a secret in a Key Vault is not fetched", hint, at_key=True))
        else:
            message = f"the parameter `{name[:80]}` has no `value`"
            problems.append(document.problem((*at, name), message, 'write {"value": …}', at_key=True))
    if problems:
        raise InvalidTemplate(in_order(problems))
    return values
