"""A local Terraform state, read as a file: anybody may have committed it, so it is looked at before Terraform is.

Format: version 4 of github.com/hashicorp/terraform, internal/states/statefile. Go matches the names of JSON objects
without regard to case and takes the last of several; here every one of them counts.
"""

import json
import re
from pathlib import Path
from typing import Any

from generator.template import plain

STATE = "terraform.tfstate"
BUILTIN = "terraform.io/builtin/terraform"  # terraform_data is its
BEYOND = object()
_PROVIDER = re.compile(r'(?:module\.[^"]*\.)?provider\["([^"]*)"\](?:\.\w+)?')


class _Object(list[tuple[str, Any]]):
    """A JSON object with all of its pairs."""


def foreign(folder: Path, ours: set[str]) -> set[str]:
    """Why the state is not believed: the providers that it has resources of and that are not ours, since
    `terraform init` installs and runs them, called for or not; or that they cannot be told.

    Empty where there is no state, or none that Terraform could read. What is built into Terraform is left out.
    """
    top = _read(folder)
    if top is None:
        return set()
    if top is BEYOND:
        return {"it is too large or too deep to tell its providers"}
    if versions := [one for one in _values(top, "version") if one != 4]:
        return {f"it is of state version {str(versions[0])[:20]}, which names providers otherwise"}
    named = {_provider(str(one)) for resource in _resources(top) for one in _values(resource, "provider")}
    return {f"it needs the provider {name}" for name in named - ours - {BUILTIN}}


def directories(folder: Path) -> dict[str, set[str]]:
    """The folders that the `terraform_data` of the state stand for, by address without an index of its own.

    Terraform hands them to the scripts that end a machine and remove its folder.
    """
    found: dict[str, set[str]] = {}
    for resource in _resources(_read(folder)):
        module, kind, name = (next(iter(_values(resource, part)), "") for part in ("module", "type", "name"))
        named = {
            str(directory)
            for instances in _values(resource, "instances")
            for instance in (instances if isinstance(instances, list) else [])
            for attributes in _values(instance, "attributes")
            for output in _values(attributes, "output")
            for value in _values(output, "value")
            for directory in _values(value, "directory")
        }
        if kind == "terraform_data" and named:
            address = ".".join(str(part) for part in (module, kind, name) if part)
            found[address] = found.get(address, set()) | named
    return found


def _provider(text: str) -> str:
    found = _PROVIDER.fullmatch(text)
    return found[1] if found else text


def _resources(top: Any) -> list[Any]:
    return [one for found in _values(top, "resources") if isinstance(found, list) for one in found]


def _values(found: Any, name: str) -> list[Any]:
    """All that an object has under a name, in any case."""
    return [value for key, value in found if key.casefold() == name] if isinstance(found, _Object) else []


def _read(folder: Path) -> Any:
    """What the state says; None where it is not there or no JSON: then Terraform cannot read it either.

    Go's decoder takes what Python's own would not: bytes that are no UTF-8, numbers of any length. What is beyond this
    one, by its size or depth, is `BEYOND`.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    content = plain.read(path, plain.LARGEST)
    if len(content) >= plain.LARGEST:
        return BEYOND
    try:
        return json.loads(content.decode("utf-8", "replace"), object_pairs_hook=_Object, parse_int=_number)
    except ValueError:
        return None
    except RecursionError:
        return BEYOND


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) < 20 else digits
