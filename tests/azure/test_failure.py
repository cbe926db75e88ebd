"""Builds that break: what stays, what goes, and how the next command goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.azure.conftest import USUAL, Azure, Write
from tests.azure.killing import LONG, kill_while
from tests.azure.making import MACHINES, SHELL, VERSIONS, Part, ledger, managed, private, shared
from tests.azure.rest import at_rest, nothing_left
from tests.azure_sim.faults import fault

FAIL: Part = {"type": "Shell", "name": "fail", "inline": ["exit 2"]}
FAILING = {"name": "020-fail", "exit_code": 2, "output": "disk is full\n", "error": "exit code 2"}
GROUP = "Microsoft.Resources/resourceGroups"


def ran(azure: Azure) -> list[str]:
    """The names of the scripts that were run, but for those that fetch a log."""
    return [each["name"] for each in azure.cloud.ran() if each["name"] != "imagegen-log"]


def test_a_failing_step_is_shown_and_everything_goes(azure: Azure, template: Write, tmp_path: Path) -> None:
    azure.cloud.set(scripts=[FAILING, *USUAL])
    image = azure.definition("web")
    path = template(SHELL, FAIL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    done = azure.imagegen("apply", path, "--out", out, code=1)
    assert "`020 fail` failed" in done.stderr
    assert "exit code 2" in done.stderr
    assert "disk is full" in done.stderr
    nothing_left(azure, out, before)


def test_a_kept_machine_goes_on_at_the_failed_step(azure: Azure, template: Write, tmp_path: Path) -> None:
    """With `abort` the machine stays; after the step is mended only it and what follows is run, on that machine."""
    azure.cloud.set(scripts=[FAILING, *USUAL])
    image = azure.definition("web")
    path = template(SHELL, FAIL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out, "--on-error", "abort", code=1)
    (machine,) = azure.cloud.resources(arm_type=MACHINES)
    assert machine["state"]["power"] == "running"
    assert "is kept" in azure.imagegen("status", out).stdout
    azure.cloud.set(scripts=USUAL)
    path = template(SHELL, FAIL | {"inline": ["true"]}, vmProfile=private(azure), distribute=[shared(image)])
    done = azure.imagegen("apply", path, "--out", out)
    assert "going on with the build of 1.0.0 at `020 fail`" in done.stderr
    assert ran(azure) == ["000-prepare", "010-hello", "020-fail", "020-fail", "999-deprovision"]
    assert len(azure.cloud.asked(MACHINES)) == 1
    assert ledger(out)["1.0.0"]["resumed"] is True
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_a_step_that_was_cut_off_is_ended_and_run_again(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Azure runs it on when imagegen and Terraform are killed; nothing of it is in the state."""
    azure.cloud.set(scripts=[{"name": "020-fail", "seconds": LONG}, *USUAL])
    image = azure.definition("web")
    path = template(SHELL, FAIL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    journal = out / ".imagegen/journal.json"
    begun = lambda: "020-fail" in ran(azure) and "step_020_fail" in journal.read_text()  # noqa: E731
    kill_while(azure, begun, "apply", path, "--out", out)
    azure.cloud.set(scripts=USUAL)
    done = azure.imagegen("apply", out)
    assert "going on with the build of 1.0.0 at `020 fail`" in done.stderr
    assert ran(azure) == ["000-prepare", "010-hello", "020-fail", "020-fail", "999-deprovision"]
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_cleanup_ends_a_kept_machine(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Also a VM that was stopped meanwhile, whose run commands Azure does not delete (azure/FACTS.md 5)."""
    azure.cloud.set(scripts=[FAILING, *USUAL])
    image = azure.definition("web")
    handling = {"onCustomizerError": "abort"}
    path = template(SHELL, FAIL, vmProfile=private(azure), distribute=[shared(image)], errorHandling=handling)
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out, code=1)
    (machine,) = azure.cloud.resources(arm_type=MACHINES)
    azure.cloud.act(machine["id"], "deallocate")
    assert "ended: " in azure.imagegen("cleanup", out).stderr
    nothing_left(azure, out, before)


@pytest.mark.parametrize("kind", [GROUP, MACHINES])
def test_a_lost_answer_leaks_nothing(azure: Azure, template: Write, tmp_path: Path, kind: str) -> None:
    """What was made although nobody was told is found again by its group."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    azure.cloud.plant(fault("create", kind, "lose"))
    azure.imagegen("apply", path, "--out", tmp_path / "out", code=1)
    assert [name for action, name in azure.cloud.journal("create")]
    nothing_left(azure, tmp_path / "out", before)


def test_an_image_whose_answer_was_lost_is_not_made_twice(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Azure goes on without Terraform: the version is asked for until it is whole everywhere, and then released."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image), managed(image_id(azure))])
    before = azure.names()
    azure.cloud.plant(fault("create", VERSIONS, "lose"))
    azure.cloud.set(replication=1)
    done = azure.imagegen("apply", path, "--out", tmp_path / "out")
    assert "came about all the same" in done.stderr
    assert len(azure.cloud.asked(VERSIONS)) == 1
    at_rest(azure, tmp_path / "out", before, {f"{image}/versions/1.0.0", image_id(azure)})


def image_id(azure: Azure) -> str:
    """Where a managed image goes."""
    return azure.definition("web").partition("/galleries/")[0] + "/images/web"


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (lambda cloud: cloud.set(replication_fails=["northeurope"]), "northeurope"),
        (lambda cloud: cloud.plant(fault("create", VERSIONS, "fail", code="Full", message="no room")), "no room"),
    ],
    ids=["in one region", "as a whole"],
)
def test_an_image_that_fails_is_taken_away(
    azure: Azure, template: Write, tmp_path: Path, trouble: Callable[[Any], None], told: str
) -> None:
    """The version that did not become whole goes; the next build has its number."""
    image = azure.definition("web")
    regions = [{"name": "westeurope"}, {"name": "northeurope"}]
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image, targetRegions=regions)])
    before = azure.names()
    out = tmp_path / "out"
    trouble(azure.cloud)
    done = azure.imagegen("apply", path, "--out", out, code=1)
    assert told in done.stderr
    nothing_left(azure, out, before)


