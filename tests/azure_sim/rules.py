"""What Azure refuses. Each rule cites its fact; "ARM" is general knowledge."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.azure_sim.arm_id import GROUPS, ArmId
from tests.azure_sim.contents import Contents, Resource
from tests.azure_sim.errors import CloudError

Body = Mapping[str, Any]
Rule = Callable[[Contents, ArmId, Resource | None, Body], None]
LIMIT_BYTES = 4 * 1024 * 1024
RUN_COMMANDS = 25
ON_MACHINES = ("microsoft.compute/virtualmachines/extensions", "microsoft.compute/virtualmachines/runcommands")


def check_size(body: Body) -> None:
    """azure/FACTS.md 21: a request to ARM is limited to 4 MB."""
    if len(json.dumps(body)) > LIMIT_BYTES:
        raise CloudError(413, "RequestContentTooLarge", "The request content size exceeds the maximum size of 4 MB.")


def check_put(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """Apply the rules for a type to what is asked for."""
    for rule in PUT.get(target.type.lower(), ()):
        rule(contents, target, old, body)


def check_delete(contents: Contents, target: ArmId, record: Resource) -> None:
    """Apply the rules for deleting one resource. A group is not asked for what is in it: it takes everything."""
    if record["type"].lower() in ON_MACHINES:
        _machine_runs(contents, target, record, {})
    if record["type"].lower() in ("microsoft.compute/galleries", "microsoft.compute/galleries/images"):
        _gallery_is_empty(contents, target)
    if record["type"].lower().startswith("microsoft.network/"):
        _not_in_use(contents, target)


def not_found(target: ArmId) -> CloudError:
    """ARM's answer for what is not there."""
    return CloudError(404, "ResourceNotFound", f"The Resource '{target.type}/{target.name}' was not found.")


def _invalid(message: str) -> CloudError:
    return CloudError(400, "InvalidParameter", message)


def _at(body: Body | None, path: str) -> Any:
    """The value at a dotted path below `properties`; None when something on the way is missing."""
    value: Any = (body or {}).get("properties") or {}
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _existing(contents: Contents, resource_id: str) -> Resource:
    """ARM: what is referred to has to exist."""
    record = contents["resources"].get(ArmId(resource_id).key)
    if record is None:
        raise CloudError(404, "NotFound", f"The entity '{resource_id}' was not found.")
    return record  # type: ignore[no-any-return]


