"""Where an expression stands: in which template, in which rounds of loops, inside which lambdas."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from generator.errors import InvalidTemplate
from generator.template.arm.assumed import Assumptions, plain
from generator.template.arm.bounds import MAX_KEPT, ExhaustedTemplate, ExpressionError, Meter, WorkError
from generator.template.arm.inputs import Inputs
from generator.template.arm.syntax import Node, is_expression, parse
from generator.template.arm.values import MISSING, find
from generator.template.document import Document, Path, Place

if TYPE_CHECKING:
    from generator.template.arm.parts import Template

# What stands in a JSON string for one character of its value; not the quote that ends it.
CHARACTER = re.compile(r'\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^"\\]', re.DOTALL)


def inside(place: Place, *path: str | int) -> Place:
    """The place of what stands at a path inside a value."""
    for part in path:
        place = place.inside[part]  # type: ignore[index]
    return place


@dataclass
class Run:
    """What all templates of one file share.

    given: values of expressions from `--set` with their names, by their normal text in small letters; used: the names
    that were asked for; secrets: texts that nobody may see; secure: the names of the parameters that have them;
    disguised: whether these have other values than were given (see disguise.py); inner: the scopes of nested templates;
    assumed: what was answered although nobody said it; evaluates: whether a string is an expression, which in a plain
    resource body is so only where someone surely meant it.
    """

    document: Document
    inputs: Inputs
    given: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)
    used: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    secure: set[str] = field(default_factory=set)
    disguised: bool = False
    guids: int = 0
    trees: dict[str, Node] = field(default_factory=dict)
    kept: int = 0
    inner: "dict[Any, Scope]" = field(default_factory=dict)
    assumed: Assumptions = field(default_factory=Assumptions)
    evaluates: Callable[[str], bool] = is_expression

    def tree(self, text: str) -> Node:
        """The tree of an expression; loops ask for the same ones again. Raises ExpressionError."""
        self.meter.spend(len(text) >> 3)
        known = self.trees.get(text)
        if known is not None:
            return known
        tree = parse(text)
        if self.kept < MAX_KEPT:
            self.kept += len(text)
            self.trees[text] = tree
        return tree

    def located(self, error: ExpressionError, path: Path, place: Place | None, *, at_key: bool = False) -> Exception:
        """An error in the expression at a path, as a problem at its place in the file, inside the string if known."""
        problem = self.document.problem(path, error.message, error.hint, at_key=at_key)
        if place is not None and error.offset is not None:
            start = place.key if at_key else place.start
            line, column = self.document.lines.position(start + self._inside(start, error.offset))
            problem = replace(problem, line=line, column=column)
        return (ExhaustedTemplate if isinstance(error, WorkError) else InvalidTemplate)([problem])

    def _inside(self, start: int, offset: int) -> int:
        """The distance in the file from the quote at `start` to a character of the string's value."""
        at = start + 1
        for _ in range(offset):
            found = CHARACTER.match(self.document.text, at)
            at = found.end() if found else at
        return at - start


@dataclass(frozen=True)
class Where:
    """Who deploys, and where to; None where nobody said it. Of a nested deployment the name is told when asked for."""

    group: str | None
    location: str | None
    subscription: str | None
    tenant: str | None
    deployment: str | Callable[[], Any] | None


@dataclass(frozen=True)
class Scope:
    """The surroundings of an expression. `copies`: rounds of loops by name, the nearest resource loop as ``""``."""

    run: Run
    template: "Template"
    copies: Mapping[str, int] = field(default_factory=dict)
    lambdas: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] | None = None

    @property
    def meter(self) -> Meter:
        """What evaluation may still cost."""
        return self.run.meter

    @property
    def place(self) -> Where:
        """Who deploys, and where to."""
        return self.template.where

    def plain(self, value: Any, text: str) -> Any:
        """A value without assumptions in it, each noted under the text of its expression."""
        return plain(value, text, self.run.assumed)

    def deployed(self, function: str, name: str) -> Any:
        """The outputs of a nested deployment, or for `references` of each round of a loop; None where there is none."""
        from generator.template.arm import modules  # noqa: PLC0415 - which needs scopes

        return modules.rounds(self, name) if function == "references" else modules.outputs(self, name)

    def resource(self, symbol: str) -> dict[str, Any] | None:
        """Name, type and API version of a resource by its symbolic name, None where there is none."""
        from generator.template.arm import modules  # noqa: PLC0415 - which needs scopes

        return modules.described(self, symbol)

    def may_be_given(self, name: str) -> bool:
        """Whether `--set` gives the value of any call of a function."""
        return any(one.startswith(name.lower()) for one in self.run.given)

    def given(self, expression: str) -> Any:
        """The value that `--set` gives an expression, or MISSING."""
        if expression.lower() not in self.run.given:
            return MISSING
        name, value = self.run.given[expression.lower()]
        self.run.used.add(name)
        return value

    def parameter(self, name: str) -> Any:
        """The value of a parameter, or of an argument inside a user-defined function."""
        if self.arguments is None:
            return self.template.parameter(name)
        value = find(self.arguments, name)
        if value is MISSING:
            raise ExpressionError(f"the function has no parameter `{name[:80]}`")
        return value

    def variable(self, name: str) -> Any:
        """The value of a variable."""
        return self.template.variable(name)

    def user_function(self, space: str, name: str, arguments: list[Any]) -> Any:
        """The value of a user-defined function."""
        return self.template.function(space, name, arguments)

    def with_lambda(self, names: dict[str, Any]) -> "Scope":
        """The scope inside a lambda."""
        return replace(self, lambdas={**self.lambdas, **names})

    def in_round(self, loop: str, index: int, *, of_resource: bool = False) -> "Scope":
        """The scope inside a round of a copy loop."""
        plain = index if of_resource else self.copies.get("", index)
        return replace(self, copies={**self.copies, loop: index, "": plain})
