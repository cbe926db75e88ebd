"""What a target does not carry out: refused by name, or ignored with a warning; told only when it is asked for."""

import json
from dataclasses import replace
from typing import Any

import pytest

from generator.settings import Settings
from tests.unit.template.making import (
    GALLERY,
    GROUP,
    IDENTITY,
    LOCAL,
    SOURCE,
    SUBNET,
    WINDOWS,
    problems,
    shared,
    shell,
    template,
)

AZURE = Settings(target="azure", cache_dir=LOCAL.cache_dir, state_dir=LOCAL.state_dir)
POWERSHELL = {"type": "PowerShell", "inline": ["a"]}
PLAN = {"planName": "a", "planProduct": "b", "planPublisher": "c"}
VNET = {"subnetId": SUBNET + "a", "containerInstanceSubnetId": SUBNET + "b"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"source": {"type": "ManagedImage", "imageId": f"{GROUP}/images/x"}}, "source.type"),
    ({"source": {"type": "SharedImageVersion", "imageVersionId": f"{GALLERY}/versions/latest"}}, "source.type"),
    ({"source": WINDOWS, "customize": [POWERSHELL]}, "source"),
    ({"source": WINDOWS, "customize": [POWERSHELL]}, "customize[0].type"),
    ({"source": WINDOWS, "customize": [{"type": "WindowsRestart"}]}, "customize[0].type"),
    ({"source": WINDOWS, "customize": [{"type": "WindowsUpdate"}]}, "customize[0].type"),
    ({"source": WINDOWS, "customize": [], "validate": {"inVMValidations": [POWERSHELL]}},
     "validate.inVMValidations[0].type"),
    ({"customize": [], "validate": {"sourceValidationOnly": True, "inVMValidations": [shell(inline=["a"])]}},
     "validate.sourceValidationOnly"),
    ({"optimize": {"vmBoot": {"state": "Enabled"}}}, "optimize.vmBoot.state"),
    ({"optimize": {"workload": {"state": "Enabled"}}}, "optimize.workload.state"),
    ({"additionalDataDisks": [{"sizeGB": 1}]}, "additionalDataDisks"),
]  # fmt: skip
IGNORED: list[tuple[dict[str, Any], str]] = [
    ({"source": SOURCE | {"planInfo": PLAN}}, "source.planInfo"),
    ({"autoRun": {"state": "Enabled"}}, "autoRun.state"),
    ({"managedResourceTags": {"a": "b"}}, "managedResourceTags"),
    ({"stagingResourceGroup": GROUP.partition("/providers")[0]}, "stagingResourceGroup"),
    ({"vmProfile": {"vnetConfig": {"subnetId": SUBNET + "a"}}}, "vmProfile.vnetConfig"),
    ({"vmProfile": {"userAssignedIdentities": [IDENTITY]}}, "vmProfile.userAssignedIdentities"),
    ({"distribute": [shared(targetRegions=[{"name": "x"}])]}, "distribute[0].targetRegions"),
    ({"distribute": [shared(replicationRegions=["x"])]}, "distribute[0].replicationRegions"),
    ({"distribute": [shared(replicationMode="Shallow")]}, "distribute[0].replicationMode"),
    ({"distribute": [shared(excludeFromLatest=True)]}, "distribute[0].excludeFromLatest"),
    ({"distribute": [shared(storageAccountType="Standard_LRS")]}, "distribute[0].storageAccountType"),
    ({"distribute": [shared(versioning={"scheme": "Latest"})]}, "distribute[0].versioning"),
]


@pytest.mark.parametrize(("change", "path"), REFUSED)
def test_refused_by_name_on_this_computer(change: dict[str, Any], path: str) -> None:
    text = json.dumps(template(**change), indent=1)
    (found,) = [one for one in problems(text) if one.path == f"properties.{path}"]
    assert found.message.endswith("is not supported on the local target")
    name = path.rsplit(".", 1)[-1]
    line = text.splitlines()[found.line - 1]
    assert found.column == line.index(f'"{name}":') + len(name) + 5


@pytest.mark.parametrize(("change", "path"), IGNORED)
def test_ignored_with_a_warning_on_this_computer(change: dict[str, Any], path: str) -> None:
    (found,) = problems(template(**change))
    assert (found.path, found.level) == (f"properties.{path}", "warning")
    assert found.message.endswith("has no effect on the local target")


