"""azurerm's two functions on resource ids."""

from collections.abc import Callable
from typing import Any

from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.provider.kinds import KINDS


def normalise(text: str) -> str:
    """An id with the letter case that azurerm uses."""
    given = text.split("/")
    for kind in KINDS.values():
        template = kind.arm.split("/")
        if kind.id or template[0] or len(template) != len(given):
            continue
        pairs = list(zip(template, given, strict=True))
        if all(own.startswith("{") or own.lower() == other.lower() for own, other in pairs):
            return "/".join(other if own.startswith("{") else own for own, other in pairs)
    raise ValueError(f"Could not parse the Resource ID {text!r}")


def parse(text: str) -> dict[str, Any]:
    """The parts of an id."""
    one = ArmId(normalise(text))
    provider, *types = one.type.split("/")
    names = one.text.split("/")
    return {
        "full_resource_type": one.type,
        "parent_resources": dict(zip(types[:-1], names[8 : 8 + 2 * len(types[:-1]) : 2], strict=True)),
        "resource_group_name": one.group,
        "resource_name": one.name,
        "resource_provider": provider,
        "resource_scope": "",
        "resource_type": types[-1],
        "subscription_id": one.subscription,
    }


FUNCTIONS: dict[str, Callable[[str], Any]] = {"normalise_resource_id": normalise, "parse_resource_id": parse}
