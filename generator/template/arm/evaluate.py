"""A tree and a scope → a value. Only what the value needs is evaluated: `if`, `and`, `or` and `coalesce` choose."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from generator.errors import InvalidTemplate, Problem
from generator.template.arm.assumed import ONLY_AZURE, Assumed
from generator.template.arm.bounds import CALL, ExpressionError, Meter
from generator.template.arm.functions import ASKS_AZURE, FUNCTIONS, asks_azure, nearest
from generator.template.arm.syntax import Access, Call, Literal, Node, normal
from generator.template.arm.values import MISSING, a_kind, take_out

MOST_IN_HINT = 200
# Functions whose answer tells who deploys and where to; some of it may be an assumption.
OF_PLACE = {"deployment", "environment", "resourcegroup", "subscription", "tenant"}
REFERENCES = {"reference", "references"}
GIVE = "give its value with --set "


class Surroundings(Protocol):
    """What evaluation asks of a scope; the functions of functions/scoped.py ask for more."""

    @property
    def meter(self) -> Meter:
        """What evaluation may still cost."""

    def may_be_given(self, name: str) -> bool:
        """Whether `--set` gives the value of any call of a function."""

    def given(self, expression: str) -> Any:
        """The value that `--set` gives an expression, or MISSING."""

    def plain(self, value: Any, text: str) -> Any:
        """A value without assumptions in it, each noted under the text of its expression."""

    def deployed(self, function: str, name: str) -> Any:
        """The outputs of a nested deployment, or for `references` of each round of a loop; None where there is none."""

    def with_lambda(self, names: dict[str, Any]) -> "Surroundings":
        """The scope inside a lambda."""

    def user_function(self, space: str, name: str, arguments: list[Any]) -> Any:
        """The value of a user-defined function."""


def evaluate(node: Node, scope: Surroundings) -> Any:
    """The value of a tree. Raises ExpressionError with the offset, InvalidTemplate for what lies elsewhere."""
    if isinstance(node, Literal):
        return node.value
    meter = scope.meter
    meter.spend(CALL)
    meter.enter()
    try:
        return _access(node, scope) if isinstance(node, Access) else _call(node, scope)
    except ExpressionError as error:
        if error.offset is None:
            error.offset = node.start
        raise
    finally:
        meter.leave()


def _access(node: Access, scope: Surroundings) -> Any:
    """A value and what is taken out of it; any part of the chain may be given by `--set`."""
    value, rest = MISSING, len(node.steps)
    while rest and value is MISSING:
        value = _given(scope, node, node.steps[rest - 1].end)
        rest -= value is MISSING
    if value is MISSING:
        value = _base(node, scope)
    for step in node.steps[rest:]:
        key = evaluate(step.key, scope)
        if isinstance(value, dict) and key not in value:
            scope.meter.spend(len(value))
        try:
            value = take_out(value, key)
        except ExpressionError as error:
            error.offset = step.start
            error.hint = _way_around(node) if _is_template_link(node, step.end) else error.hint
            raise
        if value is ONLY_AZURE:
            asked = normal(node.text[node.start : step.end])
            raise ExpressionError(f"`{asked[:80]}` {ASKS_AZURE}", _way_around(node), node.start)
        if isinstance(value, Assumed):
            value = scope.plain(value, normal(node.text[node.start : step.end]))
    return scope.plain(value, normal(node.text[node.start : node.end])) if _is_of_place(node.base) else value


def _base(node: Access, scope: Surroundings) -> Any:
    """The value that something is taken out of. What Azure would answer and assumptions are only looked at there."""
    base = node.base
    if not isinstance(base, Call) or base.space or _given(scope, base, base.end) is not MISSING:
        return evaluate(base, scope)
    if base.name.lower() in REFERENCES:
        return _referred(node, base, scope)
    if asks_azure(base.name):
        raise ExpressionError(_only_azure(base), _way_around(node), node.start)
    return _answer(base, scope) if _is_of_place(base) else evaluate(base, scope)


def _given(scope: Surroundings, node: Access | Call, end: int) -> Any:
    """The value that `--set` gives the piece of an expression from a node to an end, or MISSING."""
    call = node.base if isinstance(node, Access) else node
    if not isinstance(call, Call) or not scope.may_be_given(call.name):
        return MISSING
    scope.meter.spend(end - node.start)
    return scope.given(normal(node.text[node.start : end]))


def _is_template_link(node: Access, end: int) -> bool:
    return normal(node.text[node.start : end]).lower().startswith("deployment().properties.templatelink")


def _call(node: Call, scope: Surroundings) -> Any:
    given = _given(scope, node, node.end)
    if given is not MISSING:
        return given
    name = node.name.lower()
    if node.space:
        return scope.user_function(node.space, node.name, [evaluate(one, scope) for one in node.arguments])
    if name in FORMS:
        return FORMS[name](node, scope)
    function = FUNCTIONS.get(name)
    if function is None:
        if name in REFERENCES:
            return _referred(node, node, scope)
        if asks_azure(name):
            raise ExpressionError(_only_azure(node), _way_around(node))
        raise ExpressionError(f"there is no function `{node.name[:80]}`", nearest(name))
    if function.scoped:
        value = _answer(node, scope)
        noted = isinstance(value, Assumed) or name in OF_PLACE
        return scope.plain(value, normal(node.text[node.start : node.end])) if noted else value
    arguments = [evaluate(one, scope) for one in node.arguments]
    function.check(arguments)
    if not function.light:
        for argument in arguments:
            if not callable(argument):
                scope.meter.weigh(argument)
    value = function.body(*arguments)
    scope.meter.weigh(value)
    return value


def _answer(node: Call, scope: Surroundings) -> Any:
    """What a function answers that asks where it stands; assumptions may be in it."""
    function = FUNCTIONS[node.name.lower()]
    arguments = [evaluate(one, scope) for one in node.arguments]
    function.check(arguments)
    return function.body(scope, *arguments)


def _is_of_place(node: Node) -> bool:
    """Whether a call answers who deploys, and where to."""
    return isinstance(node, Call) and not node.space and node.name.lower() in OF_PLACE


def _referred(node: Access | Call, base: Call, scope: Surroundings) -> Any:
    """What the nested deployment of a `reference` puts out, as far as the steps after it ask; all else asks Azure."""
    try:
        name = evaluate(base.arguments[0], scope) if base.arguments else None
        found = scope.deployed(base.name.lower(), name) if isinstance(name, str) else None
        if found is not None:
            steps = [evaluate(step.key, scope) for step in node.steps[:3]] if isinstance(node, Access) else []
            is_full = isinstance(base.arguments[-1], Literal) and str(base.arguments[-1].value).lower() == "full"
            rounds = found if isinstance(found, list) else [found]
            asked = None if isinstance(found, list) else next(iter(steps[2 if is_full else 1 :]), None)
            values = [{"outputs": _asked_for(each, asked)} for each in rounds]
            full = [{"properties": value} for value in values] if is_full else values
            return full if isinstance(found, list) else full[0]
    except InvalidTemplate as error:
        if all(is_for_azure(problem) for problem in error.problems):
            raise ExpressionError(error.problems[0].message, _way_around(node), node.start) from None
        raise
    raise ExpressionError(_only_azure(base), _way_around(node), node.start)


def _asked_for(found: Mapping[str, Callable[[], Any]], asked: Any) -> dict[str, Any]:
    """The output that is asked for; all where none is. The others are only there by name."""
    names = [name for name in found if asked is None or name.lower() == str(asked).lower()]
    return dict.fromkeys(found) | {name: {"value": found[name]()} for name in names}


def is_for_azure(problem: Problem) -> bool:
    """Whether a problem is that only Azure knows a value."""
    return problem.message.endswith(ASKS_AZURE)


def _only_azure(call: Call) -> str:
    return f"`{call.name[:80]}` {ASKS_AZURE}"


def _way_around(node: Access | Call) -> str:
    written = normal(node.text[node.start : node.end])
    if len(written) > MOST_IN_HINT:
        return "give the value of the whole expression with --set 'EXPRESSION=VALUE'"
    return f'{GIVE}"{written}=VALUE"'


def _if(node: Call, scope: Surroundings) -> Any:
    """One of two values; the other one is not looked at."""
    _count(node, 3, 3, "(condition: bool, then: any, else: any)")
    return evaluate(node.arguments[1 if _truth(node, 0, scope) else 2], scope)


def _and(node: Call, scope: Surroundings) -> bool:
    _count(node, 1, None, "(...conditions: bool)")
    return all(_truth(node, index, scope) for index in range(len(node.arguments)))


def _or(node: Call, scope: Surroundings) -> bool:
    _count(node, 1, None, "(...conditions: bool)")
    return any(_truth(node, index, scope) for index in range(len(node.arguments)))


def _coalesce(node: Call, scope: Surroundings) -> Any:
    """The first value that is not null."""
    _count(node, 1, None, "(...values: any)")
    values = (evaluate(one, scope) for one in node.arguments)
    return next((value for value in values if value is not None), None)


def _lambda(node: Call, scope: Surroundings) -> Callable[..., Any]:
    """A function of its first arguments, which name what it takes, and the last, its body."""
    _count(node, 1, None, "(...names: string, body: any)")
    *named, body = node.arguments
    names = [one.value for one in named if isinstance(one, Literal) and isinstance(one.value, str)]
    if len(names) < len(named):
        raise ExpressionError("the names of a lambda's variables are texts")

    def call(*values: Any) -> Any:
        if len(names) > len(values):
            raise ExpressionError(f"the lambda names {len(names)} variables, it gets {len(values)}", None, node.start)
        return evaluate(body, scope.with_lambda(dict(zip(names, values, strict=False))))

    return call


FORMS: dict[str, Callable[[Call, Surroundings], Any]] = {
    "if": _if, "and": _and, "or": _or, "coalesce": _coalesce, "lambda": _lambda,
}  # fmt: skip


def _truth(node: Call, index: int, scope: Surroundings) -> bool:
    value = evaluate(node.arguments[index], scope)
    if not isinstance(value, bool):
        raise ExpressionError(f"a condition of `{node.name}` is {a_kind(value)}, not true or false", "use bool(…)")
    return value


def _count(node: Call, least: int, most: int | None, takes: str) -> None:
    count = len(node.arguments)
    if count < least or (most is not None and count > most):
        raise ExpressionError(f"`{node.name}` does not take {count} arguments", f"it takes {takes}")
