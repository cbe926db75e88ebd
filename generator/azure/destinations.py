"""Where images go: whether they can, and which way they take. All problems are found before anything is made.

The rules are FACTS.md 4, 10, 15 and 16. Azure itself would refuse the same at the end of the build.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from generator.azure import blobs, ids
from generator.azure.auth.errors import as_told, told, unless_missing
from generator.azure.session import Session
from generator.azure.sources import Resolved, plan_text, same_plan
from generator.errors import ImagegenError, InvalidTemplate, Problem, to_paste
from generator.workspace.azure import WORKSPACE_TAG
from generator.workspace.blueprint import Azure, Blueprint, Destination, Plan

Security = Literal["Standard", "TrustedLaunch"]
FOUND_IN = "template.json"


@dataclass(frozen=True)
class Route:
    """Which way the images take.

    security: what the build machine is; image_for: the outputs whose gallery versions are made from a managed image in
    staging, not from the machine; validate_by: what the validation machine starts from (`source`: nothing is built);
    generation and architecture: of the machine, as the throw-away gallery must have them.
    """

    security: Security
    image_for: tuple[str, ...]
    validate_by: Literal["image", "gallery", "source"]
    generation: str
    architecture: str

    @property
    def via_image(self) -> bool:
        """Whether any gallery version takes the way over a managed image."""
        return bool(self.image_for)


@dataclass(frozen=True)
class _Found:
    """What the checks found: of each gallery destination its definition's SecurityType, in lower case."""

    security: dict[str, str]
    problems: list[Problem]

    def refuse(self, destination: Destination, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(FOUND_IN, 0, 0, destination.name, message, hint))


def check(session: Session, blueprint: Blueprint, resolved: Resolved, location: str) -> Route:
    """The way that the images of this build take. Raises InvalidTemplate with all that is wrong with destinations."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - heavy

    azure = blueprint.azure
    assert azure is not None  # noqa: S101 - only the Azure target comes here
    found = _Found({}, [])
    for destination in blueprint.destinations:
        try:
            match destination.kind:
                case "SharedImage":
                    _check_gallery(session, destination, resolved, ids.region(location), found)
                case "ManagedImage":
                    _check_managed(session, destination, resolved, azure, found)
                case "VHD":
                    _check_blob(session, destination, azure, found)
        except AzureError as error:
            said = as_told(f"looking at {destination.resource}", error)
            found.refuse(destination, said.message, said.hint)
        except ImagegenError as error:
            found.refuse(destination, error.message, error.hint)
    route = _route(blueprint, resolved, found)
    if found.problems:
        raise InvalidTemplate(found.problems)
    return route


def _check_gallery(session: Session, destination: Destination, resolved: Resolved, region: str, found: _Found) -> None:
    compute = session.compute(ids.subscription(destination.resource))
    names = ids.parts(destination.resource)
    group, gallery, definition = names["resourcegroups"], names["galleries"], names["images"]
    image: Any = unless_missing(lambda: compute.gallery_images.get(group, gallery, definition))
    if image is None:
        exists = unless_missing(lambda: compute.galleries.get(group, gallery))
        make = _definition_command(group, gallery, definition, resolved)
        first = "" if exists else to_paste("az", "sig", "create", "-g", group, "-r", gallery) + " && "
        missing = (
            f"image definition {definition} in the gallery {gallery}" if exists else f"gallery {gallery} in {group}"
        )
        found.refuse(destination, f"there is no {missing}", first + make)
        return
    facts = image.properties
    found.security[destination.name] = _security(facts)
    for what, has, needs in _differences(facts, resolved):
        found.refuse(
            destination, f"the definition {definition} is for {what} {has}, the source has {needs}",
            f"name another definition, or make one: {_definition_command(group, gallery, 'NAME', resolved)}",
        )  # fmt: skip
    if destination.regions and region not in {ids.region(each.name) for each in destination.regions}:
        found.refuse(
            destination, f"the build's region {region} is not among the regions of the version, as Azure wants it",
            f'add {{"name": "{region}"}} to targetRegions',
        )  # fmt: skip


def _differences(facts: Any, resolved: Resolved) -> Iterator[tuple[str, str, str]]:
    """What a definition has otherwise than the source: what, its own, the source's."""
    plan = facts.purchase_plan
    its_plan = Plan(plan.name, plan.product or "", plan.publisher or "") if plan and plan.name else None
    pairs = [
        ("the system", ids.text(facts.os_type), resolved.system.capitalize()),
        ("images that are", ids.text(facts.os_state), "Generalized"),
        ("generation", ids.text(facts.hyper_v_generation) or "V1", resolved.generation),
        ("architecture", ids.text(facts.architecture) or "x64", resolved.architecture),
    ]
    yield from ((what, has, needs) for what, has, needs in pairs if has.lower() != needs.lower())
    if not same_plan(its_plan, resolved.plan):
        yield "the purchase plan", plan_text(its_plan), plan_text(resolved.plan)


