"""Whether an Azure build could begin, and what to do about the rest."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from generator.azure import ids, permissions
from generator.azure.auth.errors import told
from generator.azure.session import SUBSCRIPTIONS_VERSION, Session, connect
from generator.azure.sizes import default_size
from generator.azure.sources import TERMS_VERSION, Resolved, accepting, plan_text, resolve, terms_path
from generator.errors import ImagegenError, InvalidTemplate, to_paste
from generator.workspace.blueprint import Azure, Blueprint

PROVIDERS = ("Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `advice`: what to do when it is not ok, "" when there is nothing to do."""

    name: str
    ok: bool
    advice: str = ""


def check(settings_subscription: str = "", blueprint: Blueprint | None = None) -> list[Check]:
    """All checks, with a blueprint also those of its source, destinations, size and places. It never raises for what
    a user can cause: that is a check that is not ok."""
    checks: list[Check] = []
    session: Session | None = None
    with _noted(checks, "login"):
        session = connect(settings_subscription)
        checks.append(Check(f"login by {session.source}", True))
    if session is None:
        return checks
    with _noted(checks, f"subscription {session.subscription_id}"):
        checks.append(_subscription(session))
    for namespace in PROVIDERS:
        with _noted(checks, f"provider {namespace}"):
            checks.append(_provider(session, namespace))
    if blueprint is None or blueprint.azure is None:
        with _noted(checks, "permissions"):
            scope = f"/subscriptions/{session.subscription_id}"
            checks.append(_permitted(session, "permissions in the subscription", scope, permissions.ACTIONS))
        return checks
    checks += _of_blueprint(session, blueprint, blueprint.azure)
    return checks


@contextmanager
def _noted(checks: list[Check], name: str) -> Iterator[None]:
    """What goes wrong inside becomes checks that are not ok."""
    try:
        with told(name):
            yield
    except InvalidTemplate as error:
        for problem in error.problems:
            checks.append(Check(f"{name} {problem.path}: {problem.message}", False, problem.hint or ""))
    except ImagegenError as error:
        checks.append(
            Check(error.message if name in error.message else f"{name}: {error.message}", False, error.hint or "")
        )


def _subscription(session: Session) -> Check:
    found = session.arm("GET", f"/subscriptions/{session.subscription_id}", SUBSCRIPTIONS_VERSION)
    shown = f"subscription {found.get('displayName') or session.subscription_id}"
    state = found.get("state", "Enabled")
    return Check(shown, state == "Enabled", "" if state == "Enabled" else f"its state is {state}")


def _provider(session: Session, namespace: str) -> Check:
    state = session.resources().providers.get(namespace).registration_state
    ok = state == "Registered"
    return Check(
        f"provider {namespace}", ok, "" if ok else to_paste("az", "provider", "register", "--namespace", namespace)
    )


def _permitted(session: Session, name: str, scope: str, needed: Iterable[str]) -> Check:
    lacking = permissions.missing(session, scope, needed)
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    advice = f"{', '.join(lacking[:3])}{more} on {scope}: see examples/roles" if lacking else ""
    return Check(name, not lacking, advice)


def _of_blueprint(session: Session, blueprint: Blueprint, azure: Azure) -> list[Check]:
    from generator.azure import destinations  # noqa: PLC0415 - only with a template

    checks: list[Check] = []
    for name, scope, needed in _places(session, blueprint, azure):
        with _noted(checks, name):
            checks.append(_permitted(session, name, scope, needed))
    found: Resolved | None = None
    with _noted(checks, "source"):
        found = resolve(session, blueprint.source, azure.location)
        checks.append(Check(f"source {found.exact}", True))
    if found is None:
        return checks
    if found.plan:
        with _noted(checks, "terms"):
            checks.append(_terms(session, found))
    security = "Standard"
    with _noted(checks, "destination"):
        security = destinations.check(session, blueprint, found, azure.location).security
        checks.append(Check("destinations", True))
    size = blueprint.vm_size or default_size(found.generation, found.architecture, security)
    with _noted(checks, f"size {size}"):
        checks += _size(session, size, azure.location, found, security)
    return checks


