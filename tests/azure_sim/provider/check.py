"""Which arguments exclude or need each other, and the words azurerm's SDK has for it."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.azure_sim.provider.schema import Field, Fields
from tests.azure_sim.provider.wire import Path, error, is_unknown

Config = dict[str, Any]
Found = tuple[str, str] | None

# azurerm parses ids by letter case: of everything but the names in them (go-azure-helpers, resourceids.Parser).
WORDS = {
    word.lower(): word
    for word in (
        "subscriptions", "resourceGroups", "providers", "galleries", "images", "versions", "virtualNetworks", "subnets",
        "virtualMachines", "userAssignedIdentities", "communityGalleries", "sharedGalleries", "Microsoft.Compute",
        "Microsoft.Network", "Microsoft.ManagedIdentity",
    )
}  # fmt: skip


def problems(fields: Fields, config: Config) -> list[Any]:
    """Diagnostics for a configuration; core has checked it against the schema before."""
    return list(_of(fields, config, config, ()))


def _of(fields: Fields, part: Config, config: Config, path: Path) -> Iterator[Any]:
    for name, field in fields.items():
        value = part.get(name)
        here = (*path, name)
        for rule, keys in field.rules.items():
            if found := CHECKS[rule](_dotted(here), _is_set(value), keys, config):
                yield error(*found, path=here)
        for text in value if isinstance(value, list) else [value]:
            if name.endswith(("_id", "_ids")) and isinstance(text, str) and misspelt(text):
                yield error("parsing ID", f"parsing {text!r}: expected the segment {misspelt(text)!r}", path=here)
        if field.fields and isinstance(value, list):
            yield from _of_elements(field, value, config, here)


def _of_elements(field: Field, elements: list[Any], config: Config, path: Path) -> Iterator[Any]:
    for place, element in enumerate(elements):
        if not is_unknown(element):
            yield from _of(field.fields, element, config, (*path, place))


def misspelt(resource_id: str) -> str | None:
    """The segment of an id that azurerm would want in other letter case, as it would want it."""
    words = resource_id.split("/")[1:]
    places = [place for place in range(len(words)) if place % 2 == 0 or words[place - 1].lower() == "providers"]
    known = [(words[place], WORDS.get(words[place].lower())) for place in places]
    return next((wanted for word, wanted in known if wanted and word != wanted), None)


def _conflicts_with(name: str, given: bool, keys: list[str], config: Config) -> Found:
    other = next((key for key in keys if _is_set(_at(config, key)) and not is_unknown(_at(config, key))), None)
    if given and other:
        return "Conflicting configuration arguments", f'"{name}": conflicts with {other}'
    return None


def _exactly_one_of(name: str, given: bool, keys: list[str], config: Config) -> Found:
    values = [_at(config, key) for key in keys]
    chosen = [key for key, value in zip(keys, values, strict=True) if _is_set(value) and not is_unknown(value)]
    if len(chosen) > 1:
        detail = f'"{name}": only one of {_list(keys)} can be specified, but {_list(chosen)} were specified.'
        return "Invalid combination of arguments", detail
    if not any(map(_is_set, values)):
        return "Invalid combination of arguments", f'"{name}": one of {_list(keys)} must be specified'
    return None


def _at_least_one_of(name: str, given: bool, keys: list[str], config: Config) -> Found:
    if any(_is_set(_at(config, key)) for key in keys):
        return None
    return "Missing required argument", f'"{name}": one of {_list(keys)} must be specified'


def _required_with(name: str, given: bool, keys: list[str], config: Config) -> Found:
    if not given or all(_is_set(_at(config, key)) for key in keys):
        return None
    return "Missing required argument", f'"{name}": all of {_list(sorted({name, *keys}))} must be specified'


CHECKS: dict[str, Callable[[str, bool, list[str], Config], Found]] = {
    "conflicts_with": _conflicts_with,
    "exactly_one_of": _exactly_one_of,
    "at_least_one_of": _at_least_one_of,
    "required_with": _required_with,
}


def _is_set(value: Any) -> bool:
    """For the SDK an empty list of blocks is not there; an unknown value is."""
    return value is not None and value != []


def _at(config: Config, key: str) -> Any:
    """The value at a key such as `source.0.script`."""
    value: Any = config
    for step in key.split("."):
        if is_unknown(value):
            return value
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _list(keys: list[str]) -> str:
    return f"`{','.join(keys)}`"