def _check_managed(session: Session, destination: Destination, resolved: Resolved, azure: Azure, found: _Found) -> None:
    group, name = ids.group(destination.resource), ids.name(destination.resource)
    if resolved.architecture == "Arm64":
        found.refuse(destination, "Azure makes no managed image of an Arm64 machine", "distribute to a gallery")
    if destination.location and ids.region(destination.location) != ids.region(azure.location):
        found.refuse(
            destination, f"a managed image is made in the build's region {azure.location}, not {destination.location}",
            "build in that region, or distribute to a gallery with both regions",
        )  # fmt: skip
    if not ids.same(ids.subscription(destination.resource), session.subscription_id):
        found.refuse(
            destination, f"a managed image is made in the build's subscription {session.subscription_id}",
            "build in the image's subscription, or distribute to a gallery",
        )  # fmt: skip
        return
    if not unless_missing(lambda: session.resources().resource_groups.get(group)):
        found.refuse(
            destination,
            f"there is no resource group {group}",
            to_paste("az", "group", "create", "-n", group, "-l", azure.location),
        )
        return
    there: Any = unless_missing(lambda: session.compute().images.get(group, name))
    if there is not None and (there.tags or {}).get(WORKSPACE_TAG) != azure.id:
        found.refuse(
            destination, f"a managed image {name} exists that this workspace did not make", "name another, or delete it"
        )


def _check_blob(session: Session, destination: Destination, azure: Azure, found: _Found) -> None:
    if not destination.resource:
        found.refuse(
            destination, "the distributor names no address", 'add "uri": "https://ACCOUNT.blob.core.windows.net/…"'
        )
        return
    container = blobs.container(session, destination.resource)
    if unless_missing(container.get_container_properties) is None:
        account = (container.account_name or "").strip("/")
        found.refuse(
            destination, f"there is no container {container.container_name} in {account}",
            to_paste(
                "az", "storage", "container", "create", "--auth-mode", "login", "--account-name", account,
                "-n", container.container_name,
            ),
        )  # fmt: skip
        return
    blob = blobs.blob(session, destination.resource)
    there = unless_missing(blob.get_blob_properties)
    if there is not None and not blobs.is_ours(there, azure.id):
        found.refuse(
            destination,
            f"a blob {blob.blob_name} exists that this workspace did not make",
            "name another, or delete it",
        )
    # A block that is never committed shows whether we may write, and leaves nothing that anybody can see.
    container.get_blob_client(f"{blob.blob_name}.check").stage_block("0000", b"0")


def _route(blueprint: Blueprint, resolved: Resolved, found: _Found) -> Route:
    """The way of each image, and refusals of what cannot go together (FACTS.md 4)."""
    trusted = "trustedlaunch" in found.security.values()
    security: Security = "TrustedLaunch" if trusted else "Standard"
    if blueprint.azure and blueprint.azure.system != resolved.system:
        said = f"the source is a {resolved.system} image, its steps are for {blueprint.azure.system}"
        found.problems.append(Problem(FOUND_IN, 0, 0, "properties.source", said))
    image_for = []
    for destination in blueprint.destinations:
        kind = found.security.get(destination.name, "")
        if problem := _unfit(destination, kind, security, resolved):
            found.refuse(destination, *problem)
        if kind.endswith("supported"):
            image_for.append(destination.name)
    by_gallery = trusted or resolved.architecture == "Arm64"
    return Route(
        security=security, image_for=tuple(image_for), generation=resolved.generation,
        validate_by="source" if blueprint.source_validation_only else "gallery" if by_gallery else "image",
        architecture=resolved.architecture,
    )  # fmt: skip


