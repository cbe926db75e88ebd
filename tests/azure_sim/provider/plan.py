"""What a resource will be: as azurerm's SDK (v2) plans, which is not how newer providers do it.

Null and a type's zero value are one for that SDK. A null that is computed is unknown when the resource is made, and
otherwise stays as it was. What it accepts so loosely, core accepts only under `legacy_type_system`.
"""

from collections.abc import Iterator
from typing import Any

from tests.azure_sim.provider.schema import Field, Fields
from tests.azure_sim.provider.wire import UNKNOWN, Path, Value, is_unknown


def planned(fields: Fields, proposed: dict[str, Any], prior: dict[str, Any] | None) -> dict[str, Value]:
    """The planned object, from what core proposes; `prior` is None for what is new."""
    return {
        name: _value(one, proposed.get(name), (prior or {}).get(name), creating=prior is None)
        for name, one in fields.items()
    }


def replacements(fields: Fields, before: dict[str, Any], after: dict[str, Any]) -> list[Path]:
    """The paths of all changes for which the resource has to be made anew."""
    return [path for name, one in fields.items() for path in _forced(one, before.get(name), after.get(name), (name,))]


def same(one: Value, other: Value) -> bool:
    """Whether two values are one for the SDK."""
    return one == other or (not is_unknown(one) and not is_unknown(other) and not one and not other)


def location(name: str) -> str:
    """A location's name as azurerm writes it."""
    return name.replace(" ", "").lower()


def _value(field: Field, proposed: Value, prior: Value, *, creating: bool) -> Value:
    if is_unknown(proposed):
        return proposed
    if field.write_only:
        return None
    if not proposed and proposed in (None, field.absent):
        return _unset(field, prior, creating=creating)
    if field.region:
        return location(proposed)
    if field.fields and field.shape in ("list", "set"):
        return [_element(field, one, prior or [], place, creating=creating) for place, one in enumerate(proposed)]
    return prior if not creating and same(proposed, prior) else proposed


def _unset(field: Field, prior: Value, *, creating: bool) -> Value:
    """For an argument that is not given."""
    if not creating and prior is not None and same(field.default, prior):
        return prior
    if field.default is not None:
        return field.default
    if field.computed and not creating:
        return prior if prior is not None else field.absent
    if field.computed and not field.block:
        return UNKNOWN
    return field.absent


def _element(field: Field, proposed: Value, before: list[Value], place: int, *, creating: bool) -> Value:
    """An element of a list keeps what was computed at its place, one of a set what its equal had."""
    if is_unknown(proposed):
        return proposed
    if field.shape == "set":
        new = planned(field.fields, proposed, None)
        return next((one for one in before if _equal(field.fields, new, one)), new)
    prior = before[place] if place < len(before) else None
    return planned(field.fields, proposed, None if creating else prior or {})


def _equal(fields: Fields, new: dict[str, Any], old: dict[str, Any]) -> bool:
    return all(is_unknown(new[name]) or _alike(one, new[name], old.get(name)) for name, one in fields.items())


def _alike(field: Field, new: Value, old: Value) -> bool:
    if field.fields and new and old and len(new) == len(old):
        return all(_equal(field.fields, one, other) for one, other in zip(new, old, strict=True))
    return same(new, old)


def _forced(field: Field, before: Value, after: Value, path: Path) -> Iterator[Path]:
    if same(before, after):
        return
    nested = field.fields and field.shape in ("list", "set") and not is_unknown(after)
    if field.shape == "set" and nested:
        if field.force_new or any(one.force_new for one in field.fields.values()):
            yield path  # an element of a set has no place to point at
    elif nested:
        olds, news = before or [], after or []
        if field.force_new and len(olds) != len(news):
            yield path
        for place in range(max(len(olds), len(news))):
            old, new = (values[place] if place < len(values) else {} for values in (olds, news))
            for name, one in field.fields.items():
                yield from _forced(one, old.get(name), new.get(name), (*path, place, name))
    elif field.force_new:
        yield path
