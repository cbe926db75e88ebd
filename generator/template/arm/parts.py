"""A deployment template's parameters, variables and functions: evaluated when they are asked for, once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from generator.errors import InvalidTemplate
from generator.template.arm.body import Builder, loops
from generator.template.arm.bounds import DEFINITION, ExpressionError
from generator.template.arm.declared import Declaration, check, declaration, members, section
from generator.template.arm.disguise import disguised
from generator.template.arm.evaluate import GIVE
from generator.template.arm.scope import Run, Scope, Where, inside
from generator.template.arm.values import MISSING, find, spelled
from generator.template.document import Path, Place

Values = Mapping[str, Callable[[], Any]]


class Template:
    """One deployment template, whole or nested. `given` has the values of its parameters, by small letters."""

    def __init__(self, run: Run, value: dict[str, Any], place: Place, path: Path, where: Where, given: Values) -> None:
        self.run = run
        self.value = value
        self.place = place
        self.path = path
        self.where = where
        self.given = given
        self._known: dict[str, Any] = {}
        self._open: dict[str, None] = {}

    def scope(self) -> Scope:
        """The scope of its top."""
        return Scope(self.run, self)

    def declaration(self, name: str) -> Declaration | None:
        """What it declares of a parameter."""
        return declaration(self.value, self.path, name)

    def parameter(self, name: str) -> Any:
        """The value of a parameter. Raises InvalidTemplate at its declaration, ExpressionError when there is none."""
        declared = self.declaration(name)
        if declared is None and name.lower() in self.given:  # only a plain body has values without declarations
            return self.given[name.lower()]()
        if declared is None:
            raise self._unknown("parameter", name, list(members(self.value, "parameters")[1]))
        return self.once(f"parameters('{declared.name}')", lambda: self._parameter(declared))

    def _parameter(self, declared: Declaration) -> Any:
        try:
            value = self._given_or_default(declared)
            check(value, declared)
        except ExpressionError as error:
            raise self.run.located(error, declared.path, None, at_key=True) from None
        if declared.secure:
            self.run.secure.add(declared.name.lower())
            self.run.secrets.update(_texts(value))
        return disguised(value) if declared.secure and self.run.disguised else value

    def _given_or_default(self, declared: Declaration) -> Any:
        value = self.given[declared.name.lower()]() if declared.name.lower() in self.given else MISSING
        if value is None and "defaultValue" in declared.says and declared.says.get("nullable") is not True:
            value = MISSING  # so Bicep passes on an optional parameter that is not given
        if value is not MISSING:
            return value
        if "defaultValue" in declared.says:
            key, parameters = members(self.value, "parameters")
            own = parameters[declared.name]
            if "defaultValue" in own:
                return self._default(own["defaultValue"], key, declared)
            return declared.says["defaultValue"]
        if declared.has_default:
            return None
        way = "pass it in the `parameters` of the deployment around the template" if self.path else declared.way
        raise ExpressionError(f"the parameter `{declared.name}` has no value", way)

    def _default(self, value: Any, key: str, declared: Declaration) -> Any:
        """A default value. Where Azure would have to be asked for it, giving the parameter is the simpler way."""
        try:
            return self._built(value, key, declared.name, "defaultValue")
        except InvalidTemplate as error:
            asked = [one for one in error.problems if self.path or not (one.hint or "").startswith(GIVE)]
            simpler = [replace(one, hint=declared.way) for one in error.problems if one not in asked]
            raise type(error)(asked + simpler) from None

    def variable(self, name: str) -> Any:
        """The value of a variable. Raises InvalidTemplate at its definition, ExpressionError when there is none."""
        key, variables = members(self.value, "variables")
        own = spelled({one: value for one, value in variables.items() if one.lower() != "copy"}, name)
        if own is not None:
            return self.once(f"variables('{own}')", lambda: self._built(variables[own], key, own))
        copies = spelled(variables, "copy") or "copy"
        for index, loop in enumerate(loops(variables.get(copies))):
            if str(find(loop, "name")).lower() == name.lower():
                return self.once(f"variables('{name.lower()}')", partial(self._loop, loop, (key, copies, index)))
        raise self._unknown("variable", name, list(variables))

    def _loop(self, loop: dict[str, Any], path: Path) -> Any:
        builder = Builder(self.run)
        value, _ = builder.rounds(self.scope(), loop, inside(self.place, *path), (*self.path, *path))
        builder.finish()
        self.run.meter.weigh(value)
        return value

    def function(self, space: str, name: str, arguments: list[Any]) -> Any:
        """The value of a user-defined function. Source: docs, «User-defined functions in ARM template»."""
        key, listed = section(self.value, "functions")
        for index, group in enumerate(listed if isinstance(listed, list) else []):
            known = members(group, "members")[1] if isinstance(group, dict) else {}
            own = spelled(known, name)
            if own and str(find(group, "namespace")).lower() == space.lower() and isinstance(known[own], dict):
                return self._applied(known[own], (key, index, members(group, "members")[0], own), arguments)
        raise ExpressionError(f"there is no function `{space[:40]}.{name[:40]}`")

    def _applied(self, function: dict[str, Any], path: Path, arguments: list[Any]) -> Any:
        takes = find(function, "parameters")
        names = [str(find(one, "name")) for one in takes if isinstance(one, dict)] if isinstance(takes, list) else []
        if len(names) != len(arguments):
            raise ExpressionError(f"`{path[-1]}` takes {len(names)} arguments, not {len(arguments)}")
        output, result = members(function, "output")
        value = spelled(result, "value")
        if value is None:
            raise ExpressionError(f"the function `{path[-1]}` has no output value")
        scope = Scope(self.run, self, arguments=dict(zip(names, arguments, strict=True)))
        return self._built(result[value], *path, output, value, scope=scope)

    def _built(self, value: Any, *path: str | int, scope: Scope | None = None) -> Any:
        """A value of this template, evaluated. Raises InvalidTemplate with all that is wrong in it."""
        builder, meter = Builder(self.run), self.run.meter
        meter.enter(DEFINITION)
        try:
            result, _ = builder.value(scope or self.scope(), value, inside(self.place, *path), (*self.path, *path))
        finally:
            meter.leave(DEFINITION)
        builder.finish()
        meter.weigh(result)
        return result

    def once(self, what: str, compute: Callable[[], Any]) -> Any:
        """A value computed once, also when it failed. Raises ExpressionError when it needs itself."""
        known = self._known.get(what, MISSING)
        if isinstance(known, InvalidTemplate):
            raise InvalidTemplate(known.problems)
        if known is not MISSING:
            return known
        if what in self._open:
            chain = [*self._open][[*self._open].index(what) :]
            raise ExpressionError(f"{what} needs itself: {' → '.join([*chain[:5], what])}")
        self._open[what] = None
        try:
            self._known[what] = compute()
        except InvalidTemplate as error:
            self._known[what] = error
            raise
        finally:
            del self._open[what]
        return self._known[what]

    def _unknown(self, what: str, name: str, known: list[str]) -> ExpressionError:
        near = get_close_matches(name[:80], known[:1000], 1)
        hint = f"did you mean `{near[0]}`?" if near else None
        return ExpressionError(f"the template declares no {what} `{name[:80]}`", hint)


LONG_NUMBER = 6  # digits; to star out less would garble every message


def _texts(value: Any) -> set[str]:
    """All texts and numbers in a secret that are long enough to be one."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and len(one) > 3:
            found.add(one)
        elif isinstance(one, int | float) and len(str(one)) >= LONG_NUMBER:
            found.add(str(one))
        elif isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return found
