"""What azurerm and Azure report in a whole build: a line that says why, and what to do."""

from pathlib import Path
from typing import Any

import pytest

from tests.azure.conftest import USUAL, WINDOWS, Azure, Write
from tests.azure.making import MACHINES, SHELL, Part, private, shared
from tests.azure_sim.faults import Fault, fault

LONGEST = 300  # of a line with the id of a resource; azurerm's own have 900 characters and more
GROUPS = "Microsoft.Resources/resourceGroups"
NETWORKS = "Microsoft.Network/virtualNetworks"
STORAGE = "Microsoft.Storage/storageAccounts"
FAIL: Part = {"type": "Shell", "name": "fail", "inline": ["exit 2"]}
SUBNETS = f"{NETWORKS}/subnets/join/action"


def error_of(stderr: str) -> tuple[str, str]:
    """The line of an error, and its hint."""
    lines = stderr.splitlines()
    (line,) = [line for line in lines if line.startswith("error: ")]
    assert len(line) <= LONGEST, line
    assert not {"API Response", "unexpected status", "polling", "Activity Id"} & set(line.split(": ")), line
    return line, next((one for one in lines if one.startswith("hint: ")), "")


@pytest.mark.parametrize(
    ("planted", "told", "hint"),
    [
        (fault("create", GROUPS, status=403, code="RequestDisallowedByPolicy", message="Resource 'x' was disallowed by "
         "policy. Policy identifiers: '[{\"policyAssignment\":{\"name\":\"a\"}}]'."),
         "`staging: resource group` failed: Resource 'x' was disallowed by policy.", "a policy of the organisation"),
        (fault("create", MACHINES, "fail", code="SkuNotAvailable", message="The requested size is not available here. "
         "Please see https://aka.ms/azureskunotavailable for details."),
         "`machine: linux virtual machine` failed: The requested size is not available here.", "az vm list-skus"),
        (fault("create", NETWORKS, status=409, code="MissingSubscriptionRegistration", message="The subscription is "
         "not registered to use namespace 'Microsoft.Network'. See https://aka.ms/rps-not-found for how to register."),
         "not registered to use namespace 'Microsoft.Network'.", "az provider register --namespace Microsoft.Network"),
        (fault("create", MACHINES, "fail", code="AllocationFailed", message="Allocation failed."),
         "`machine: linux virtual machine` failed: Allocation failed.", "try again later"),
    ],
    ids=["policy", "late", "unregistered", "no room"],
)  # fmt: skip
def test_what_azure_refuses_is_one_line(
    azure: Azure, template: Write, tmp_path: Path, planted: Fault, told: str, hint: str
) -> None:
    path = template(SHELL, distribute=[shared(azure.definition("web"))])
    azure.cloud.plant(planted)
    done = azure.imagegen("apply", path, "--out", tmp_path / "out", code=1)
    line, advice = error_of(done.stderr)
    assert told in line
    assert hint in advice


def without(azure: Azure, *actions: str) -> None:
    """Take actions out of the role that builds are run with."""
    (role,) = azure.cloud.hook("roles")
    azure.cloud.set(roles=[role | {"actions": [one for one in role["actions"] if one not in actions]}])


@pytest.mark.parametrize(
    ("action", "upload"),
    [
        ("Microsoft.Compute/virtualMachines/write", False),  # azurerm asks
        (SUBNETS, False),  # azurerm asks, and Azure looks at the subnet as well
        (f"{STORAGE}/fileServices/read", True),  # azurerm reads it beside an account
        (f"{STORAGE}/blobServices/read", True),
        ("Microsoft.Compute/locations/operations/read", True),  # a poller
        ("Microsoft.Compute/virtualMachines/generalize/action", False),  # the SDK asks
    ],
)
def test_a_right_that_is_missing_is_named(
    azure: Azure, template: Write, tmp_path: Path, action: str, upload: bool
) -> None:
    without(azure, action)
    (tmp_path / "motd").write_text("hello")
    file = {"type": "File", "name": "motd", "sourceUri": str(tmp_path / "motd"), "destination": "/tmp/motd"}
    steps = [SHELL, file] if upload else [SHELL]
    path = template(*steps, vmProfile=private(azure), distribute=[shared(azure.definition("web"))])
    done = azure.imagegen("apply", path, "--out", tmp_path / "out", code=1)
    line, hint = error_of(done.stderr)
    assert f"the credential may not do {action} on /subscriptions/" in line
    assert "examples/roles" in hint


@pytest.mark.parametrize("communicator", ["run-command", "extension"])
@pytest.mark.parametrize("windows", [False, True], ids=["linux", "windows"])
def test_a_script_that_fails_is_told_by_its_exit_code(
    azure: Azure, template: Write, tmp_path: Path, communicator: str, windows: bool
) -> None:
    """By a run command or an extension as over SSH."""
    failing = {"exit_code": 2, "output": "disk is full\n", "error": "nothing is left"}
    azure.cloud.set(scripts=[{"name": "010-fail", **failing}, {"name": "steps", **failing}, *USUAL])
    step = {"type": "PowerShell", "name": "fail", "inline": ["exit 2"]} if windows else FAIL
    source: dict[str, Any] = {"source": WINDOWS} if windows else {}
    image = azure.definition("web", "Windows" if windows else "Linux")
    path = template(step, distribute=[shared(image)], **source)
    done = azure.imagegen(
        "apply", path, "--out", tmp_path / "out", "--communicator", communicator, code=1
    )  # fmt: skip
    line, hint = error_of(done.stderr)
    assert line.endswith(f"`{'010 fail' if communicator == 'run-command' else 'all steps'}` failed: exit code 2")
    assert not hint
    assert (communicator == "extension" and windows) or "disk is full" in done.stderr
