"""What the parts that answer for resources share."""

import re
from typing import Any

from tests.azure_sim import clock
from tests.azure_sim.arm import operations
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.operations import Operation
from tests.azure_sim.arm.web import Answer
from tests.azure_sim.arm_id import GROUPS, ArmId
from tests.azure_sim.contents import Resource
from tests.azure_sim.errors import CloudError


def canonical(path: str) -> ArmId:
    """The id in a path: ARM's own words are written as ARM writes them."""
    text = re.sub(r"/resourcegroups/", "/resourceGroups/", path.rstrip("/"), count=1, flags=re.IGNORECASE)
    return ArmId(re.sub(r"^/subscriptions/", "/subscriptions/", text, flags=re.IGNORECASE))


def not_found(arm: Arm, target: ArmId) -> CloudError:
    """ARM's 404: it says which of group and resource is missing."""
    group = f"/subscriptions/{target.subscription}/resourceGroups/{target.group}"
    if target.group and not arm.cloud.exists(group):
        return CloudError(404, "ResourceGroupNotFound", f"Resource group '{target.group}' could not be found.")
    return CloudError(
        404,
        "ResourceNotFound",
        f"The Resource '{target.type}/{target.name}' under resource group '{target.group}' was not found. For more "
        "details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def begun(arm: Arm, record: Resource, answer: Any = None) -> Answer:
    """202: an operation on a resource is under way."""
    return Answer(202, b"", links(arm, record, answer))


def links(arm: Arm, record: Resource, answer: Any = None) -> dict[str, str]:
    """Begin the operation on a record, as long as the cloud has it take; the headers that lead to it."""
    failure = arm.cloud.failure(record["id"])
    name = arm.operations.begin(Operation(record["id"], clock.now(), record["busy_until"], failure, answer))
    parts = {"subscription": ArmId(record["id"]).subscription, "namespace": record["type"].split("/")[0]}
    headers = operations.links(arm.endpoint, name, parts)
    if record["type"] == GROUPS:  # of the two, groups have only this one
        headers.pop("Azure-AsyncOperation")
    return headers
