"""What an image starts from: found in Azure, and resolved to one exact version."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from generator.azure import ids
from generator.azure.auth.errors import told, unless_missing
from generator.azure.session import Session
from generator.errors import ImagegenError, to_paste
from generator.workspace.blueprint import Plan, Source, System

Generation = Literal["V1", "V2"]
Architecture = Literal["x64", "Arm64"]
TERMS_VERSION = "2021-01-01"  # of Microsoft.MarketplaceOrdering
# The value of the feature SecurityType => what a machine of such an image may be (Microsoft, "Trusted Launch for Azure
# virtual machines" and "Azure Compute Gallery" image definitions). Without the feature: a standard machine.
SECURITY = {
    "": {"Standard"},
    "standard": {"Standard"},
    "trustedlaunchsupported": {"Standard", "TrustedLaunch"},
    "trustedlaunch": {"TrustedLaunch"},
    "confidentialvmsupported": {"Standard", "ConfidentialVM"},
    "confidentialvm": {"ConfidentialVM"},
    "trustedlaunchandconfidentialvmsupported": {"Standard", "TrustedLaunch", "ConfidentialVM"},
}


@dataclass(frozen=True)
class Resolved:
    """A source that was found.

    exact: `publisher:offer:sku:version`, or the id with its version; id: what a machine is made from, "" for a
    marketplace image; security_types: what such a machine may be; disk_size_gb: 0 where Azure does not tell.
    """

    exact: str
    version: str
    id: str
    system: System
    generation: Generation
    architecture: Architecture
    security_types: frozenset[str]
    plan: Plan | None
    disk_size_gb: int
    features: Mapping[str, str]


def resolve(session: Session, source: Source, location: str) -> Resolved:
    """The source as it is in Azure today. Raises ImagegenError when it is not there, or not in the build's region."""
    region = ids.region(location)
    with told(f"looking for the source {source}"):
        match source.kind:
            case "PlatformImage":
                return _marketplace(session, source, region)
            case "ManagedImage":
                return _managed(session, source.id, region)
        names = ids.parts(source.id)
        if "sharedgalleries" in names or "communitygalleries" in names:
            return _foreign_gallery(session, source.id, names, region)
        return _gallery(session, source.id, names, region)


def _marketplace(session: Session, source: Source, region: str) -> Resolved:
    images = session.compute().virtual_machine_images
    where = (region, source.publisher, source.offer, source.sku)
    version = source.version
    if version == "latest":
        # All of them: ARM sorts names as text, and 20348.887.220806 is older than 20348.1006.220908.
        listed = unless_missing(lambda: images.list(*where))
        if not listed:
            raise _unknown_image(source, region)
        version = max((each.name for each in listed), key=_numbers)
    found: Any = unless_missing(lambda: images.get(*where, version))
    if found is None:
        raise _unknown_image(source, region)
    image = found.properties
    features = {feature.name: feature.value for feature in image.features or ()}
    plan = image.plan and Plan(image.plan.name, image.plan.product, image.plan.publisher)
    if source.plan and not same_plan(plan, source.plan):
        raise ImagegenError(
            f"the plan of {source} is {plan_text(plan)}, but `planInfo` says {plan_text(source.plan)}",
            "write that plan, or leave planInfo out",
        )
    return Resolved(
        exact=f"{source.publisher}:{source.offer}:{source.sku}:{version}", version=version, id="", plan=plan,
        system=_system(image.os_disk_image.operating_system), generation=_generation(image.hyper_v_generation),
        architecture=_architecture(image.architecture), features=features, security_types=_security(features),
        disk_size_gb=int(image.os_disk_image.get("sizeInGb") or 0),
    )  # fmt: skip


def _managed(session: Session, image_id: str, region: str) -> Resolved:
    if not ids.same(ids.subscription(image_id), session.subscription_id):
        raise ImagegenError(
            f"the managed image {image_id} lies in another subscription than the build ({session.subscription_id})",
            "a managed image serves only its own: build there, or put it into a gallery",
        )
    found: Any = unless_missing(lambda: session.compute().images.get(ids.group(image_id), ids.name(image_id)))
    if found is None:
        raise ImagegenError(
            f"there is no managed image {image_id}",
            to_paste("az", "image", "list", "-g", ids.group(image_id), "-o", "table"),
        )
    if ids.region(found.location) != region:
        raise ImagegenError(
            f"the managed image {ids.name(image_id)} lies in {found.location}, the build in {region}",
            f'write "location": "{found.location}" in the template, or copy the image',
        )
    disk = found.properties.storage_profile.os_disk
    return Resolved(
        exact=found.id, version="", id=found.id, system=_system(disk.os_type), plan=None, features={},
        generation=_generation(found.properties.hyper_v_generation), architecture="x64",
        # Azure makes no Trusted Launch machine of a managed image.
        security_types=frozenset(SECURITY[""]), disk_size_gb=disk.disk_size_gb or 0,
    )  # fmt: skip


