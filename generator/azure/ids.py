"""Azure's resource ids and names. Case counts in neither."""

from typing import Any


def parts(resource_id: str) -> dict[str, str]:
    """The names in an id by what they are, in lower case: `subscriptions`, `resourcegroups`, `galleries`, …"""
    words = resource_id.strip("/").split("/")
    return {kind.lower(): name for kind, name in zip(words[::2], words[1::2], strict=False)}


def subscription(resource_id: str) -> str:
    """The subscription that an id lies in, "" when it says none."""
    return parts(resource_id).get("subscriptions", "")


def group(resource_id: str) -> str:
    """The resource group that an id lies in."""
    return parts(resource_id).get("resourcegroups", "")


def kind(resource_id: str) -> str:
    """The type of a resource in lower case, such as `microsoft.compute/galleries/images`."""
    namespace, *words = resource_id.lower().rpartition("/providers/")[2].strip("/").split("/")
    return "/".join([namespace, *words[::2]])


def name(resource_id: str) -> str:
    """The last name of an id."""
    return resource_id.rstrip("/").rpartition("/")[2]


def without_version(resource_id: str) -> str:
    """The image definition that the id of a gallery version names; any other id as it is."""
    before, kind, _ = resource_id.rpartition("/versions/")
    return before if kind else resource_id


def same(one: str, other: str) -> bool:
    """Whether two ids or names are the same."""
    return one.rstrip("/").lower() == other.rstrip("/").lower()


def region(written: str) -> str:
    """A region's name as Azure compares it: `West Europe` is `westeurope`."""
    return written.replace(" ", "").lower()


def text(value: Any) -> str:
    """The text of what Azure's clients give as an enumeration, or as plain text when it is new to them; "" for None."""
    return "" if value is None else str(getattr(value, "value", value))
