"""What is made at once and what after something else: seen where time stands still until a test lets it pass."""

from collections.abc import Collection, Sequence
from functools import partial

from tests.azure_sim.cloud import Cloud
from tests.support.waiting import wait_until

DELAY = 1200.0  # simulated seconds, for the hook `delay`: nothing is done before it is let; azurerm waits 1800 s
FROM_NOTHING_TO_A_VM: Sequence[Collection[str]] = (
    ["resourcegroups"],
    ["virtualnetworks", "networksecuritygroups", "publicipaddresses"],
    ["networkinterfaces"],
    ["virtualmachines"],
)


def walk(cloud: Cloud, stages: Sequence[Collection[str]], before: Collection[str]) -> None:
    """Let one stage after the other be done: each begins whole while time stands still, and nothing of a later one.

    stages: the types of what is made, in lower case and without what they lie in; before: ids that were there.
    The caller holds the clock of the cloud.
    """
    for number, wanted in enumerate(stages):
        wait_until(partial(_has_begun, cloud, wanted, before))
        later = {name for stage in stages[number + 1 :] for name in stage}
        assert not later & _begun(cloud, before), f"made before {wanted} was done"
        cloud.clock.advance(DELAY)


def _has_begun(cloud: Cloud, wanted: Collection[str], before: Collection[str]) -> bool:
    return set(wanted) <= _begun(cloud, before)


def _begun(cloud: Cloud, before: Collection[str]) -> set[str]:
    new = {resource["id"].lower() for resource in cloud.resources()} - {one.lower() for one in before}
    return {one.split("/")[-2] for one in new}
