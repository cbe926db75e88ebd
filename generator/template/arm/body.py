"""JSON with expressions in it → JSON without, with places: what is computed has the place of its expression."""

from typing import Any

from generator.errors import InvalidTemplate, Problem
from generator.template.arm.bounds import MAX_COPIES, MAX_PROBLEMS, VALUE, ExhaustedTemplate, ExpressionError
from generator.template.arm.evaluate import evaluate
from generator.template.arm.scope import Run, Scope, inside
from generator.template.arm.syntax import is_expression, unescaped
from generator.template.arm.values import a_kind, find, kind, spelled
from generator.template.document import Path, Place, in_order

Built = tuple[Any, Place]


def loops(copy: Any) -> list[dict[str, Any]]:
    """The loops of a `copy` that makes properties or variables; none when it is an ordinary value."""
    if not isinstance(copy, list) or not copy:
        return []
    fit = all(isinstance(loop, dict) and spelled(loop, "count") and spelled(loop, "name") for loop in copy)
    return copy if fit else []


def evaluated(scope: Scope, text: str, place: Place, path: Path, *, at_key: bool = False) -> Any:
    """What a string says: its value when it is an expression. Raises InvalidTemplate."""
    if not scope.run.evaluates(text):
        return unescaped(text) if scope.run.evaluates is is_expression else text
    noted = scope.run.assumed
    around, noted.at = noted.at, path
    try:
        return evaluate(scope.run.tree(text.rstrip()), scope)
    except ExpressionError as error:
        raise scope.run.located(error, path, place, at_key=at_key) from None
    finally:
        noted.at = around


class Builder:
    """Evaluates values and collects what is wrong. With `nulls` off, members that come out as null are left out."""

    def __init__(self, run: Run, *, nulls: bool = True) -> None:
        self.run = run
        self.nulls = nulls
        self.problems: dict[Problem, None] = {}

    def finish(self) -> None:
        """Raises InvalidTemplate with all that was wrong."""
        if self.problems:
            raise InvalidTemplate(in_order(self.problems))

    def value(self, scope: Scope, value: Any, place: Place, path: Path) -> Built:
        """A value without expressions, and its places."""
        try:
            self.run.meter.spend(VALUE)
        except ExpressionError as error:
            raise self.run.located(error, path, None) from None
        if isinstance(value, dict):
            return self._object(scope, value, place, path)
        if isinstance(value, list):
            return self._array(scope, value, place, path)
        if isinstance(value, str):
            return self._text(scope, value, place, path), Place(place.start, place.end, place.key)
        return value, place

    def _text(self, scope: Scope, text: str, place: Place, path: Path, *, at_key: bool = False) -> Any:
        try:
            value = evaluated(scope, text, place, path, at_key=at_key)
            if callable(value):
                error = ExpressionError("a lambda stands where a value is needed", None, 0)
                raise self.run.located(error, path, place, at_key=at_key)
            return value if self.nulls or isinstance(value, str) else _without_nulls(value)
        except ExhaustedTemplate:
            raise
        except InvalidTemplate as error:
            self.note(error.problems)
            return None

    def _array(self, scope: Scope, items: list[Any], place: Place, path: Path) -> Built:
        built = [self.value(scope, item, inside(place, index), (*path, index)) for index, item in enumerate(items)]
        return [value for value, _ in built], place._replace(inside=[where for _, where in built])

    def _object(self, scope: Scope, members: dict[str, Any], place: Place, path: Path) -> Built:
        value: dict[str, Any] = {}
        its_places: dict[str, Place] = {}
        for key, item in members.items():
            where = inside(place, key)
            if key.lower() == "copy" and (copies := loops(item)):
                for index, loop in enumerate(copies):
                    name = str(find(loop, "name"))
                    value[name], its_places[name] = self.rounds(scope, loop, inside(where, index), (*path, key, index))
                continue
            name = self._key(scope, key, where, (*path, key))
            if name in value:
                self.note(
                    [self.run.document.problem((*path, key), f"the key `{name[:80]}` is there twice", at_key=True)]
                )
            built, its_place = self.value(scope, item, where, (*path, key))
            if built is not None or item is None or self.nulls:
                value[name], its_places[name] = built, its_place
        return value, place._replace(inside=its_places)

    def _key(self, scope: Scope, key: str, place: Place, path: Path) -> str:
        if not self.run.evaluates(key):
            return str(evaluated(scope, key, place, path, at_key=True))
        name = self._text(scope, key, place, path, at_key=True)
        if isinstance(name, str):
            return name
        if name is not None:
            message = f"the expression gives {a_kind(name)}, a key is a string"
            self.note([self.run.document.problem(path, message, at_key=True)])
        return key

    def rounds(self, scope: Scope, loop: dict[str, Any], place: Place, path: Path) -> Built:
        """The array that a loop makes."""
        key = spelled(loop, "input")
        if key is None:
            self.note([self.run.document.problem(path, "the copy loop has no `input`")])
            return [], place
        where = inside(place, key)
        name = str(find(loop, "name"))
        built = [
            self.value(scope.in_round(name, index), loop[key], where, (*path, key))
            for index in range(self.count(scope, loop, place, path))
        ]
        return [value for value, _ in built], place._replace(inside=[its_place for _, its_place in built])

    def count(self, scope: Scope, loop: dict[str, Any], place: Place, path: Path) -> int:
        """How many rounds a loop has; what is wrong with that is noted."""
        key = spelled(loop, "count") or "count"
        if key not in loop:
            self.note([self.run.document.problem(path, "the copy loop has no `count`")])
            return 0
        before = len(self.problems)
        count, _ = self.value(scope, loop[key], inside(place, key), (*path, key))
        if len(self.problems) > before:
            return 0
        if kind(count) != "int" or not 0 <= count <= MAX_COPIES:
            said = count if kind(count) == "int" else a_kind(count)
            message = f"a copy loop has 0 to {MAX_COPIES} rounds, not {said}"
            self.note([self.run.document.problem((*path, key), message)])
            return 0
        return int(count)

    def note(self, problems: list[Problem]) -> None:
        """Keep what is wrong. Raises InvalidTemplate when nobody would read more."""
        self.problems |= dict.fromkeys(problems)
        if len(self.problems) >= MAX_PROBLEMS:
            self.finish()


def _without_nulls(value: Any) -> Any:
    """A computed value without the members that are null: to the service they are as if not there."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
