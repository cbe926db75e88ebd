"""How long the chains of requests are, and that looking costs none."""

import time
from pathlib import Path

from tests.azure.conftest import Azure, Write
from tests.azure.making import SHELL, shared

SECONDS = 0.7


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
    azure.cloud.set(delay={"*": SECONDS})
    image = azure.definition("web")
    wait_for(azure, image)
    path = template(SHELL, distribute=[shared(image)])
    azure.imagegen("apply", path, "--out", tmp_path / "out", "--communicator", "run-command")
    made = {"/".join(name.split("/")[-2:]): at for at, action, name in azure.cloud.timed() if action == "create"}
    (group,) = (name for name in made if name.startswith("resourceGroups/IT_"))
    assert 3 * SECONDS <= made["virtualMachines/machine"] - made[group] < 4.5 * SECONDS
    parts = [
        made[name] for name in ("virtualNetworks/network", "networkSecurityGroups/rules", "publicIPAddresses/machine")
    ]
    assert max(parts) - min(parts) < SECONDS
    assert [name.rpartition("/")[2] for _, name in azure.cloud.journal("delete")] == [group.rpartition("/")[2]]


def wait_for(azure: Azure, resource_id: str) -> None:
    """Until a resource is made."""
    while True:
        found = azure.cloud.get(resource_id)
        if found and found["properties"]["provisioningState"] == "Succeeded":
            return
        time.sleep(0.1)
