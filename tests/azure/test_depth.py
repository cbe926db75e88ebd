"""How long the chains of requests are, and that looking costs none."""

from pathlib import Path

from tests.azure.conftest import Azure, Write
from tests.azure.making import SHELL, shared
from tests.azure_sim import stages
from tests.support.waiting import HANG_SECONDS


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
    before = azure.names()
    azure.cloud.set(delay={"*": stages.DELAY})
    with azure.cloud.clock.held():
        child = azure.imagegen.start("apply", path, "--out", tmp_path / "out", "--communicator", "run-command")
        stages.walk(azure.cloud, stages.FROM_NOTHING_TO_A_VM, before)
        azure.cloud.set(delay={})
    said = child.communicate(timeout=HANG_SECONDS)[0]
    assert child.returncode == 0, said
    (group,) = azure.cloud.journal("delete")
    assert group[1].rpartition("/")[2].startswith("IT_")
