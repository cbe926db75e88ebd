"""A machine takes 25 run commands; a template has as many steps as it likes."""

from pathlib import Path

import pytest

from tests.azure.conftest import USUAL, Azure, Write
from tests.azure.making import COMMANDS, MACHINES, Part, private, shared
from tests.azure.rest import at_rest, nothing_left

STEPS = 40


def numbered(count: int, **differs: Part) -> list[Part]:
    """So many scripts; by number, what one has otherwise."""
    usual = {"type": "Shell", "inline": ["true"]}
    return [usual | {"name": f"s{number}"} | differs.get(f"s{number}", {}) for number in range(1, count + 1)]


def keys(count: int) -> list[str]:
    """Their keys."""
    return [f"{number * 10:03d}-s{number}" for number in range(1, count + 1)]


def test_forty_steps_and_thirty_validators(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Preparing and deprovisioning count, and so does what imagegen itself runs between the steps."""
    image = azure.definition("web")
    (tmp_path / "motd").write_text("hello")
    file = {"type": "File", "name": "motd", "sourceUri": str(tmp_path / "motd"), "destination": "/tmp/motd"}
    steps, checks = numbered(STEPS), numbered(30)
    path = template(
        *steps, file, vmProfile=private(azure), validate={"inVMValidations": checks}, distribute=[shared(image)]
    )
    before = azure.names()
    out = tmp_path / "out"
    planned = azure.imagegen("plan", path, "--out", out).stdout
    assert planned.count("040 s4") == 2  # once as a step, once as a validator: what makes room is no work of its own
    azure.imagegen("apply", path, "--out", out)
    names = [each["name"] for each in azure.cloud.ran()]
    assert names == ["000-prepare", *keys(STEPS), "imagegen-410-motd", "999-deprovision", *keys(30)]
    assert len(azure.cloud.asked(COMMANDS)) == len(names)
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


@pytest.mark.parametrize("fails", ["s21", "s30"], ids=["at the step that makes room", "after it"])
def test_a_build_that_broke_goes_on_behind_the_steps_that_made_room(
    azure: Azure, template: Write, tmp_path: Path, fails: str
) -> None:
    """No step is run twice but the one that failed."""
    image = azure.definition("web")
    azure.cloud.set(scripts=[{"name": f".*-{fails}", "exit_code": 1}, *USUAL])
    place = {"vmProfile": private(azure), "distribute": [shared(image)]}
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", template(*numbered(32), **place), "--out", out, "--on-error", "abort", code=1)
    azure.cloud.set(scripts=USUAL)
    azure.imagegen("apply", template(*numbered(32, **{fails: {"inline": ["echo ok"]}}), **place), "--out", out)
    ran = [each["name"] for each in azure.cloud.ran() if each["name"] != "imagegen-log"]
    at = int(fails[1:]) - 1
    assert ran == ["000-prepare", *keys(32)[: at + 1], *keys(32)[at:], "999-deprovision"]
    assert len(azure.cloud.asked(MACHINES)) == 1
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_a_right_to_remove_that_is_missing_is_told_of_the_step(azure: Azure, template: Write, tmp_path: Path) -> None:
    image = azure.definition("web")
    (role,) = azure.cloud.hook("roles")
    azure.cloud.set(roles=[role | {"notActions": ["Microsoft.Compute/virtualMachines/runCommands/delete"]}])
    path = template(*numbered(22), vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    done = azure.imagegen("apply", path, "--out", tmp_path / "out", code=1)
    assert "`200 s20` failed: removing finished run commands: the credential may not do" in done.stderr
    assert "examples/roles" in done.stderr
    nothing_left(azure, tmp_path / "out", before)
