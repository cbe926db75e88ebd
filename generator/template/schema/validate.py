"""`properties.validate`: what is tried on a machine made from the image (FORMAT.md 1.5)."""

from typing import Annotated

from pydantic import Field, Strict

from generator.template.schema.base import Section
from generator.template.schema.customize import File, PowerShell, Shell

Validator = Annotated[Shell | PowerShell | File, Field(discriminator="type")]


class Validate(Section):
    """The validators, and what their failure means."""

    continue_distribute_on_failure: bool = False
    source_validation_only: bool = False
    in_vm_validations: Annotated[tuple[Validator, ...], Strict(False)] = Field(default=(), alias="inVMValidations")
