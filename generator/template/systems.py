"""Which system a marketplace image has, as far as its name tells."""

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from generator.template.schema import PlatformImage

WINDOWS = re.compile(r"windows|(?:^|[^a-z])win(?:dows)?-?\d|ws20\d\d|visualstudio", re.IGNORECASE)
LINUX_PUBLISHERS = {
    "almalinux", "canonical", "credativ", "debian", "erockyenterprisesoftwarefoundationinc1653071250513", "kinvolk",
    "microsoftcblmariner", "openlogic", "oracle", "redhat", "resf", "suse",
}  # fmt: skip


def system_of(source: "PlatformImage") -> Literal["linux", "windows"] | None:
    """`linux` or `windows`; None when the name does not tell."""
    if source.publisher.lower() in LINUX_PUBLISHERS:
        return "linux"
    name = f"{source.publisher} {source.offer} {source.sku}"
    return "windows" if WINDOWS.search(name) else None
