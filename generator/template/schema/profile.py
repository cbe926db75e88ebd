"""`properties.vmProfile` and what else shapes the build (FORMAT.md 1.2, 1.7, 1.10)."""

from typing import Literal

from pydantic import Field

from generator.template.schema.base import Count, Section, State, Strings, Switch

OnError = Literal["cleanup", "abort"]


class VnetConfig(Section):
    """The user's own network. The last three: a preview of 2020-02-14 (FORMAT.md 1.11)."""

    subnet_id: str | None = None
    container_instance_subnet_id: str | None = None
    proxy_vm_size: str = ""
    name: str | None = None
    subnet_name: str | None = None
    resource_group_name: str | None = None


class VmProfile(Section):
    """The build machine; `os_disk_size_gb` 0 means the size of the source, `vm_size` "" a default."""

    vm_size: str = ""
    os_disk_size_gb: Count = Field(default=0, alias="osDiskSizeGB")
    user_assigned_identities: Strings = ()
    vnet_config: VnetConfig | None = None


class ErrorHandling(Section):
    """Whether the machine is kept after an error."""

    on_customizer_error: OnError = "cleanup"
    on_validation_error: OnError = "cleanup"


class Workload(Section):
    """`optimize.workload`: 2025-10-01."""

    state: State = "Disabled"
    script_uri: str | None = None
    sha256_checksum: str = Field(default="", alias="sha256Checksum")


class Optimize(Section):
    """Optimisations that only the service has (2.7)."""

    vm_boot: Switch | None = None
    workload: Workload | None = None


class DataDisk(Section):
    """`additionalDataDisks[]`: 2025-10-01."""

    size_gb: Count = Field(default=0, alias="sizeGB")
