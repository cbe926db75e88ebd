"""Azure's resource ids and names. Case counts in neither."""

from typing import Any

from generator.template.ids import group, name, parts, region, same, subscription, without_version

__all__ = ["group", "kind", "name", "parts", "region", "same", "subscription", "text", "without_version"]


def kind(resource_id: str) -> str:
    """The type of a resource in lower case, such as `microsoft.compute/galleries/images`."""
    namespace, *words = resource_id.lower().rpartition("/providers/")[2].strip("/").split("/")
    return "/".join([namespace, *words[::2]])


def text(value: Any) -> str:
    """The text of what Azure's clients give as an enumeration, or as plain text when it is new to them; "" for None."""
    return "" if value is None else str(getattr(value, "value", value))
