"""azurerm's schema, joined with what it does not tell (`behaviour.json`): one tree of fields for each type."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data"
ADDRESS = "registry.terraform.io/hashicorp/azurerm"
FLAGS = ("optional", "computed", "sensitive", "write_only", "force_new", "region", "default")
REGIONS = ("location", "target_region.name")
RULES = ("conflicts_with", "exactly_one_of", "at_least_one_of", "required_with")


@dataclass(frozen=True)
class Field:
    """An attribute, or a nested block: `fields` are those of its elements, if these are objects."""

    name: str
    type: Any  # as the schema has it, such as ["set", "string"]; for a block its nesting
    block: bool = False
    optional: bool = False
    computed: bool = False
    sensitive: bool = False
    write_only: bool = False
    force_new: bool = False
    region: bool = False  # the name of a location, which azurerm writes in small letters without blanks
    default: Any = None
    rules: Mapping[str, list[str]] = field(default_factory=dict)
    fields: Mapping[str, "Field"] = field(default_factory=dict)

    @property
    def shape(self) -> str:
        """The outermost type: string, number, bool, list, set, map or single."""
        return self.type if isinstance(self.type, str) else str(self.type[0])

    @property
    def absent(self) -> Any:
        """How the protocol writes that it is not there."""
        return [] if self.block and self.shape in ("list", "set") else None

    @property
    def zero(self) -> Any:
        """What azurerm's SDK stores for a computed value that Azure does not give."""
        return {"string": "", "number": 0, "bool": False, "map": {}, "list": [], "set": []}.get(self.shape)


Fields = Mapping[str, Field]


@cache
def provider_schema() -> dict[str, Any]:
    """The provider's schema as `terraform providers schema -json` has it."""
    schema: dict[str, Any] = json.loads((DATA / "schema.json").read_text())["provider_schemas"][ADDRESS]
    return schema


@cache
def _behaviour() -> dict[str, Any]:
    behaviour: dict[str, Any] = json.loads((DATA / "behaviour.json").read_text())
    return behaviour


@cache
def resource_fields(type_name: str) -> Fields:
    """The fields of a resource type."""
    return dict(_of_block(provider_schema()["resource_schemas"][type_name]["block"], _behaviour()[type_name], ""))


@cache
def data_fields(type_name: str) -> Fields:
    """The fields of a data source."""
    return dict(_of_block(provider_schema()["data_source_schemas"][type_name]["block"], {}, ""))


def _of_block(block: dict[str, Any], behaviour: dict[str, Any], prefix: str) -> Iterator[tuple[str, Field]]:
    for name, attribute in block.get("attributes", {}).items():
        inner = _of_objects(attribute["type"], behaviour, f"{prefix}{name}.")
        flags = attribute | behaviour.get(prefix + name, {}) | {"region": prefix + name in REGIONS}
        yield name, _field(name, attribute["type"], flags, inner)
    for name, nested in block.get("block_types", {}).items():
        inner = dict(_of_block(nested["block"], behaviour, f"{prefix}{name}."))
        yield name, _field(name, nested["nesting_mode"], behaviour.get(prefix + name, {}), inner, block=True)


def _of_objects(kind: Any, behaviour: dict[str, Any], prefix: str) -> dict[str, Field]:
    """The fields of a list or set of objects, which azurerm has where a block may also be computed.

    Those of a data source are all computed, and in no list of behaviour.
    """
    if isinstance(kind, str) or kind[0] not in ("list", "set") or isinstance(kind[1], str):
        return {}
    return {
        name: _field(
            name,
            inner,
            behaviour.get(prefix + name, {"computed": True}),
            _of_objects(inner, behaviour, f"{prefix}{name}."),
        )
        for name, inner in (kind[1][1] if kind[1][0] == "object" else {}).items()
    }


def _field(name: str, kind: Any, flags: dict[str, Any], inner: Fields, *, block: bool = False) -> Field:
    taken = {flag: flags[flag] for flag in FLAGS if flag in flags}
    return Field(name, kind, block, **taken, rules={rule: flags[rule] for rule in RULES if rule in flags}, fields=inner)
