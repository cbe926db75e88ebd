"""`properties.distribute[]`: where the image goes (FORMAT.md 1.6)."""

from typing import Annotated, Literal

from pydantic import Field, Strict

from generator.template.schema.base import Int32, Section, Strings, Tags

StorageAccountType = Literal["Standard_LRS", "Standard_ZRS", "Premium_LRS"]


class Target(Section):
    """What every distributor has; `run_output_name` is unique in a template."""

    run_output_name: str
    artifact_tags: Tags = Field(default_factory=dict)


class ManagedImage(Target):
    """A managed image."""

    type: Literal["ManagedImage"]
    image_id: str
    location: str


class TargetRegion(Section):
    """A region that gets copies of a gallery version."""

    name: str
    replica_count: Int32 = Field(default=1, ge=1)
    storage_account_type: StorageAccountType = "Standard_LRS"


class Versioning(Section):
    """How the number of a gallery version is chosen; `major` -1 means unset."""

    scheme: Literal["Latest", "Source"]
    major: Int32 = Field(default=-1, ge=-1)


class SharedImage(Target):
    """A gallery version; `gallery_image_id` may end in `/versions/x.y.z`. `replication_mode`: 2025-10-01."""

    type: Literal["SharedImage"]
    gallery_image_id: str
    replication_regions: Strings | None = None
    target_regions: Annotated[tuple[TargetRegion, ...], Strict(False)] | None = None
    storage_account_type: StorageAccountType | None = None
    exclude_from_latest: bool = False
    versioning: Versioning | None = None
    replication_mode: Literal["Full", "Shallow"] | None = None


class Vhd(Target):
    """A VHD; `uri` is a blob of the user's."""

    type: Literal["VHD"]
    uri: str | None = None


Distributor = Annotated[ManagedImage | SharedImage | Vhd, Field(discriminator="type")]
