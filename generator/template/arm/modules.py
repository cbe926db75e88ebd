"""Nested deployments, which Bicep writes for modules: what they are given, and what they put out for others.

Source: docs, «Using linked and nested templates when deploying Azure resources»; Bicep's TemplateWriter.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from generator.errors import InvalidTemplate
from generator.template.arm.assumed import Assumptions
from generator.template.arm.body import Builder
from generator.template.arm.bounds import ExhaustedTemplate, ExpressionError
from generator.template.arm.declared import members
from generator.template.arm.parts import Template
from generator.template.arm.resources import DEPLOYMENTS, Resource, is_inner, nested, resources
from generator.template.arm.scope import Scope, inside
from generator.template.arm.values import MISSING, a_kind, find, spelled
from generator.template.document import Path, Place

if TYPE_CHECKING:
    from generator.template.arm.scope import Where

GROUPS = "microsoft.resources/resourcegroups"
WHERE = {"resourceGroup": "group", "subscriptionId": "subscription"}


def inner_scope(scope: Scope, resource: Resource, template: dict[str, Any], place: Place, path: Path) -> Scope:
    """The scope of a nested template of its own: its parameters are given by the deployment around it.

    The same deployment in the same round of its loops has the same scope, so that it is evaluated once.
    """
    key = (id(scope.template), path, tuple(scope.copies.items()))
    known = scope.run.inner.get(key)
    if known is None:
        made = Template(scope.run, template, place, path, _where(scope, resource), _given(scope, resource))
        known = scope.run.inner[key] = made.scope()
    return known


def _where(scope: Scope, resource: Resource) -> "Where":
    """Where a nested deployment goes: what it does not say is as around it."""
    where = scope.place
    if name := spelled(resource.value, "name"):
        where = replace(where, deployment=partial(_built_or_none, scope, resource, name))
    for member, attribute in WHERE.items():
        own = spelled(resource.value, member)
        text = _built_or_none(scope, resource, own) if own else None
        where = replace(where, **{attribute: text}) if isinstance(text, str) else where
    if where.group and where.group != scope.place.group:
        return replace(where, location=_location_of(scope, where.group) or where.location)
    return where


def _location_of(scope: Scope, group: str) -> str | None:
    """The location of a resource group that the same template makes; None where it makes none of this name."""
    template = scope.template
    for resource in resources(template.value, template.place, template.path):
        name, location = spelled(resource.value, "name"), spelled(resource.value, "location")
        if resource.type != GROUPS or not name or not location:
            continue
        if str(_compared(scope, resource, name)).lower() == group.lower():
            found = _built_or_none(scope, resource, location)
            return found if isinstance(found, str) else None
    return None


def _built_or_none(scope: Scope, resource: Resource, *path: str) -> Any:
    """The value of what stands at a path in a resource, None for what cannot be told: it matters only when it is asked
    for."""
    try:
        return _built(scope, resource, *path)
    except ExhaustedTemplate:
        raise
    except InvalidTemplate:
        return None


def _built(scope: Scope, resource: Resource, *path: str) -> Any:
    """The value of what stands at a path in a resource. Raises InvalidTemplate."""
    value: Any = resource.value
    for part in path:
        value = value[part]
    builder = Builder(scope.run)
    built, _ = builder.value(scope, value, inside(resource.place, *path), (*resource.path, *path))
    builder.finish()
    return built


def _compared(scope: Scope, resource: Resource, *path: str) -> Any:
    """The same for what is only compared with others: what is assumed for it does not matter."""
    noted = scope.run.assumed
    scope.run.assumed = Assumptions()
    try:
        return _built_or_none(scope, resource, *path)
    finally:
        scope.run.assumed = noted


def _given(scope: Scope, resource: Resource) -> dict[str, Callable[[], Any]]:
    """The values that a deployment gives its nested template, evaluated in the scope around it when asked for."""
    outer, properties = members(resource.value, "properties")
    key = spelled(properties, "parameters")
    entries = properties.get(key or "")
    at = (outer, str(key))
    if isinstance(entries, str):  # all of them by one expression
        entries = _built(scope, resource, *at)
        found = entries if isinstance(entries, dict) else {}
        return {name.lower(): partial(_value, scope, resource, at, entry) for name, entry in found.items()}
    found = entries if isinstance(entries, dict) else {}
    return {name.lower(): partial(_of_entry, scope, resource, (*at, name), entry) for name, entry in found.items()}


def _of_entry(scope: Scope, resource: Resource, at: tuple[str, ...], entry: Any) -> Any:
    """A parameter of a nested deployment. Bicep writes its entry as `{"value": …}`, as `{"copy": […]}` for a loop that
    makes the value, or, where it may be absent or a secret, as an expression that gives `{"value": …}`."""
    key = spelled(entry, "value") if isinstance(entry, dict) else None
    if key is not None:
        return _built(scope, resource, *at, key)
    return _value(scope, resource, at, _built(scope, resource, *at))


def _value(scope: Scope, resource: Resource, at: tuple[str, ...], entry: Any) -> Any:
    """The `value` of an entry that is evaluated. Raises InvalidTemplate at the place of the entry."""
    value = find(entry, "value") if isinstance(entry, dict) else MISSING
    if value is not MISSING:
        return value
    message, hint = "the parameter has no `value`", 'write {"value": …}'
    if isinstance(entry, dict) and spelled(entry, "reference"):
        message = "the parameter is a secret in a Key Vault, which is not fetched"
        hint = "declare a secure parameter in the template, and pass that"
    elif not isinstance(entry, dict):
        message = f"the parameter is {a_kind(entry)}, not an object with its `value`"
    raise InvalidTemplate([scope.run.document.problem((*resource.path, *at), message, hint, at_key=True)])


def outputs(scope: Scope, named: str) -> dict[str, Callable[[], Any]] | None:
    """What a nested deployment puts out, by name, each evaluated when asked for; None for a name of something else.

    named: its symbolic name, with the index of its round (`mod[0]`), its resource name, or its id. Raises
    ExpressionError for one that its condition leaves out.
    """
    for resource in _deployments(scope):
        for each, symbol in _rounds(scope, resource):
            if _is_named(each, resource, symbol, named):
                return _outputs(each, resource)
    return None


def rounds(scope: Scope, symbol: str) -> list[dict[str, Callable[[], Any]]] | None:
    """The outputs of each round of a loop of deployments, by its symbolic name; None where there is no such loop."""
    for resource in _deployments(scope):
        if (resource.symbol or "").lower() == symbol.lower() and spelled(resource.value, "copy"):
            return [_outputs(each, resource) for each, _ in _rounds(scope, resource)]
    return None


def described(scope: Scope, symbol: str) -> dict[str, Any] | None:
    """Name, type and API version of a resource by its symbolic name; None where there is none."""
    template = scope.template
    for resource in resources(template.value, template.place, template.path, existing=True):
        for each, own in _rounds(scope, resource) if resource.symbol else ():
            if own.lower() == symbol.lower():
                names = {key: spelled(resource.value, key) for key in ("name", "type", "apiVersion")}
                return {key: str(_built(each, resource, name)) for key, name in names.items() if name}
    return None


def _deployments(scope: Scope) -> Iterator[Resource]:
    template = scope.template
    for resource in resources(template.value, template.place, template.path):
        if resource.type == DEPLOYMENTS and nested(resource):
            yield resource


def _rounds(scope: Scope, resource: Resource) -> Iterator[tuple[Scope, str]]:
    """The scope of each round of a resource, and its symbolic name there. Outside of its own loop it is in no other."""
    scope = replace(scope, copies={}, lambdas={}, arguments=None)
    key = spelled(resource.value, "copy")
    loop = resource.value.get(key or "")
    symbol = resource.symbol or ""
    if not isinstance(loop, dict) or key is None:
        yield scope, symbol
        return
    builder = Builder(scope.run)
    count = builder.count(scope, loop, inside(resource.place, key), (*resource.path, key))
    builder.finish()
    for index in range(count):
        yield scope.in_round(str(find(loop, "name")), index, of_resource=True), f"{symbol}[{index}]"


def _is_named(scope: Scope, resource: Resource, symbol: str, named: str) -> bool:
    if resource.symbol is not None and symbol.lower() == named.lower():
        return True
    name = spelled(resource.value, "name")
    if name is None:
        return False
    own = str(_compared(scope, resource, name)).lower()
    return named.lower() == own or named.lower().endswith(f"/{DEPLOYMENTS.rpartition('/')[2]}/{own}")


def _outputs(scope: Scope, resource: Resource) -> dict[str, Callable[[], Any]]:
    """The outputs of a deployment in a round, by their names."""
    condition = spelled(resource.value, "condition")
    if condition and _built(scope, resource, condition) is False:
        raise ExpressionError(f"the deployment `{(resource.symbol or '')[:80]}` is left out: its condition is false")
    found = nested(resource)
    assert found is not None  # noqa: S101 - _deployments looked
    inner = inner_scope(scope, resource, *found) if is_inner(resource) else scope
    template, place, path = found
    key, declared = members(template, "outputs")
    return {name: _output(inner, declared[name], inside(place, key, name), (*path, key, name)) for name in declared}


def _output(scope: Scope, output: Any, place: Place, path: Path) -> Callable[[], Any]:
    """The value of an output, or the array that its loop makes."""

    def compute() -> Any:
        builder = Builder(scope.run)
        key = spelled(output, "value") if isinstance(output, dict) else None
        loop_key = spelled(output, "copy") if isinstance(output, dict) else None
        if key is not None:
            value, _ = builder.value(scope, output[key], inside(place, key), (*path, key))
        elif loop_key is not None and isinstance(output[loop_key], dict):
            loop = {"name": path[-1], **output[loop_key]}
            value, _ = builder.rounds(scope, loop, inside(place, loop_key), (*path, loop_key))
        else:
            raise ExpressionError(f"the output `{str(path[-1])[:80]}` has no `value`")
        builder.finish()
        return value

    return lambda: scope.template.once(f"output {'/'.join(map(str, path))}", compute)
