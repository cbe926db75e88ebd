"""Rules of the resource and of `properties` itself."""

import re
from collections.abc import Iterator

from generator.template.rules.base import NAME, NAME_SHAPE, Finding, rule
from generator.template.rules.names import wrong_names, wrong_region
from generator.template.schema import Envelope, Identity, Plain, Validate

PROVIDER = "Microsoft.VirtualMachineImages"
RESOURCE_TYPE = f"{PROVIDER}/imageTemplates"
IDENTITY = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+/?\Z",
    re.IGNORECASE,
)
IDENTITY_SHAPE = (
    "write /subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME"
)
# Both forms of a group's id (see ids.group).
GROUP = re.compile(r"/subscriptions/[^/]+(?:/providers/Microsoft\.Resources)?/resourceGroups/[^/]+/?\Z", re.IGNORECASE)


@rule(Envelope)
def resource_type(template: Envelope) -> Iterator[Finding]:
    """The resource is an image template; people also write just the provider (FORMAT.md 1, 3.2)."""
    if template.type is not None and template.type.lower() not in (RESOURCE_TYPE.lower(), PROVIDER.lower()):
        yield Finding(("type",), "this is not an image template", f"the type is {RESOURCE_TYPE}")


@rule(Envelope)
def resource_name(template: Envelope) -> Iterator[Finding]:
    """Names are letters, digits and `-_.`, at most 64 (FORMAT.md 1.1)."""
    if template.name is not None and not NAME.match(template.name):
        yield Finding(("name",), "the name is not valid", NAME_SHAPE)


@rule(Identity)
def one_identity(identity: Identity) -> Iterator[Finding]:
    """Exactly one user-assigned identity (FORMAT.md 1.1)."""
    at, count = ("userAssignedIdentities",), len(identity.user_assigned_identities)
    if count > 1:
        yield Finding(at, f"there are {count} identities: a template has one", "keep one")
    if identity.type == "UserAssigned" and not count:
        yield Finding(at, "`UserAssigned` needs an identity", IDENTITY_SHAPE + " as a key, with {} as its value")
    if identity.type == "None" and count:
        yield Finding(("type",), "`None` excludes identities", "write UserAssigned")


@rule(Envelope)
def resource_region(template: Envelope) -> Iterator[Finding]:
    """`location` is the name of a region."""
    if template.location is not None:
        yield from wrong_region(("location",), template.location)


@rule(Identity)
def identity_id(identity: Identity) -> Iterator[Finding]:
    """An identity is named by its id. It has no effect here, so this only warns."""
    for key in identity.user_assigned_identities:
        at = ("userAssignedIdentities", key)
        if not IDENTITY.match(key):
            yield Finding(at, "not the id of a user-assigned identity", IDENTITY_SHAPE, "warning")


@rule(Plain)
def timeout(properties: Plain) -> Iterator[Finding]:
    """0 means 240; 1 to 5 fail at the service (FORMAT.md 1.2)."""
    if 1 <= properties.build_timeout_in_minutes <= 5:
        hint = "6 is the least that works there; 0 means 240"
        yield Finding(("buildTimeoutInMinutes",), "Azure Image Builder fails with 1 to 5 minutes", hint, "warning")


@rule(Plain)
def staging_group(properties: Plain) -> Iterator[Finding]:
    """`stagingResourceGroup` is the id of a resource group."""
    at, group = ("stagingResourceGroup",), properties.staging_resource_group
    if group and not GROUP.match(group):
        yield Finding(at, "not the id of a resource group", "write /subscriptions/GUID/resourceGroups/NAME")
    elif group:
        yield from wrong_names(at, group)


@rule(Validate)
def something_to_validate(validate: Validate) -> Iterator[Finding]:
    """`sourceValidationOnly` runs the validators on the source (FORMAT.md 2.5): without one it does nothing."""
    if validate.source_validation_only and not validate.in_vm_validations:
        at = ("sourceValidationOnly",)
        yield Finding(at, "there is no validator to run on the source", "add one to inVMValidations", "warning")