@pytest.mark.parametrize("kind", [MACHINES, VERSIONS])
def test_after_kill_the_next_command_settles_it(azure: Azure, template: Write, tmp_path: Path, kind: str) -> None:
    """imagegen and Terraform die while a machine, or an image, is being made: the one goes, the other is released."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    azure.cloud.plant(fault("create", kind, "slow", seconds=LONG))
    kill_while(azure, lambda: bool(azure.names(kind)), "apply", path, "--out", out)
    assert "left" in azure.imagegen("status", out).stdout
    if kind == MACHINES:
        azure.imagegen("cleanup", out)
        nothing_left(azure, out, before)
        return
    done = azure.imagegen("apply", out)
    assert done.stdout.strip() == f"{image}/versions/1.0.1"
    at_rest(azure, out, before, {f"{image}/versions/1.0.0", f"{image}/versions/1.0.1"})


def test_trouble_that_passes_is_sat_out(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Too many requests, a server that stumbles, a lost answer to a question: the build notices nothing."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    busy: Any = {"status": 429, "code": "TooManyRequests", "retry_after": 1.0}
    for planted in (
        fault("create", MACHINES, **busy), fault("read", "Microsoft.Compute/galleries/images", **busy),
        fault("deallocate", MACHINES, status=503, code="ServerBusy"), fault("read", MACHINES, status=500, times=2),
        fault("list", VERSIONS, status=500, code="InternalServerError"), fault("create", VERSIONS, status=500),
        fault("delete", GROUP, **busy), fault("read", "Microsoft.Compute/galleries/images", "lose"),
    ):  # fmt: skip
        azure.cloud.plant(planted)
    azure.imagegen("apply", path, "--out", tmp_path / "out")
    assert [each["times"] for each in azure.cloud.hook("faults")] == [0] * 8
    at_rest(azure, tmp_path / "out", before, {f"{image}/versions/1.0.0"})
