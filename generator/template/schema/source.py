"""`properties.source`: what the image starts from (FORMAT.md 1.3, 1.12)."""

from typing import Annotated, Literal

from pydantic import Field

from generator.template.schema.base import Section


class PlanInfo(Section):
    """The purchase plan of a marketplace image; all three are required (1.3)."""

    plan_name: str
    plan_product: str
    plan_publisher: str


class PlatformImage(Section):
    """A marketplace image; `version` may be `latest`. `exact_version` is read-only."""

    type: Literal["PlatformImage"]
    publisher: str
    offer: str
    sku: str
    version: str
    plan_info: PlanInfo | None = None
    exact_version: str | None = None


class ManagedImageSource(Section):
    """A generalized managed image."""

    type: Literal["ManagedImage"]
    image_id: str


class SharedImageVersion(Section):
    """A version of a gallery image. `exact_version` is read-only."""

    type: Literal["SharedImageVersion"]
    image_version_id: str
    exact_version: str | None = None


class IsoSource(Section):
    """A Red Hat installation disc: previews only, long closed (1.12)."""

    type: Literal["ISO"]
    source_uri: str
    sha256_checksum: str = Field(alias="sha256Checksum")


Source = Annotated[PlatformImage | ManagedImageSource | SharedImageVersion | IsoSource, Field(discriminator="type")]
