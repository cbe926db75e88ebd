"""How long the chains of requests are, and that looking costs none."""

from functools import partial
from pathlib import Path

from tests.azure.conftest import Azure, Write
from tests.azure.making import SHELL, shared
from tests.support.waiting import wait_until

SECONDS = 1200.0  # of each operation; azurerm gives up after 1800


def test_a_plan_asks_azure_nothing(azure: Azure, template: Write, tmp_path: Path) -> None:
    """No login, no request, neither by imagegen nor by the provider."""
    path = template(SHELL, distribute=[shared(azure.definition("web"))])
    asked, journal = len(azure.arm.requests()), len(azure.cloud.journal())
    azure.imagegen.environment["ARM_CLIENT_SECRET"] = "is not looked at"
    done = azure.imagegen("plan", path, "--out", tmp_path / "out")
    assert "Terraform resources:" in done.stdout
    assert (len(azure.arm.requests()), len(azure.cloud.journal())) == (asked, journal)


def test_the_chains_are_short(azure: Azure, template: Write, tmp_path: Path) -> None:
    """From nothing to a machine: group; network, rules and address at once; interface; machine. Release: one group."""
    path = template(SHELL, distribute=[shared(azure.definition("web"))])
    azure.cloud.set(delay={"*": SECONDS})
    before = set(azure.names())

    def made() -> set[str]:
        """What is made by now, by its kind and name."""
        parts = [name.split("/") for name in set(azure.names()) - before]
        return {f"{part[-2]}/{'group' if part[-2] == 'resourcegroups' else part[-1]}" for part in parts}

    known: set[str] = set()
    with azure.cloud.clock.held():  # nothing ends before all that may begin has begun
        child = azure.imagegen.start("apply", path, "--out", tmp_path / "out", "--communicator", "run-command")
        for together in (
            {"resourcegroups/group"},
            {"virtualnetworks/network", "subnets/machines", "networksecuritygroups/rules", "publicipaddresses/machine"},
            {"networkinterfaces/machine"},
            {"virtualmachines/machine"},
        ):
            known |= together
            wait_until(partial(lambda known: made() >= known, frozenset(known)))
            assert not made() - known - {"associations/rules", "disks/machine-disk"}
            azure.cloud.clock.advance(SECONDS)
    assert child.wait(600) == 0
    (group,) = (name for _, name in azure.cloud.journal("delete"))
    assert "/resourceGroups/IT_" in group
