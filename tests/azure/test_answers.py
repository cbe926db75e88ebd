"""Each refusal of Azure's, to azurerm and to the SDK: told in its words, and nothing is left or lost."""

import re
from pathlib import Path

import pytest

from tests.azure.conftest import Azure, Write
from tests.azure.killing import LONG
from tests.azure.making import MACHINES, SHELL, VERSIONS, ledger, private, shared
from tests.azure.rest import at_rest, nothing_left
from tests.azure_sim.faults import FOREVER, fault
from tests.chaos.azure_faults import REFUSALS
from tests.support.waiting import HANG_SECONDS, wait_until

PASSING = (429, 500, 503)
# As imagegen tells them, which is as Azure does unless it knows better.
TOLD = {status: message.partition(".")[0] for status, (_, message) in REFUSALS.items()} | {
    403: "the credential may not do a/write on /s"
}


@pytest.mark.parametrize(
    ("action", "kind", "status", "told"),
    [
        *(("create", MACHINES, status, TOLD[status]) for status in REFUSALS),  # azurerm asks
        *(("deallocate", MACHINES, status, TOLD[status]) for status in (401, 404, *PASSING)),  # the SDK asks
        # A 409 is waited out: see test_capture.
        ("deallocate", MACHINES, 403, TOLD[403]),
    ],
)
def test_a_refusal_ends_the_build(
    azure: Azure, template: Write, tmp_path: Path, action: str, kind: str, status: int, told: str
) -> None:
    """What Azure says is said, in one error, once it was asked again as often as makes sense."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    code, message = REFUSALS[status]
    soon = 0.1 if status in PASSING else None
    azure.cloud.plant(fault(action, kind, status=status, code=code, message=message, retry_after=soon, times=FOREVER))
    done = azure.imagegen("apply", path, "--out", tmp_path / "out", code=1)
    assert told in done.stderr, done.stderr
    assert len(re.findall("^error: ", done.stderr, re.MULTILINE)) == 1, done.stderr
    nothing_left(azure, tmp_path / "out", before)


@pytest.mark.parametrize("status", PASSING)
def test_what_passes_is_asked_again(azure: Azure, template: Write, tmp_path: Path, status: int) -> None:
    """A busy or broken Azure, twice at each end, costs time only."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    code, message = REFUSALS[status]
    for action, kind in (("create", MACHINES), ("deallocate", MACHINES), ("read", VERSIONS), ("delete", "*")):
        azure.cloud.plant(fault(action, kind, status=status, code=code, message=message, retry_after=0.1, times=2))
    azure.imagegen("apply", path, "--out", tmp_path / "out")
    at_rest(azure, tmp_path / "out", before, {f"{image}/versions/1.0.0"})


def test_an_image_that_shows_late_is_released(azure: Azure, template: Write, tmp_path: Path) -> None:
    """For a while Azure says that what it has begun to make is not there; it is not left behind for that."""
    image, out = azure.definition("web"), tmp_path / "out"
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    azure.cloud.plant(fault("create", VERSIONS, "slow", seconds=LONG))
    missing = fault("read", VERSIONS, status=404, code="ResourceNotFound", message="It is not there.", times=4)
    with azure.cloud.clock.held():
        child = azure.imagegen.start("apply", path, "--out", out)
        wait_until(lambda: bool(azure.names(VERSIONS)))
        azure.cloud.plant(missing)
    told = child.communicate(timeout=HANG_SECONDS)[1]
    azure.cloud.set(faults=[])
    azure.imagegen("cleanup", out)
    assert list(ledger(out)) == ["1.0.0"], told
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})