def _places(session: Session, blueprint: Blueprint, azure: Azure) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Where a build needs rights: what for, the scope, and the actions there."""
    build = f"/subscriptions/{azure.subscription_id or session.subscription_id}"
    needed = partial(permissions.needed, blueprint, azure)
    yield "permissions to look things up", build, needed("subscription")
    if azure.own_group:
        yield "permissions to make the staging group", build, needed("staging")
    else:
        yield "permissions in the staging group", f"{build}/resourceGroups/{azure.group}", needed("staging")
    if azure.subnet_id:
        yield "permissions on the subnet", azure.subnet_id, needed("subnet")
    for identity in azure.identities:
        yield f"permissions on the identity {ids.name(identity)}", identity, needed("identity")
    if from_source := needed("source"):
        yield "permissions on the source", ids.without_version(blueprint.source.id), from_source
    for destination in blueprint.destinations:
        if destination.kind == "SharedImage":
            yield f"permissions on {destination.name}", destination.resource, needed("gallery")
        elif destination.kind == "ManagedImage":
            group = destination.resource.lower().partition("/providers/")[0]
            yield f"permissions on {destination.name}", group, needed("managed image")
        # The address of a blob does not tell where its account is: `destinations` tries to write instead.
    backend = dict(azure.backend)
    if {"resource_group_name", "storage_account_name"} <= set(backend):
        scope = f"/subscriptions/{backend['subscription_id']}" if "subscription_id" in backend else build
        account = f"{scope}/resourceGroups/{backend['resource_group_name']}/providers/{permissions.STORAGE}"
        yield "permissions on the Terraform state", f"{account}/{backend['storage_account_name']}", needed("state")


def _terms(session: Session, found: Resolved) -> Check:
    assert found.plan is not None  # noqa: S101 - asked for one only
    plan = found.plan
    accepted = session.arm("GET", terms_path(session, plan), TERMS_VERSION).get("properties", {}).get("accepted")
    return Check(f"terms of {plan_text(plan)}", bool(accepted), "" if accepted else accepting(plan))


def _size(session: Session, size: str, location: str, found: Resolved, security: str) -> Iterator[Check]:
    """Whether the region has the size, whether it suits the image, and whether the quota has room for it."""
    listed = session.compute().resource_skus.list(filter=f"location eq '{ids.region(location)}'")
    sku: Any = next((each for each in listed if ids.same(each.name or "", size)), None)
    choose = to_paste(
        "az", "vm", "list-skus", "--location", location, "--resource-type", "virtualMachines", "--output", "table"
    )
    if sku is None:
        yield Check(f"size {size} is not in {location}", False, choose)
        return
    barred = [each for each in sku.restrictions or () if ids.text(each.type).lower() == "location"]
    can = {each.name: each.value or "" for each in sku.capabilities or ()}
    if barred:
        yield Check(f"size {size} is not open to this subscription in {location}", False, choose)
    if reason := _unsuited(can, found, security):
        yield Check(f"size {size} {reason}", False, choose)
    elif not barred:
        yield Check(f"size {size} in {location}", True)
    yield from _quota(session, location, ids.text(sku.family), int(can.get("vCPUs") or 0))


def _unsuited(can: Mapping[str, str], found: Resolved, security: str) -> str:
    """Why a size cannot run a machine of the source."""
    if found.generation not in can.get("HyperVGenerations", "V1,V2").split(","):
        return f"cannot run images of generation {found.generation}"
    if can.get("CpuArchitectureType", "x64").lower() != found.architecture.lower():
        return f"cannot run {found.architecture} images"
    if security == "TrustedLaunch" and can.get("TrustedLaunchDisabled", "").lower() == "true":
        return "cannot do Trusted Launch"
    return ""


def _quota(session: Session, location: str, family: str, cores: int) -> Iterator[Check]:
    """Whether the quotas of the size's family, and of all, have as many cores left."""
    usages = {(each.name.value or "").lower(): each for each in session.compute().usage.list(ids.region(location))}
    for name in (family.lower(), "cores"):
        if (usage := usages.get(name)) is not None:
            left = usage.limit - usage.current_value
            enough = left >= cores
            advice = "" if enough else "ask for more at https://aka.ms/azquota, or choose another `vmSize`"
            yield Check(
                f"quota {usage.name.localized_value or name}: {left} cores left, {cores} needed", enough, advice
            )
