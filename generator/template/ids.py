"""Azure's resource ids and region names, read as Azure reads them: case does not count, nor does a slash at the end.

Source: Microsoft, "Naming rules and restrictions for Azure resources": names are compared without case.
"""

import re
from collections.abc import Iterable, Iterator

VERSION_PART = re.compile(r"/versions/([^/]*)\Z", re.IGNORECASE)
# The fixed words of ids as azurerm writes them: it compares them by case, where Azure and template writers do not
# (go-azure-helpers, resourceids.Parser).
_WORDS = {
    word.lower(): word
    for word in (
        "subscriptions", "resourceGroups", "providers", "Microsoft.Compute", "Microsoft.ManagedIdentity",
        "Microsoft.Network", "Microsoft.Resources", "galleries", "images", "versions", "communityGalleries",
        "sharedGalleries", "userAssignedIdentities", "virtualNetworks", "subnets",
    )
}  # fmt: skip


def pairs(resource_id: str) -> Iterator[tuple[str, str]]:
    """Each part of an id with its name: (`subscriptions`, GUID), (`resourceGroups`, NAME), (`images`, NAME), …"""
    words = resource_id.strip("/").split("/")
    yield from zip(words[::2], words[1::2], strict=False)


def parts(resource_id: str) -> dict[str, str]:
    """The names in an id by their part in lower case: `subscriptions`, `resourcegroups`, `galleries`, …"""
    return {kind.lower(): name for kind, name in pairs(resource_id)}


def subscription(resource_id: str) -> str:
    """The subscription of an id, "" without one."""
    return parts(resource_id).get("subscriptions", "")


def first_subscription(resource_ids: Iterable[object]) -> str:
    """The first subscription that any of some ids has, in lower case as Azure writes it; "" without one."""
    found = (subscription(one) for one in resource_ids if isinstance(one, str))
    return next(filter(None, found), "").lower()


def group(resource_id: str) -> str:
    """The resource group of an id, "" without one.

    A group's id has two forms: `/subscriptions/GUID/resourceGroups/NAME`, and, as `subscriptionResourceId()` writes
    it, `/subscriptions/GUID/providers/Microsoft.Resources/resourceGroups/NAME`.
    """
    return parts(resource_id).get("resourcegroups", "")


def name(resource_id: str) -> str:
    """The last name of an id."""
    return resource_id.rstrip("/").rpartition("/")[2]


def version(resource_id: str) -> str:
    """The version at the end of the id of a gallery image version, "" without one."""
    found = VERSION_PART.search(resource_id.rstrip("/"))
    return found[1] if found else ""


def without_version(resource_id: str) -> str:
    """The image definition in the id of a gallery image version; any other id as it is, without a slash at the end."""
    return VERSION_PART.sub("", resource_id.rstrip("/"))


def same(one: str, other: str) -> bool:
    """Whether two ids or names are the same to Azure."""
    return one.rstrip("/").lower() == other.rstrip("/").lower()


def canonical(resource_id: str) -> str:
    """An id with its fixed words as azurerm writes them, without a slash at the end. The names in it stay."""
    words = resource_id.rstrip("/").split("/")
    for place in range(1, len(words)):
        if place % 2 or words[place - 1] == "providers":
            words[place] = _WORDS.get(words[place].lower(), words[place])
    return "/".join(words)


def region(written: str) -> str:
    """A region's name as Azure compares it: `West Europe` is `westeurope`."""
    return re.sub(r"\s", "", written).lower()