def _machine_runs(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """azure/FACTS.md 5: extensions and run commands of a stopped VM cannot be created, changed or deleted."""
    machine = contents["resources"].get(target.parent.key if target.parent else "")
    if machine and machine["state"]["power"] != "running":
        raise CloudError(409, "OperationNotAllowed", "Cannot modify extensions in the VM when the VM is not running.")


def _room_for_a_run_command(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """Azure/azure-docs, "Run scripts in your VM by using managed Run Commands": a machine takes 25 of them."""
    assert target.parent
    known = [one for key, one in contents["resources"].items() if target.parent.holds(key)]
    count = sum(one["type"].lower() == target.type.lower() for one in known)
    if old is None and count >= RUN_COMMANDS:
        raise CloudError(409, "OperationNotAllowed", f"A VM takes {RUN_COMMANDS} run commands.")


def _one_extension_a_handler(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """azure/FACTS.md 8: a machine takes one extension of each handler, so one CustomScript."""
    assert target.parent
    handler = f"{_at(body, 'publisher')}.{_at(body, 'type')}"
    siblings = [
        other
        for key, other in contents["resources"].items()
        if other["type"].lower() == target.type.lower() and key != target.key and target.parent.holds(key)
    ]
    for other in siblings:
        if f"{_at(other, 'publisher')}.{_at(other, 'type')}".lower() == handler.lower():
            message = (
                f"Multiple VMExtensions per handler not supported. VMExtension '{other['name']}' with handler "
                f"'{handler}' already added or specified in input."
            )
            raise CloudError(400, "BadRequest", message)


def _source_stays(path: str) -> Rule:
    """azure/FACTS.md 10 (Azure's answer there is not proven): the source of an image cannot be changed."""

    def rule(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
        before, after = (json.dumps(_at(one, path), sort_keys=True).lower() for one in (old, body))
        if old is not None and before != after:
            raise CloudError(409, "PropertyChangeNotAllowed", f"Changing property '{path}' is not allowed.")

    return rule


def _machine_is_generalized(machine: Resource) -> None:
    """ARM: a machine that was not generalized cannot be captured to a generalized image."""
    if not machine["state"]["generalized"]:
        raise CloudError(409, "OperationNotAllowed", f"The VM '{machine['name']}' is not generalized.")


def _security(definition: Resource | None) -> str:
    features = _at(definition, "features") or []
    return next((one["value"] for one in features if one["name"] == "SecurityType"), "Standard")


def _machine_suits_definition(machine: Resource, definition: Resource | None) -> None:
    """azure/FACTS.md 4: the definition's security type decides which machine can be its source."""
    wanted = _security(definition)
    own = _at(machine, "securityProfile.securityType") or "Standard"
    if wanted.lower().endswith("supported"):
        raise _invalid(
            f"The security type '{wanted}' is not supported for the source id '{machine['id']}'. Currently only "
            "Vhd Blob, User Image and Gallery Image Version sources are supported"
        )
    if own != wanted:
        raise _invalid(f"The security type '{own}' of the source does not match '{wanted}' of the gallery image.")


def _image_suits_definition(image: Resource, definition: Resource | None) -> None:
    """azure/FACTS.md 4 and 10: a managed image carries no Trusted Launch, and its generation is the definition's."""
    wanted = _security(definition)
    if wanted in ("TrustedLaunch", "ConfidentialVM"):
        raise _invalid(f"The security type '{wanted}' is not supported for the source id '{image['id']}'.")
    _same_generation(_at(image, "hyperVGeneration"), definition)


def _same_generation(generation: str | None, definition: Resource | None) -> None:
    """azure/FACTS.md 10: a source of one generation does not go to a definition of the other."""
    wanted = _at(definition, "hyperVGeneration")
    if generation and wanted and generation != wanted:
        raise _invalid(f"The generation '{generation}' of the source does not match '{wanted}' of the gallery image.")


def _same_plan(machine: Resource, definition: Resource | None) -> None:
    """azure/FACTS.md 16: the purchase plan of the definition equals the source's."""
    if (_at(machine, "plan") or None) != (_at(definition, "purchasePlan") or None):
        raise _invalid("The purchase plan of the source does not match that of the gallery image.")


def _version_has_a_source(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """azure/FACTS.md 4, 10 and 16 for the source of a new version: a machine, or an image made of one."""
    definition = contents["resources"].get(target.parent.key if target.parent else "")
    machine_id, image_id = (_at(body, f"storageProfile.source.{name}") for name in ("virtualMachineId", "id"))
    if image_id and "/virtualmachines/" in image_id.lower():  # which is taken too, within a tenant
        machine_id, image_id = image_id, None
    if old is not None:
        return  # the source of a version that stands is no longer needed
    if machine_id:
        machine = _existing(contents, machine_id)
        _machine_suits_definition(machine, definition)
        if _at(definition, "osState") != "Specialized":
            _machine_is_generalized(machine)
        _same_generation(machine["state"]["generation"], definition)
        _same_plan(machine, definition)
    elif image_id:
        _image_suits_definition(_existing(contents, image_id), definition)


def _regions_hold_the_source(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """azure/FACTS.md 16: the regions of a version include the one its source is in, and the version's own."""
    regions = {_region(one["name"]) for one in _at(body, "publishingProfile.targetRegions") or []}
    source_id = _at(body, "storageProfile.source.virtualMachineId") or _at(body, "storageProfile.source.id")
    source = contents["resources"].get(ArmId(source_id).key) if source_id else None
    for region in (body.get("location"), source and source["location"]):
        if region and _region(region) not in regions:
            raise _invalid(f"The replication regions must include the region '{region}' the source VM is located in.")


def _region(name: str) -> str:
    return name.replace(" ", "").lower()


def _image_can_be_made(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """azure/FACTS.md 4 and 10: no managed image of a Trusted Launch or ARM64 machine, nor of the other generation."""
    machine_id = _at(body, "sourceVirtualMachine.id")
    if old is not None or not machine_id:
        return
    machine = _existing(contents, machine_id)
    security = _at(machine, "securityProfile.securityType")
    if security not in (None, "Standard"):
        raise _invalid(
            f"Creation of managed images are not supported for virtual machine with {security} security type."
        )
    if machine["state"]["architecture"] == "Arm64":
        raise _invalid("Managed images are not supported for Arm64 virtual machines.")
    _machine_is_generalized(machine)
    if _at(body, "hyperVGeneration") != machine["state"]["generation"]:
        raise _invalid("The image's hyperVGeneration does not match that of the source virtual machine.")
    if _region(body["location"]) != _region(machine["location"]):
        raise _invalid("A managed image is made in the region of its source virtual machine.")


def _references_exist(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """ARM: the interfaces and the image a machine is made with have to exist."""
    image = _at(body, "storageProfile.imageReference.id")
    if image and image.lower().startswith("/subscriptions/"):
        _existing(contents, image)
    for interface in _at(body, "networkProfile.networkInterfaces") or []:
        _existing(contents, interface["id"])


def _image_is_offered(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """ARM: a marketplace image that is known not to be there makes no machine."""
    image = _at(body, "storageProfile.imageReference") or {}
    name = ":".join(str(image.get(part)) for part in ("publisher", "offer", "sku"))
    known = contents["marketplace"].get(name, {}).get("versions")
    version = image.get("version")
    if old is None and known is not None and (version not in known if version != "latest" else not known):
        raise CloudError(
            404,
            "PlatformImageNotFound",
            f"The platform image '{name}:{version}' is not available. Verify that all fields in the storage profile "
            "are correct.",
        )


def _group_stays(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """ARM: a group does not move."""
    if old is not None and _region(str(body.get("location"))) != _region(old["location"]):
        raise CloudError(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{body.get('location')}'. The Resource group already exists in location "
            f"'{old['location']}'.",
        )


def _one_grant_a_disk(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """ARM: a disk with an active shared access signature takes no second one, nor does a disk of a running machine."""
    if old is not None and old["state"]["until"] > time.time():
        raise CloudError(409, "Conflict", "The disk already has an active shared access signature.")
    disk = contents["resources"].get(target.parent.key if target.parent else "", {})
    machine = contents["resources"].get(str(_at(disk, "managedBy")).lower())
    if machine and machine["state"]["power"] == "running":
        raise CloudError(409, "Conflict", f"The disk is attached to the running VM '{machine['name']}'.")


def _source_is_whole(contents: Contents, target: ArmId, old: Resource | None, body: Body) -> None:
    """ARM: what a disk or snapshot is made of exists, and its copy from another region has ended."""
    creation = _at(body, "creationData") or {}
    source_id = creation.get("sourceResourceId")
    if old is not None or not source_id:
        return
    source = _existing(contents, source_id)
    if source["state"].get("copied_at", 0.0) > contents["now"]:
        raise CloudError(409, "OperationNotAllowed", f"The snapshot '{source['name']}' is still being copied.")
    if creation.get("createOption") == "CopyStart":
        if not _at(body, "incremental"):
            raise _invalid("CopyStart is supported only for incremental snapshots.")
    elif _region(source["location"]) != _region(body["location"]):
        raise _invalid(f"The source '{source_id}' is in region '{source['location']}', not in '{body['location']}'.")


def _gallery_is_empty(contents: Contents, target: ArmId) -> None:
    """ARM: a gallery with images, or an image with versions, is not deleted."""
    if any(target.holds(key) and not record.get("gone_at") for key, record in contents["resources"].items()):
        raise CloudError(409, "CannotDeleteResource", "Can not delete resource before nested resources are deleted.")


def _not_in_use(contents: Contents, target: ArmId) -> None:
    """ARM: what another resource refers to, such as an interface by its machine, is not deleted."""
    for key, other in contents["resources"].items():
        own = key == target.key or target.holds(key)
        text = json.dumps(other["properties"]).lower()
        if not own and not other.get("gone_at") and (f'"{target.key}"' in text or f'"{target.key}/' in text):
            raise CloudError(400, "InUse", f"{target.type} '{target.name}' is in use by '{other['id']}'.")


PUT: dict[str, tuple[Rule, ...]] = {
    GROUPS.lower(): (_group_stays,),
    "microsoft.compute/virtualmachines": (_references_exist, _image_is_offered),
    ON_MACHINES[0]: (_machine_runs, _one_extension_a_handler),
    ON_MACHINES[1]: (_machine_runs, _room_for_a_run_command),
    "microsoft.compute/images": (_image_can_be_made, _source_stays("sourceVirtualMachine")),
    "microsoft.compute/galleries/images/versions": (
        _regions_hold_the_source,
        _version_has_a_source,
        _source_stays("storageProfile.source"),
    ),
    "microsoft.compute/disks": (_source_is_whole,),
    "microsoft.compute/snapshots": (_source_is_whole,),
    "microsoft.compute/disks/grants": (_one_grant_a_disk,),
    "microsoft.compute/snapshots/grants": (_one_grant_a_disk,),
}
