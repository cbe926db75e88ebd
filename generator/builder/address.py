"""Addresses of resources in a workspace, as Terraform writes them: `module.NAME["INDEX"].TYPE.NAME`."""

import re
from dataclasses import dataclass

_ADDRESS = re.compile(r'module\.(?P<module>\w+)(\["?(?P<index>[^"\]]*)"?\])?\.(?P<kind>\w+)\.(?P<name>\w+)')


@dataclass(frozen=True)
class Address:
    """A resource of a module call; `index` is the call's, "" where it has none. `text` ends with the name: the
    resource's own index is left out."""

    text: str
    module: str
    index: str
    kind: str
    name: str


def parse(text: str) -> Address | None:
    """The parts of an address; None for what is not in a module: a workspace has nothing beside its calls."""
    found = _ADDRESS.match(text)
    return Address(found[0], found["module"], found["index"] or "", found["kind"], found["name"]) if found else None
