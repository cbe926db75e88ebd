"""The image templates of a deployment: found in its resources and in nested deployments, whatever else it deploys."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from generator.template.arm.body import Builder
from generator.template.arm.bounds import MAX_IMAGE_TEMPLATES, ROUND, ExpressionError
from generator.template.arm.declared import members
from generator.template.arm.modules import inner_scope
from generator.template.arm.resources import IMAGE_TEMPLATES, Resource, has_image_template, is_inner, nested, resources
from generator.template.arm.scope import Run, Scope, inside
from generator.template.arm.values import a_kind, find, spelled
from generator.template.document import Path, Place


class Candidate(NamedTuple):
    """An image template that is deployed, and the scope of its expressions."""

    resource: Resource
    scope: Scope


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
            self.through(inner_scope(scope, resource, *template) if is_inner(resource) else scope, *template)

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