def test_an_identity_has_no_effect_on_this_computer() -> None:
    identity = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}
    assert [one.path for one in problems(template() | {"identity": identity})] == ["identity"]


@pytest.mark.parametrize(("change", "path"), REFUSED + IGNORED)
def test_the_format_has_it(change: dict[str, Any], path: str) -> None:
    """Without a target in mind it is accepted, and what the target says is kept apart."""
    assert problems(template(**change), building=False) == []


def test_refusals_are_kept_apart() -> None:
    from generator.template import read_bytes

    value = template(additionalDataDisks=[{"sizeGB": 1}], buildTimeoutInMinutes=5)
    read = read_bytes(json.dumps(value).encode(), "t", LOCAL, building=False)
    assert [one.path for one in read.warnings] == ["properties.buildTimeoutInMinutes"]
    assert [one.path for one in read.refusals] == ["properties.additionalDataDisks"]


IGNORED_BY_AZURE: list[tuple[dict[str, Any], str]] = [
    ({"autoRun": {"state": "Enabled"}}, "autoRun.state"),
    ({"vmProfile": {"vnetConfig": VNET}}, "vmProfile.vnetConfig.containerInstanceSubnetId"),
    ({"vmProfile": {"vnetConfig": {"subnetId": SUBNET + "a", "proxyVmSize": "x"}}}, "vmProfile.vnetConfig.proxyVmSize"),
    ({"source": WINDOWS, "customize": [{"type": "WindowsRestart", "restartCommand": "shutdown /r"}]},
     "customize[0].restartCommand"),
]  # fmt: skip
REFUSED_BY_AZURE: list[tuple[dict[str, Any], str]] = [
    ({"optimize": {"vmBoot": {"state": "Enabled"}}}, "optimize.vmBoot.state"),
    ({"optimize": {"workload": {"state": "Enabled"}}}, "optimize.workload.state"),
    ({"additionalDataDisks": [{"sizeGB": 1}]}, "additionalDataDisks"),
    ({"distribute": [{"type": "VHD", "runOutputName": "a"}]}, "distribute[0]"),
]


@pytest.mark.parametrize(("change", "path"), IGNORED_BY_AZURE)
def test_ignored_with_a_warning_in_azure(change: dict[str, Any], path: str) -> None:
    (found,) = problems(template(**({"distribute": [shared()]} | change)), AZURE)
    assert (found.path, found.level) == (f"properties.{path}", "warning")


@pytest.mark.parametrize(("change", "path"), REFUSED_BY_AZURE)
def test_refused_by_name_in_azure(change: dict[str, Any], path: str) -> None:
    (found,) = problems(template(**({"distribute": [shared()]} | change)), AZURE)
    assert (found.path, found.level) == (f"properties.{path}", "error")
    assert found.message.endswith("is not supported on the azure target")


@pytest.mark.parametrize(
    ("size", "subnet", "communicator", "customize", "warned"),
    [
        ("Standard_D2ps_v5", True, "auto", [shell(inline=["a"])], True),
        ("Standard_D2pds_v6", False, "run-command", [shell(inline=["a"])], True),
        ("Standard_E16-4pds_v5", True, "auto", [shell(inline=["a"])], True),
        ("Standard_D2ps_v5", False, "auto", [shell(inline=["a"])], False),  # over SSH
        ("Standard_D2s_v5", True, "auto", [shell(inline=["a"])], False),
        ("Standard_DC2as_v5", True, "auto", [shell(inline=["a"])], False),
        ("Standard_D2ps_v5", True, "auto", [POWERSHELL], False),
    ],
)
def test_run_commands_on_linux_on_arm64_are_warned_of(
    size: str, subnet: bool, communicator: str, customize: list[dict[str, Any]], warned: bool
) -> None:
    profile = {"vmSize": size} | ({"vnetConfig": {"subnetId": SUBNET + "a"}} if subnet else {})
    source = WINDOWS if POWERSHELL in customize else SOURCE
    text = json.dumps(template(source=source, vmProfile=profile, customize=customize))
    found = problems(text, replace(AZURE, communicator=communicator))
    told = [(one.level, one.path) for one in found if "on Arm64" in one.message]
    assert told == ([("warning", "properties.vmProfile.vmSize")] if warned else [])
