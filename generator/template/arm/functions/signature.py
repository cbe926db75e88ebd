"""What a function takes, written once: it is checked against and shown to people."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from generator.template.arm.bounds import ExpressionError
from generator.template.arm.values import a_kind, kind

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
PARAMETER = re.compile(r"(\.\.\.)?(\w+): ([\w|]+)(\?)?")


class Parameter(NamedTuple):
    """A parameter: its name, the types it takes, whether it may lack, whether it stands for any number of them."""

    name: str
    kinds: frozenset[str]
    optional: bool
    rest: bool


@dataclass(frozen=True)
class Function:
    """A function of the language. A `scoped` one gets the scope first; a `light` one costs the same for all sizes."""

    name: str
    takes: str
    parameters: tuple[Parameter, ...]
    body: Callable[..., Any]
    scoped: bool
    light: bool

    def check(self, arguments: list[Any]) -> None:
        """Raises ExpressionError when the number or the types of the arguments are wrong."""
        hint = f"it takes ({self.takes})"
        rest = bool(self.parameters) and self.parameters[-1].rest
        least = sum(not one.optional and not one.rest for one in self.parameters)
        if len(arguments) < least or (len(arguments) > len(self.parameters) and not rest):
            raise ExpressionError(f"`{self.name}` does not take {_arguments(len(arguments))}", hint)
        for index, value in enumerate(arguments):
            wanted = self.parameters[min(index, len(self.parameters) - 1)].kinds
            if kind(value) not in wanted and ("any" not in wanted or callable(value)):
                which = ORDINALS[index] if index < len(ORDINALS) else f"{index + 1}th"
                raise ExpressionError(f"the {which} argument of `{self.name}` is {a_kind(value)}", hint)


Table = dict[str, Function]
Body = TypeVar("Body", bound=Callable[..., Any])


def define(table: Table, signature: str, *, scoped: bool = False, light: bool = False) -> Callable[[Body], Body]:
    """Put a function into a table under a signature such as `substring(text: string, start: int?, length: int?)`."""
    name, _, takes = signature.removesuffix(")").partition("(")
    parameters = tuple(
        Parameter(found[2], frozenset(found[3].split("|")), bool(found[4]), bool(found[1]))
        for found in PARAMETER.finditer(takes)
    )

    def put(body: Body) -> Body:
        table[name.lower()] = Function(name, takes, parameters, body, scoped, light)
        return body

    return put


def _arguments(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}"