def _unfit(destination: Destination, kind: str, security: Security, resolved: Resolved) -> tuple[str, str] | None:
    """Why an image of such a machine cannot go to this destination, and what to do."""
    if kind == "confidentialvm":
        return "its definition is for confidential machines, which imagegen does not build", "name another definition"
    if security not in resolved.security_types and (kind == "trustedlaunch" or security == "Standard"):
        return (
            f"the source is for machines that are {' or '.join(sorted(resolved.security_types))}, not {security}",
            "name another source or definition",
        )
    if security == "TrustedLaunch" and kind != "trustedlaunch":
        what = destination.kind if destination.kind != "SharedImage" else "a definition of another security type"
        return (
            f"another destination has the security type TrustedLaunch: such a machine cannot go to {what}",
            "use a definition with SecurityType=TrustedLaunchSupported for both, or two templates",
        )
    if kind.endswith("supported") and resolved.architecture == "Arm64":
        return (
            "its definition's security type needs a managed image, and Arm64 machines have none",
            "use a definition with SecurityType=TrustedLaunch, or without one",
        )
    return None


def _definition_command(group: str, gallery: str, name: str, resolved: Resolved) -> str:
    """The command that makes a fitting image definition."""
    features = ["--features", "SecurityType=TrustedLaunchSupported"] if _wants_trust(resolved) else []
    plan = resolved.plan
    bought = (
        ["--plan-name", plan.name, "--plan-product", plan.product, "--plan-publisher", plan.publisher] if plan else []
    )
    return to_paste(
        "az", "sig", "image-definition", "create", "-g", group, "-r", gallery, "-i", name,
        "-p", "PUBLISHER", "-f", "OFFER", "-s", "SKU", "--os-type", resolved.system.capitalize(),
        "--os-state", "Generalized", "--hyper-v-generation", resolved.generation,
        "--architecture", resolved.architecture, *features, *bought,
    )  # fmt: skip


def _wants_trust(resolved: Resolved) -> bool:
    return "TrustedLaunch" in resolved.security_types and resolved.architecture == "x64"


def _security(facts: Any) -> str:
    """A definition's SecurityType in lower case; "" without one, and for `Standard`."""
    said = next((each.value for each in facts.features or () if (each.name or "").lower() == "securitytype"), "")
    return "" if (said or "").lower() in ("standard", "none") else said.lower()


@dataclass(frozen=True)
class Existing:
    """A version that is in a gallery, whoever made it. `state` is Azure's: Creating, Succeeded, Failed, …"""

    state: str
    tags: dict[str, str] = field(default_factory=dict)


def existing_versions(session: Session, destination: Destination) -> dict[str, Existing]:
    """The versions of a gallery destination by number; none for the other kinds, which have no versions."""
    if destination.kind != "SharedImage":
        return {}
    return {
        str(each.name): Existing(ids.text(each.properties.provisioning_state), dict(each.tags or {}))
        for each in list_versions(session, destination)
    }


def list_versions(session: Session, destination: Destination) -> list[Any]:
    """The versions of a gallery's definition, as the SDK shows them; none where there is no such definition."""
    names = ids.parts(destination.resource)
    where = (names["resourcegroups"], names["galleries"], names["images"])
    versions = session.compute(names["subscriptions"]).gallery_image_versions
    with told(f"listing the versions of {destination.resource}"):
        return unless_missing(lambda: list(versions.list_by_gallery_image(*where))) or []


def occupied(session: Session, destinations: Iterable[Destination], workspace: str) -> dict[str, bool]:
    """The versions that any of the galleries has; True: by its tags one is of this workspace."""
    found = [pair for each in destinations for pair in existing_versions(session, each).items()]
    ours = {version for version, existing in found if existing.tags.get(WORKSPACE_TAG) == workspace}
    return {version: version in ours for version, _ in found}
