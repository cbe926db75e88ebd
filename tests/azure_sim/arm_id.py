"""ARM resource ids: their parts, and that letter case does not tell them apart."""

from dataclasses import dataclass
from functools import cached_property

GROUPS = "Microsoft.Resources/resourceGroups"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"


@dataclass(frozen=True)
class ArmId:
    """The id of a resource, a resource group or a subscription."""

    text: str

    @cached_property
    def key(self) -> str:
        """What two ids of the same resource have in common."""
        return self.text.rstrip("/").lower()

    @cached_property
    def type(self) -> str:
        """The resource type, as in `Microsoft.Compute/galleries/images`."""
        if self._provider is None:
            return GROUPS if len(self._segments) > 2 else SUBSCRIPTIONS
        own = self._segments[self._provider :]
        return "/".join([own[1], *own[2::2]])

    @cached_property
    def name(self) -> str:
        """The last name."""
        return self._segments[-1]

    @cached_property
    def subscription(self) -> str:
        """The subscription it is in."""
        return self._segments[1]

    @cached_property
    def group(self) -> str:
        """The resource group it is in; empty for what is in none."""
        return self._segments[3] if len(self._segments) > 3 and self._segments[2].lower() == "resourcegroups" else ""

    @cached_property
    def parent(self) -> "ArmId | None":
        """What has to exist before it: the resource it is part of, or its scope; None for a subscription."""
        if self.type == SUBSCRIPTIONS:
            return None
        at_top = self._provider is not None and len(self._segments) == self._provider + 4
        cut = self._provider if at_top else len(self._segments) - 2
        return ArmId("/" + "/".join(self._segments[:cut]))

    def child(self, arm_type: str, name: str = "-") -> "ArmId":
        """The id of something of a type under this one."""
        if arm_type == GROUPS:
            return ArmId(f"{self.text}/resourceGroups/{name}")
        if arm_type.lower().startswith(f"{self.type.lower()}/"):
            start, kinds = self.text, arm_type[len(self.type) + 1 :].split("/")
        else:
            namespace, *kinds = arm_type.split("/")
            start = f"{self.text}/providers/{namespace}"
        return ArmId("/".join([start, *(f"{kind}/{name}" for kind in kinds)]))

    def holds(self, other: "ArmId | str") -> bool:
        """Whether another id lies under this one."""
        key = other.key if isinstance(other, ArmId) else other.lower()
        return key.startswith(self.key + "/")

    @cached_property
    def _segments(self) -> list[str]:
        return self.text.strip("/").split("/")

    @cached_property
    def _provider(self) -> int | None:
        """Where the last `providers` stands: an id may have several, as that of a role assignment."""
        places = [place for place, segment in enumerate(self._segments) if segment.lower() == "providers"]
        return places[-1] if places else None
