"""The image templates of a deployment: found in its resources and in nested deployments, whatever else it deploys."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from generator.errors import InvalidTemplate
from generator.template.arm.body import Builder
from generator.template.arm.bounds import MAX_IMAGE_TEMPLATES, ROUND, ExpressionError
from generator.template.arm.declared import members, section
from generator.template.arm.parts import Template
from generator.template.arm.scope import Run, Scope, inside
from generator.template.arm.values import a_kind, find, spelled
from generator.template.document import Path, Place

IMAGE_TEMPLATES = ("microsoft.virtualmachineimages/imagetemplates", "microsoft.virtualmachineimages")
DEPLOYMENTS = "microsoft.resources/deployments"


class Resource(NamedTuple):
    """A resource as it stands in the file; `symbol` is its name in a template of language version 2.0."""

    value: dict[str, Any]
    place: Place
    path: Path
    symbol: str | None

    @property
    def type(self) -> str:
        """Its type in small letters."""
        return str(find(self.value, "type")).lower()


class Candidate(NamedTuple):
    """An image template that is deployed, and the scope of its expressions."""

    resource: Resource
    scope: Scope


def resources(template: dict[str, Any], place: Place, path: Path) -> Iterator[Resource]:
    """The resources of a template, from its array or its object."""
    key, listed = section(template, "resources")
    named: Iterable[tuple[str | int, Any]] = ()
    if isinstance(listed, dict):
        named = listed.items()
    elif isinstance(listed, list):
        named = enumerate(listed)
    for at, value in named:
        symbol = at if isinstance(at, str) else None
        if isinstance(value, dict) and find(value, "existing") is not True:
            yield Resource(value, inside(place, key, at), (*path, key, at), symbol)


def nested(resource: Resource) -> tuple[dict[str, Any], Place, Path] | None:
    """The template inside a nested deployment, with its place."""
    outer, properties = members(resource.value, "properties")
    inner, template = members(properties, "template")
    if resource.type != DEPLOYMENTS or not template:
        return None
    return template, inside(resource.place, outer, inner), (*resource.path, outer, inner)


def has_image_template(resource: Resource) -> bool:
    """Whether a resource is an image template, or deploys one; nothing is evaluated."""
    if resource.type in IMAGE_TEMPLATES:
        return True
    template = nested(resource)
    return template is not None and any(has_image_template(one) for one in resources(*template))


def is_inner(resource: Resource) -> bool:
    """Whether the expressions of a nested template see only that template."""
    options = members(members(resource.value, "properties")[1], "expressionEvaluationOptions")[1]
    return str(find(options, "scope")).lower() == "inner"


class Search:
    """Looks through a template for image templates that are deployed. `builder` collects what is wrong."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.builder = Builder(run)
        self.found: list[Candidate] = []
        self.left_out = 0
        self.linked = False

    def through(self, scope: Scope, template: dict[str, Any], place: Place, path: Path) -> None:
        """Look through the resources of a template."""
        for resource in resources(template, place, path):
            self.linked |= spelled(members(resource.value, "properties")[1], "templateLink") is not None
            if has_image_template(resource):
                for each in self._rounds(scope, resource):
                    self._look(each, resource)

    def _look(self, scope: Scope, resource: Resource) -> None:
        self.run.meter.spend(ROUND)
        if not self._condition(scope, resource):
            self.left_out += 1
        elif resource.type in IMAGE_TEMPLATES:
            self.found.append(Candidate(resource, scope))
            if len(self.found) > MAX_IMAGE_TEMPLATES:
                raise ExpressionError(f"the deployment has more than {MAX_IMAGE_TEMPLATES} image templates")
        elif template := nested(resource):
            self.through(self._inner(scope, resource, *template) if is_inner(resource) else scope, *template)

    def _rounds(self, scope: Scope, resource: Resource) -> Iterator[Scope]:
        """The scope of each copy of a resource."""
        key = spelled(resource.value, "copy")
        loop = resource.value.get(key or "")
        if not isinstance(loop, dict) or key is None:
            yield scope
            return
        count = self.builder.count(scope, loop, inside(resource.place, key), (*resource.path, key))
        for index in range(count):
            yield scope.in_round(str(find(loop, "name")), index, of_resource=True)

    def _condition(self, scope: Scope, resource: Resource) -> bool:
        key = spelled(resource.value, "condition")
        if key is None:
            return True
        before = len(self.builder.problems)
        value = self.built(scope, resource, key)
        if not isinstance(value, bool) and len(self.builder.problems) == before:
            message = f"a condition is true or false, not {a_kind(value)}"
            self.builder.note([self.run.document.problem((*resource.path, key), message)])
        return value is True

    def built(self, scope: Scope, resource: Resource, key: str) -> Any:
        """The value of a member of a resource; what is wrong with it is noted."""
        return self.builder.value(scope, resource.value[key], inside(resource.place, key), (*resource.path, key))[0]

    def _inner(self, scope: Scope, resource: Resource, template: dict[str, Any], place: Place, path: Path) -> Scope:
        """The scope of a nested template of its own: its parameters are given by the deployment around it."""
        outer, properties = members(resource.value, "properties")
        key, entries = members(properties, "parameters")
        given = {
            name.lower(): self._passed(scope, resource, (outer, key, name), entry) for name, entry in entries.items()
        }
        where = scope.place
        for member, attribute in {
            "name": "deployment",
            "resourceGroup": "group",
            "subscriptionId": "subscription",
        }.items():
            own = spelled(resource.value, member)
            text = self.built(scope, resource, own) if own else None
            where = replace(where, **{attribute: text}) if isinstance(text, str) else where
        return Template(self.run, template, place, path, where, given).scope()

    def _passed(self, scope: Scope, resource: Resource, at: Path, entry: Any) -> Callable[[], Any]:
        """A parameter of a nested deployment, evaluated in the scope around it when it is asked for."""

        def compute() -> Any:
            path = (*resource.path, *at)
            key = spelled(entry, "value") if isinstance(entry, dict) else None
            if key is None:
                message = "the parameter has no `value`; a secret in a Key Vault is not fetched"
                raise InvalidTemplate([self.run.document.problem(path, message, at_key=True)])
            builder = Builder(self.run)
            value, _ = builder.value(scope, entry[key], inside(resource.place, *at, key), (*path, key))
            builder.finish()
            return value

        return compute
