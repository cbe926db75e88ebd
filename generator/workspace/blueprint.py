"""The blueprint: what is built, in order, with everything decided. Templates and phases read only this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Target = Literal["azure", "local"]
OnError = Literal["cleanup", "abort"]
System = Literal["linux", "windows"]
Communicator = Literal["ssh", "run-command", "extension"]
StepKind = Literal["shell", "file", "powershell", "restart", "update"]

BUILD_USER = "imagegen"


@dataclass(frozen=True)
class Plan:
    """The purchase plan of a marketplace image."""

    name: str
    product: str
    publisher: str


@dataclass(frozen=True)
class Source:
    """What the image starts from.

    A PlatformImage has `publisher`, `offer`, `sku` and `version`, which may be `latest`, and perhaps a plan. The others
    have the `id` of a managed image, or of a gallery version, which may end in `/versions/latest`.
    """

    kind: Literal["PlatformImage", "ManagedImage", "SharedImageVersion"] = "PlatformImage"
    publisher: str = ""
    offer: str = ""
    sku: str = ""
    version: str = ""
    id: str = ""
    plan: Plan | None = None

    def __str__(self) -> str:
        return self.id or f"{self.publisher}:{self.offer}:{self.sku}:{self.version}"


@dataclass(frozen=True)
class Step:
    """One customizer or validator.

    key: `010-install-nginx`; title: its name as the user wrote it; kind: which module carries it out; module: the name
    of its module call; file: its path in the workspace, and content: the bytes of that file, both empty for a restart
    and for updates; options: what else the template says of it, as Terraform gets it:
    file: `destination`; powershell: `level` (plain, elevated or system) and `exit_codes`;
    restart: `check_command` and `timeout_seconds`; update: `criteria`, `filters` and `limit`.
    """

    key: str
    title: str
    kind: StepKind
    module: str
    file: str = ""
    content: bytes = b""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Region:
    """A region that a gallery version is copied to."""

    name: str
    replicas: int
    storage_account_type: str


@dataclass(frozen=True)
class Destination:
    """One distributor: `name` is its runOutputName, `resource` the Azure id or address that it names.

    location: of a managed image, "" for the build's. The rest is a gallery version's; no `regions` means the build's
    own, and `end_of_life_date` is an RFC 3339 time or "".
    """

    name: str
    kind: Literal["SharedImage", "ManagedImage", "VHD"]
    resource: str
    tags: tuple[tuple[str, str], ...]
    location: str = ""
    regions: tuple[Region, ...] = ()
    exclude_from_latest: bool = False
    replication_mode: Literal["Full", "Shallow"] = "Full"
    end_of_life_date: str = ""


@dataclass(frozen=True)
class Versioning:
    """How the next version is chosen: `Latest` within a major number (None: of all), or as the source's."""

    scheme: Literal["Latest", "Source"] = "Latest"
    major: int | None = None


@dataclass(frozen=True)
class Bastion:
    """The host through which SSH reaches a private machine."""

    host: str
    port: int
    user: str


@dataclass(frozen=True)
class Azure:
    """What only the Azure target asks for.

    id: twelve hex digits that are this workspace's own, the same from run to run; subscription_id: where the build
    happens, "" for the caller's own; group: the staging group, ours to make and delete when `own_group`, else the
    user's; storage_account: its name, should staging need one; subnet_id: "" for a network of the build's own;
    identities: of the build machine; tags: on everything that staging makes; update_rounds: at most so many
    search-and-install rounds for each WindowsUpdate; backend: of the Terraform state, "" kind for local.
    """

    id: str
    subscription_id: str
    location: str
    group: str
    own_group: bool
    storage_account: str
    system: System
    communicator: Communicator
    subnet_id: str
    bastion: Bastion | None
    identities: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    update_rounds: int
    backend: tuple[tuple[str, str], ...]

    @property
    def suffix(self) -> str:
        """What the names in a group of the user's end in."""
        return "" if self.own_group else f"-{self.id[:8]}"


@dataclass(frozen=True)
class Blueprint:
    """A whole build.

    `vm_size` "" leaves it to the target; `disk_size_gb` 0 keeps the size of the source; `version` is None unless the
    template fixes it; `azure` is None on the local target.
    """

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
    source_validation_only: bool
    version: str | None
    versioning: Versioning
    azure: Azure | None = None