def _gallery(session: Session, source_id: str, names: dict[str, str], region: str) -> Resolved:
    compute = session.compute(names.get("subscriptions", ""))
    where = (names["resourcegroups"], names["galleries"], names["images"])
    definition = ids.without_version(source_id)
    image: Any = unless_missing(lambda: compute.gallery_images.get(*where))
    if image is None:
        raise ImagegenError(
            f"there is no image definition {definition}",
            to_paste("az", "sig", "image-definition", "list", "-g", where[0], "-r", where[1], "-o", "table"),
        )
    listed = unless_missing(lambda: list(compute.gallery_image_versions.list_by_gallery_image(*where))) or []
    version: Any = _chosen(listed, names.get("versions", "latest"), lambda each: _fit(each, region))
    if version is None:
        raise _unknown_version(definition, names.get("versions", "latest"), region, [each.name for each in listed])
    if region not in _targets(version):
        raise ImagegenError(
            f"{definition}: version {version.name} has no replica in {region}",
            f"replicate it there, or build in {', '.join(sorted(_targets(version)))}",
        )
    return _of_gallery(version.id, version.name, image.properties, version.properties.storage_profile.os_disk_image)


def _foreign_gallery(session: Session, source_id: str, names: dict[str, str], region: str) -> Resolved:
    """A version that is shared with us directly, or with the world. Both are read by region: what is not there is not
    listed."""
    compute = session.compute()
    community = "communitygalleries" in names
    images: Any = compute.community_gallery_images if community else compute.shared_gallery_images
    versions: Any = compute.community_gallery_image_versions if community else compute.shared_gallery_image_versions
    where = (region, names["communitygalleries" if community else "sharedgalleries"], names["images"])
    definition = ids.without_version(source_id)
    image: Any = unless_missing(lambda: images.get(*where))
    if image is None:
        raise ImagegenError(
            f"there is no image {definition} in {region}", "is it shared with this login, and with that region?"
        )
    listed = unless_missing(lambda: list(versions.list(*where))) or []
    wanted = names.get("versions", "latest")
    version = _chosen(listed, wanted, lambda each: not each.properties.exclude_from_latest)
    if version is None:
        raise _unknown_version(definition, wanted, region, [each.name for each in listed])
    profile = version.properties.storage_profile
    # The one form that azurerm takes, also of an id that tells a subscription and a region.
    _, gallery, name = where
    full = (
        f"/{'communityGalleries' if community else 'sharedGalleries'}/{gallery}/images/{name}/versions/{version.name}"
    )
    return _of_gallery(full, version.name, image.properties, profile and profile.os_disk_image)


def _of_gallery(full_id: str, version: str, image: Any, disk: Any) -> Resolved:
    features = {feature.name: feature.value for feature in image.features or ()}
    plan = image.purchase_plan
    if ids.text(image.os_state).lower() == "specialized":
        raise ImagegenError(
            f"{full_id} is a specialized image: a machine of it gets no build user", "start from a generalized one"
        )
    return Resolved(
        exact=full_id, version=version, id=full_id, features=features, security_types=_security(features),
        plan=Plan(plan.name, plan.product or "", plan.publisher) if plan and plan.name else None,
        system=_system(image.os_type), generation=_generation(image.hyper_v_generation),
        architecture=_architecture(image.architecture), disk_size_gb=(disk and disk.size_in_gb) or 0,
    )  # fmt: skip


def _chosen(listed: Iterable[Any], wanted: str, fit: Callable[[Any], bool]) -> Any:
    """The wanted version, or the highest that fits for `latest`; None when there is none."""
    if wanted.lower() == "latest":
        return max(filter(fit, listed), key=lambda each: _numbers(each.name), default=None)
    return next((each for each in listed if each.name == wanted), None)


