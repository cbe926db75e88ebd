"""Validation: in a second machine from an image of the build, or of the source alone."""

from pathlib import Path

import pytest

from tests.azure.conftest import USUAL, Azure, Write
from tests.azure.making import MACHINES, SHELL, Part, private, security, shared
from tests.azure.rest import at_rest, nothing_left

CHECK: Part = {"inVMValidations": [{"type": "Shell", "name": "check", "inline": ["true"]}]}


@pytest.mark.parametrize(
    ("kind", "source"),
    [("", "/images/captured"), ("TrustedLaunch", "/galleries/captured_{id}/images/captured/versions/1.0.0")],
    ids=["managed image", "throw-away gallery"],
)
def test_the_validators_run_on_an_image_of_the_build(
    azure: Azure, template: Write, tmp_path: Path, kind: str, source: str
) -> None:
    """A managed image in staging, or a gallery there where Azure makes no managed image; both go with the staging."""
    image = azure.definition("web", features=security(kind) if kind else [])
    path = template(SHELL, vmProfile=private(azure), validate=CHECK, distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out)
    first, second = azure.cloud.asked(MACHINES)
    assert second["id"].endswith("/virtualMachines/validation")
    identity = second["tags"]["imagegen:workspace"]
    reference = second["properties"]["storageProfile"]["imageReference"]["id"]
    assert reference.endswith(source.format(id=identity))
    assert first["properties"].get("securityProfile") == second["properties"].get("securityProfile")
    assert [(each["machine"].rpartition("/")[2], each["name"]) for each in azure.cloud.ran()] == [
        ("machine", "000-prepare"), ("machine", "010-hello"), ("machine", "999-deprovision"),
        ("validation", "010-check"),
    ]  # fmt: skip
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


@pytest.mark.parametrize("go_on", [False, True], ids=["stop", "continue"])
def test_a_validation_that_fails(azure: Azure, template: Write, tmp_path: Path, go_on: bool) -> None:
    """The command fails and shows why; images are made only with continueDistributeOnFailure."""
    failing = {"name": "010-check", "exit_code": 3, "output": "port 80 is closed\n", "error": "exit code 3"}
    azure.cloud.set(scripts=[failing, *USUAL])
    image = azure.definition("web")
    validate = CHECK | {"continueDistributeOnFailure": go_on}
    path = template(SHELL, vmProfile=private(azure), validate=validate, distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    done = azure.imagegen("apply", path, "--out", out, code=1)
    assert "`010 check` failed" in done.stderr
    assert "port 80 is closed" in done.stderr
    if go_on:
        at_rest(azure, out, before, {f"{image}/versions/1.0.0"})
    else:
        nothing_left(azure, out, before)


def test_only_the_source_is_validated(azure: Azure, template: Write, tmp_path: Path) -> None:
    """No customizers, no image: one machine of the source, in which the validators run."""
    image = azure.definition("web")
    validate = CHECK | {"sourceValidationOnly": True}
    path = template(SHELL, vmProfile=private(azure), validate=validate, distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out)
    (machine,) = azure.cloud.asked(MACHINES)
    assert machine["properties"]["storageProfile"]["imageReference"]["version"] == "0.20250101.1"
    assert [each["name"] for each in azure.cloud.ran()] == ["010-check"]
    nothing_left(azure, out, before)
