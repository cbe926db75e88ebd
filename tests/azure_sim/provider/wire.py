"""Between the protocol's bytes and Python: values, schemas, errors."""

import json
from collections.abc import Mapping
from typing import Any

import msgpack  # type: ignore[import-untyped]

from tests.azure_sim.provider.pb import messages as pb

UNKNOWN = msgpack.ExtType(0, b"\x00")
Path = tuple[str | int, ...]
Value = Any

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
# Field 11 of an attribute, true. `tf`'s messages are older than it; what they do not know they pass on.
WRITE_ONLY = b"\x58\x01"


def is_unknown(value: Value) -> bool:
    """Whether a value is not known yet. What Terraform knows about it stays in it, and goes back as it came."""
    return isinstance(value, msgpack.ExtType)


def known(value: Value) -> Value:
    """A value with null for what is unknown."""
    if is_unknown(value):
        return None
    if isinstance(value, list):
        return [known(one) for one in value]
    return {name: known(one) for name, one in value.items()} if isinstance(value, dict) else value


def decode(message: Any) -> Value:
    """The value of a DynamicValue."""
    if message.msgpack:
        return msgpack.unpackb(message.msgpack, strict_map_key=False)
    return json.loads(message.json) if message.json else None


def encode(value: Value) -> Any:
    """A DynamicValue."""
    return pb.DynamicValue(msgpack=msgpack.packb(value))


def error(summary: str, detail: str = "", path: Path = ()) -> Any:
    """An error for the user; core adds resource, file and line."""
    return pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=summary, detail=detail, attribute=attribute_path(path))


def attribute_path(path: Path) -> Any:
    """A path into a value: names, and numbers within lists."""
    step = pb.AttributePath.Step
    return pb.AttributePath(
        steps=[step(element_key_int=one) if isinstance(one, int) else step(attribute_name=one) for one in path]
    )


def schema(described: Mapping[str, Any]) -> Any:
    """A schema message from its JSON."""
    return pb.Schema(version=described["version"], block=_block(described["block"]))


def function(described: Mapping[str, Any]) -> Any:
    """A function message from its JSON; `return` is a word of Python's."""
    return pb.Function(
        parameters=[
            pb.Function.Parameter(name=one["name"], type=_type(one["type"]), description=one.get("description", ""))
            for one in described["parameters"]
        ],
        summary=described.get("summary", ""),
        description=described.get("description", ""),
        **{"return": pb.Function.Return(type=_type(described["return_type"]))},
    )


def _block(described: Mapping[str, Any]) -> Any:
    return pb.Schema.Block(
        attributes=[_attribute(name, one) for name, one in described.get("attributes", {}).items()],
        block_types=[_nested(name, one) for name, one in described.get("block_types", {}).items()],
        description=described.get("description", ""),
        description_kind=_kind(described),
    )


def _attribute(name: str, described: Mapping[str, Any]) -> Any:
    flags = {flag: described.get(flag, False) for flag in ("required", "optional", "computed", "sensitive")}
    message = pb.Schema.Attribute(
        name=name, type=_type(described["type"]), description=described.get("description", ""),
        description_kind=_kind(described), deprecated=described.get("deprecated", False), **flags,
    )  # fmt: skip
    if described.get("write_only"):
        message.MergeFromString(WRITE_ONLY)
    return message


def _nested(name: str, described: Mapping[str, Any]) -> Any:
    return pb.Schema.NestedBlock(
        type_name=name, block=_block(described["block"]), nesting=NESTING[described["nesting_mode"]],
        min_items=described.get("min_items", 0), max_items=described.get("max_items", 0),
    )  # fmt: skip


def _type(kind: Any) -> bytes:
    return json.dumps(kind, separators=(",", ":")).encode()


def _kind(described: Mapping[str, Any]) -> int:
    return 1 if described.get("description_kind") == "markdown" else 0
