"""The blueprint: what is built, in order, with everything decided. Templates and phases read only this."""

from dataclasses import dataclass
from typing import Literal

Target = Literal["azure", "local"]
OnError = Literal["cleanup", "abort"]

BUILD_USER = "imagegen"


@dataclass(frozen=True)
class Source:
    """A marketplace image; `version` may be `latest`."""

    publisher: str
    offer: str
    sku: str
    version: str

    def __str__(self) -> str:
        return f"{self.publisher}:{self.offer}:{self.sku}:{self.version}"


@dataclass(frozen=True)
class Step:
    """One customizer or validator.

    key: `010-install-nginx`; title: its name as the user wrote it; kind: which module carries it out; module: the name
    of its module call; file: its path in the workspace; content: the bytes of that file; destination: where a File
    goes on the machine.
    """

    key: str
    title: str
    kind: Literal["shell", "file"]
    module: str
    file: str
    content: bytes
    destination: str | None = None


@dataclass(frozen=True)
class Destination:
    """One distributor: `name` is its runOutputName, `resource` the Azure id or address that it names."""

    name: str
    kind: Literal["SharedImage", "ManagedImage", "VHD"]
    resource: str
    tags: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Blueprint:
    """A whole build. `disk_size_gb` 0 keeps the size of the source; `version` is None unless the template fixes it."""

    name: str
    target: Target
    source: Source
    vm_size: str
    disk_size_gb: int
    steps: tuple[Step, ...]
    validations: tuple[Step, ...]
    destinations: tuple[Destination, ...]
    timeout_minutes: int
    on_customizer_error: OnError
    on_validation_error: OnError
    distribute_despite_failure: bool
    version: str | None
