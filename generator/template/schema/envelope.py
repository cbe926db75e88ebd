"""The resource around it all (FORMAT.md 1.1, 1.2)."""

from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from generator.template.schema.base import Section, Switch, Tags
from generator.template.schema.customize import Customizer
from generator.template.schema.distribute import Distributor
from generator.template.schema.profile import DataDisk, ErrorHandling, Optimize, VmProfile
from generator.template.schema.source import Source
from generator.template.schema.validate import Validate

ReadOnly = Any
ForDeployments = Any


class UserIdentity(Section):
    """An identity of the template; both ids are read-only."""

    principal_id: str | None = None
    client_id: str | None = None


class Identity(Section):
    """The identity that the service used to reach things."""

    type: Literal["UserAssigned", "None"] | None = None
    user_assigned_identities: dict[str, UserIdentity] = Field(default_factory=dict)


class Plain(Section):
    """Those of the properties that are plain values."""

    build_timeout_in_minutes: int = Field(default=0, ge=0, le=960)
    staging_resource_group: str | None = None


class Tagged(Section):
    """Those of the properties that are tags: read by themselves, as far as rules look at them."""

    managed_resource_tags: Tags = Field(default_factory=dict)


class Properties(Plain):
    """What is built. The last four are read-only: exported templates have them."""

    source: Source
    customize: Annotated[tuple[Customizer, ...], Strict(False)] = ()
    optimize: Optimize | None = None
    validate_: Validate = Field(default_factory=Validate, alias="validate")
    distribute: Annotated[tuple[Distributor, ...], Strict(False)]
    error_handling: ErrorHandling = Field(default_factory=ErrorHandling)
    vm_profile: VmProfile = Field(default_factory=VmProfile)
    auto_run: Switch | None = None
    managed_resource_tags: Tags = Field(default_factory=dict)
    additional_data_disks: Annotated[tuple[DataDisk, ...], Strict(False)] = ()
    exact_staging_resource_group: ReadOnly = None
    provisioning_state: ReadOnly = None
    provisioning_error: ReadOnly = None
    last_run_status: ReadOnly = None


class Envelope(Section):
    """What stands around `properties`.

    `id` and `systemData` are read-only. The last six have a meaning in deployment templates, and none here; `$schema`
    is for editors.
    """

    type: str | None = None
    api_version: str | None = None
    name: str | None = None
    location: str | None = None
    tags: Tags = Field(default_factory=dict)
    identity: Identity | None = None
    id: ReadOnly = None
    system_data: ReadOnly = None
    comments: ForDeployments = None
    condition: ForDeployments = None
    copy_: ForDeployments = Field(default=None, alias="copy")
    depends_on: ForDeployments = None
    scope: ForDeployments = None
    schema_: ForDeployments = Field(default=None, alias="$schema")


class ImageTemplate(Envelope):
    """An image template as a plain resource body."""

    properties: Properties
