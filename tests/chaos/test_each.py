"""Every way to cut a build off and every fault of the world, once; `make chaos` mixes them at random."""

import pytest

from tests.chaos import faults, kills
from tests.chaos.test_chaos import suffer

KILLS = [(target, one.name) for one in kills.KILLS for target in ("azure", "local")]
FAULTS = [(target, one.name) for one in faults.listed() for target in one.targets]


@pytest.mark.machine
@pytest.mark.long
@pytest.mark.parametrize(("target", "name"), KILLS)
def test_each_kill(target: str, name: str) -> None:
    """At a moment that the seed decides."""
    suffer(target, ["kill"], KILLS.index((target, name)), name)


@pytest.mark.machine
@pytest.mark.long
@pytest.mark.parametrize(("target", "name"), FAULTS)
def test_each_fault(target: str, name: str) -> None:
    """What is random of it the seed decides."""
    suffer(target, ["fault"], FAULTS.index((target, name)), name)
