"""What evaluation may cost. A template cannot hang imagegen or eat the memory, whatever it says."""

from typing import Any

from generator.errors import InvalidTemplate

MAX_EXPRESSION = 24_576  # characters of one expression; Azure Resource Manager's own limit
MAX_NESTING = 100  # calls inside each other in one expression
MAX_LEVELS = 200  # evaluations inside each other: 1 for a call or lambda, DEFINITION for what it leads to
DEFINITION = 3  # a variable, a default value or a user-defined function; it takes more of the stack
MAX_COPIES = 800  # Azure Resource Manager's own limit
MAX_IMAGE_TEMPLATES = 800  # in one deployment, to choose from; Azure Resource Manager's limit of resources
MAX_RANGE = 10_000  # Azure Resource Manager's own limit
MAX_TEXT = 1_000_000  # characters of one computed text
MAX_NODES = 100_000  # values inside one computed value
MAX_CHARACTERS = 4_000_000  # of all texts inside one computed value
MAX_DEPTH = 100  # levels of one computed value
MAX_WORK = 1_200_000  # units of one template: one for each value looked at, CALL for each call; about a second
MAX_PROBLEMS = 50
MAX_KEPT = 500_000  # characters of expressions whose trees are kept for another time
CALL = 5
ROUND = 20  # for each copy of a resource that is looked through
VALUE = 2  # for each value that is built; it takes more memory than looking at one


class ExpressionError(Exception):
    """An expression that cannot be evaluated. `offset` is the place inside its text, None where the caller knows it."""

    def __init__(self, message: str, hint: str | None = None, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset


class WorkError(ExpressionError):
    """The whole template costs too much; going on would only cost more."""


class ExhaustedTemplate(InvalidTemplate):
    """A WorkError with its place: ends the evaluation, where other problems are collected."""


class Meter:
    """Counts the work of one evaluation, and the levels it stands in."""

    def __init__(self) -> None:
        self.left = MAX_WORK
        self.level = 0

    def spend(self, units: int) -> None:
        """Count units of work. Raises WorkError when there were too many."""
        self.left -= units
        if self.left < 0:
            raise WorkError(f"the template takes more than {MAX_WORK:,} steps to evaluate", "make its loops smaller")

    def enter(self, levels: int = 1) -> None:
        """Go down; `leave` goes up again. Raises ExpressionError, and stays, when it is too deep."""
        if self.level + levels > MAX_LEVELS:
            raise ExpressionError("the evaluation stands too deep inside others", f"{MAX_LEVELS} levels are allowed")
        self.level += levels

    def leave(self, levels: int = 1) -> None:
        """Go up again."""
        self.level -= levels

    def weigh(self, value: Any) -> None:
        """Count the work of looking at a whole value. Raises ExpressionError when it is too large."""
        if isinstance(value, str):
            fits(len(value))
            self.spend(len(value) >> 6)
        elif isinstance(value, list | dict):
            nodes, characters = measure(value, MAX_NODES, MAX_CHARACTERS)
            self.spend(nodes + (characters >> 6))


def measure(value: Any, most_nodes: int, most_characters: int, most_levels: int = MAX_DEPTH) -> tuple[int, int]:
    """Number of values and of characters in a value, level by level: values that are shared count each time.

    Raises ExpressionError when there are more than allowed.
    """
    nodes = characters = levels = 0
    level: list[Any] = [value]
    while level:
        levels += 1
        below: list[Any] = []
        for one in level:
            nodes += 1
            if isinstance(one, str):
                characters += len(one)
            elif isinstance(one, dict):
                characters += sum(map(len, one))
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
            elif callable(one):
                raise ExpressionError("a lambda stands where a value is needed", "give it to map, filter or the like")
            if nodes + len(below) > most_nodes or characters > most_characters:
                raise ExpressionError(f"a value has more than {most_nodes:,} parts or {most_characters:,} characters")
        if levels > most_levels:
            raise ExpressionError(f"a value has more than {most_levels} levels")
        level = below
    return nodes, characters


def fits(length: int) -> None:
    """Ask before a text of this length is made. Raises ExpressionError."""
    if length > MAX_TEXT:
        raise ExpressionError(f"a text of more than {MAX_TEXT:,} characters")