def _fit(version: Any, region: str) -> bool:
    """Whether a gallery version is whole, counts as latest, and has a replica in the region."""
    properties, targets = version.properties, _targets(version)
    profile = properties.publishing_profile
    return (
        properties.provisioning_state == "Succeeded"
        and not (profile and profile.exclude_from_latest)
        and region in targets
        and not targets[region].exclude_from_latest
    )


def _targets(version: Any) -> dict[str, Any]:
    """The regions that a gallery version is replicated to."""
    profile = version.properties.publishing_profile
    return {ids.region(each.name): each for each in (profile and profile.target_regions) or ()}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


def _unknown_image(source: Source, region: str) -> ImagegenError:
    return ImagegenError(
        f"the marketplace has no image {source} in {region}",
        to_paste(
            "az", "vm", "image", "list", "-l", region, "-p", source.publisher, "-f", source.offer, "-s", source.sku,
            "--all", "--output", "table",
        ),
    )  # fmt: skip


def accepting(plan: Any) -> str:
    """The command that accepts a publisher's terms."""
    return to_paste(
        "az", "vm", "image", "terms", "accept", "--publisher", plan.publisher, "--offer", plan.product,
        "--plan", plan.name,
    )  # fmt: skip


def _unknown_version(definition: str, wanted: str, region: str, known: list[str]) -> ImagegenError:
    shown = ", ".join(sorted(known, key=_numbers)[-5:])
    return ImagegenError(
        f"{definition} has no version {wanted} in {region}" if wanted != "latest"
        else f"{definition} has no version that is in {region} and counts as latest",
        f"it has {shown}: are they replicated to {region}?" if shown else "it has no version at all",
    )  # fmt: skip


def _system(os_type: Any) -> System:
    return cast(System, ids.text(os_type).lower())


def _generation(said: Any) -> Generation:
    """Azure leaves it out for the first generation."""
    return "V2" if ids.text(said).upper() == "V2" else "V1"


def _architecture(said: Any) -> Architecture:
    return "Arm64" if ids.text(said).lower() == "arm64" else "x64"


def _security(features: Mapping[str, str]) -> frozenset[str]:
    said = {name.lower(): value for name, value in features.items()}.get("securitytype") or ""
    return frozenset(SECURITY.get(said.lower(), {"Standard"}))


def same_plan(one: Plan | None, other: Plan | None) -> bool:
    """Whether two purchase plans are the same; case does not count."""
    return plan_text(one).lower() == plan_text(other).lower()


def plan_text(plan: Plan | None) -> str:
    """A purchase plan on one line."""
    return f"{plan.publisher}:{plan.product}:{plan.name}" if plan else "none"


def terms_path(session: Session, plan: Plan) -> str:
    """Where a plan's terms are, for the build's subscription."""
    return (
        f"/subscriptions/{session.subscription_id}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine"
        f"/publishers/{plan.publisher}/offers/{plan.product}/plans/{plan.name}/agreements/current"
    )


def refuse_unnamed(source: Source, plan: Plan) -> None:
    """Raise ImagegenError for a marketplace image with a plan that the template does not name."""
    if source.plan is None and source.kind == "PlatformImage":
        raise ImagegenError(
            f"{source} has the purchase plan {plan_text(plan)}", "write it as `planInfo` into the template's source"
        )


def accept_terms(session: Session, plan: Plan, ask: Callable[[str], bool]) -> None:
    """See to it that a plan's terms are accepted in the build's subscription; `ask` puts the question to the user.

    Raises ImagegenError when the answer is no. Nothing is accepted without asking.
    """
    path = terms_path(session, plan)
    shown = plan_text(plan)
    with told(f"reading the terms of {shown}"):
        terms = session.arm("GET", path, TERMS_VERSION)
    said = terms.get("properties", {})
    if said.get("accepted"):
        return
    link = said.get("licenseTextLink") or said.get("marketplaceTermsLink") or "the marketplace"
    if not ask(f"{shown} has terms of its publisher ({link}), and may cost money. Accept them?"):
        raise ImagegenError(
            f"the terms of {shown} are not accepted in this subscription",
            accepting(plan),
        )
    with told(f"accepting the terms of {shown}"):
        session.arm("PUT", path, TERMS_VERSION, terms | {"properties": said | {"accepted": True}})
