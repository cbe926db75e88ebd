"""Names that Azure refuses, wherever a template has one.

Source: Microsoft, "Naming rules and restrictions for Azure resources"; of resource groups, galleries and definitions
also azurerm's own checks (resourcegroups.ValidateName, SharedImageGalleryName, SharedImageName).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from generator.template import ids, regions
from generator.template.document import Path
from generator.template.rules.base import Finding


class Naming(NamedTuple):
    """What a part of an id names, which names it can have, and the same in words."""

    what: str
    pattern: re.Pattern[str]
    shape: str


def _naming(what: str, pattern: str, shape: str) -> Naming:
    return Naming(what, re.compile(rf"(?:{pattern})\Z", re.ASCII), shape)


# Starts with a letter or digit, ends with one or an underscore.
_USUAL = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{{0,{}}}[A-Za-z0-9_])?"
_USUAL_SHAPE = "letters, digits and `-_.`, first a letter or digit, last a letter, digit or `_`"
SUBSCRIPTION = _naming(
    "the id of a subscription", r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "the GUID that `az account show --query id` prints",
)  # fmt: skip
GROUP = _naming(
    "the name of a resource group",
    r"[\w.()-]{0,89}[\w()-]",
    "1 to 90 letters, digits and `-_.()`, not ending in a period",
)
GALLERY = _naming(
    "the name of a gallery", r"[A-Za-z0-9](?:[A-Za-z0-9_.]{0,78}[A-Za-z0-9])?",
    "1 to 80 letters, digits, `_` and `.`, first and last a letter or digit",
)  # fmt: skip
DEFINITION = _naming(
    "the name of an image definition", r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9])?",
    "1 to 80 letters, digits and `-_.`, first and last a letter or digit",
)  # fmt: skip
IMAGE = _naming("the name of a managed image", _USUAL.format(78), f"1 to 80 {_USUAL_SHAPE}")
# Too short a name is no likely mistake: of identities and networks only the other bounds are checked.
NAMINGS = {
    "subscriptions": SUBSCRIPTION,
    "resourcegroups": GROUP,
    "galleries": GALLERY,
    "userassignedidentities": _naming(
        "the name of a user-assigned identity", r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}",
        "1 to 128 letters, digits and `-_`, first a letter or digit",
    ),
    "virtualnetworks": _naming(
        "the name of a virtual network", _USUAL.format(62), f"1 to 64 {_USUAL_SHAPE}"
    ),
    "subnets": _naming("the name of a subnet", _USUAL.format(78), f"1 to 80 {_USUAL_SHAPE}"),
}  # fmt: skip
REGION = re.compile(r"[a-z0-9-]+\Z")
LONGEST_SHOWN = 100


def wrong_names(at: Path, resource_id: str) -> Iterator[Finding]:
    """The names in an id of the usual form that cannot exist in Azure, as findings at a path."""
    for kind, name in ids.parts(resource_id).items():
        naming = NAMINGS.get(kind)
        if kind == "images":
            naming = DEFINITION if "galleries" in ids.parts(resource_id) else IMAGE
        if naming and not naming.pattern.match(name):
            yield Finding(at, f"`{name[:LONGEST_SHOWN]}` is not {naming.what}", f"use {naming.shape}")


def wrong_region(at: Path, name: str) -> Iterator[Finding]:
    """What is wrong with the name of a region, which has two forms: `westeurope` and `West Europe`."""
    shown = f"`{name[:LONGEST_SHOWN]}`"
    near = regions.likely(name)
    if not name.strip():
        yield Finding(at, "the region has no name", "write one such as westeurope")
    elif regions.is_misspelled(name) or not REGION.match(ids.region(name)):
        hint = f"did you mean `{near}`?" if near else "write one such as westeurope"
        yield Finding(at, f"{shown} is not the name of a region", hint)
    elif near:
        yield Finding(at, f"{shown} is not a region known here", f"did you mean `{near}`?", "warning")
