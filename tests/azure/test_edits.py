"""What is edited, deleted or made by others between two commands."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.azure.conftest import LINUX, USUAL, Azure, Write
from tests.azure.killing import LONG, kill_while
from tests.azure.making import MACHINES, SHELL, VERSIONS, ledger, private, shared
from tests.azure.rest import at_rest, nothing_left
from tests.azure_sim.arm.blobs import Lease
from tests.azure_sim.faults import FOREVER, fault
from tests.support.waiting import HANG_SECONDS, wait_until

GROUP = "Microsoft.Resources/resourceGroups"
BROKEN = [{"name": "010-hello", "exit_code": 1}, *USUAL]


def test_an_edit_of_distribute_leaves_no_machine(azure: Azure, template: Write, tmp_path: Path) -> None:
    """The names of staging come from where images go: a build that was kept is found by those that it began with."""
    one, two, net = azure.definition("web"), azure.definition("db"), private(azure)
    before = azure.names()
    out = tmp_path / "out"
    azure.cloud.set(scripts=BROKEN)
    path = template(SHELL, vmProfile=net, distribute=[shared(one)])
    azure.imagegen("apply", path, "--out", out, "--on-error", "abort", code=1)
    azure.cloud.set(scripts=USUAL)
    path = template(SHELL, vmProfile=net, distribute=[shared(one), shared(two, "second")])
    done = azure.imagegen("apply", path, "--out", out, "--yes")
    assert "starts anew: its source, its machine or where its images go was changed" in done.stderr
    at_rest(azure, out, before, {f"{image}/versions/1.0.0" for image in (one, two)})


def test_a_version_is_retired_after_an_edit(azure: Azure, template: Write, tmp_path: Path) -> None:
    """It is of the workspace that made it."""
    one, two, net = azure.definition("web"), azure.definition("db"), private(azure)
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", template(SHELL, vmProfile=net, distribute=[shared(one)]), "--out", out)
    path = template(SHELL, vmProfile=net, distribute=[shared(one), shared(two, "second")])
    azure.imagegen("generate", path, "--out", out)
    azure.imagegen("releases", "retire", out, "1.0.0", "--yes")
    nothing_left(azure, out, before)


def test_a_number_that_somebody_else_took_is_theirs(azure: Azure, template: Write, tmp_path: Path) -> None:
    """It was free when the build began. Their image is neither ours nor changed, and ours is not said to be there."""
    one = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(one)])
    out = tmp_path / "out"
    azure.cloud.set(scripts=[{"name": "010-hello", "seconds": LONG}, *USUAL])
    with azure.cloud.clock.held():
        child = azure.imagegen.start("apply", path, "--out", out)
        wait_until(lambda: any(each["name"] == "010-hello" for each in azure.cloud.ran()))
        theirs = azure.version(one, "1.0.0")
        azure.cloud.change(theirs, tags={"imagegen:workspace": "another", "imagegen:version": "1.0.0"})
        before = azure.cloud.get(theirs)
    told = child.communicate(timeout=HANG_SECONDS)[0]
    assert child.returncode == 1
    assert "exists already" in told
    assert "it is left as it is" in told
    assert azure.cloud.get(theirs) == before
    assert ledger(out) == {}
    azure.cloud.set(scripts=USUAL)
    azure.imagegen("apply", out)
    assert list(ledger(out)) == ["1.0.1"]


def test_another_source_starts_anew(azure: Azure, template: Write, tmp_path: Path) -> None:
    """The machine that stands was made of the old one."""
    versions = ["0.20250101.1", "0.20250202.2"]
    azure.cloud.set(marketplace={"Debian:debian-12:12-gen2": {"versions": versions}}, scripts=BROKEN)
    one, net, out = azure.definition("web"), private(azure), tmp_path / "out"
    old, new = ({"source": LINUX | {"version": version}} for version in versions)
    path = template(SHELL, **old, vmProfile=net, distribute=[shared(one)])
    azure.imagegen("apply", path, "--out", out, "--on-error", "abort", code=1)
    azure.cloud.set(scripts=USUAL)
    done = azure.imagegen(
        "apply", template(SHELL, **new, vmProfile=net, distribute=[shared(one)]), "--out", out, "--yes"
    )
    assert "starts anew" in done.stderr
    assert ledger(out)["1.0.0"]["source"].endswith(versions[1])


def killed_at_its_image(azure: Azure, template: Write, out: Path) -> list[str]:
    """A build that was killed while its image was made, which came about; what was there before."""
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(azure.definition("web"))])
    before = azure.names()
    azure.cloud.plant(fault("create", VERSIONS, "slow", seconds=LONG))
    kill_while(azure, lambda: bool(azure.names(VERSIONS)), "apply", path, "--out", out)
    return before


def test_a_gallery_that_says_nothing_keeps_no_machine(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Whether the image is whole cannot be asked; the machine goes, and the rest is settled later."""
    out = tmp_path / "out"
    before = killed_at_its_image(azure, template, out)
    refusal = fault("read", VERSIONS, status=403, code="AuthorizationFailed", message="no", times=FOREVER)
    azure.cloud.plant(refusal)
    azure.imagegen("cleanup", out, code=1)
    assert azure.names(MACHINES) == []
    azure.cloud.set(faults=[])
    image = azure.names(VERSIONS)[0]
    assert "1.0.0 is released: its images were made" in azure.imagegen("cleanup", out).stderr
    at_rest(azure, out, before, {image})


def test_status_needs_no_login(azure: Azure, template: Write, tmp_path: Path) -> None:
    """It tells what it knows."""
    out = tmp_path / "out"
    killed_at_its_image(azure, template, out)
    environment = azure.imagegen.environment
    told = subprocess.run(
        [*azure.imagegen.command, "status", str(out)], capture_output=True, text=True, check=True,
        env={name: value for name, value in environment.items() if not name.startswith("ARM_CLIENT")},
    )  # fmt: skip
    assert "was left behind in phase distribute" in told.stdout


@pytest.mark.parametrize("has_journal", [True, False])
def test_what_another_computer_left_half_way_stops_nothing(
    azure: Azure, template: Write, tmp_path: Path, has_journal: bool
) -> None:
    """The build's own folder is gone with it; and the journal, where only the state is shared."""
    out = tmp_path / "out"
    before = killed_at_its_image(azure, template, out)
    image = azure.names(VERSIONS)[0]
    made = {
        "module": 'module.image["out/1.0.0"]', "mode": "managed", "type": "azurerm_shared_image_version",
        "name": "this", "provider": 'provider["registry.terraform.io/hashicorp/azurerm"]',
        "instances": [{"schema_version": 0, "index_key": None, "attributes": {"id": image, "name": "1.0.0"}}],
    }  # fmt: skip
    state = json.loads((out / "terraform.tfstate").read_text())
    state["resources"] = [one for one in state["resources"] if one["instances"]] + [made]
    (out / "terraform.tfstate").write_text(json.dumps(state))
    for folder in (azure.imagegen.state_dir / "builds").iterdir():
        subprocess.run(["rm", "-r", str(folder)], check=True)
    if not has_journal:
        subprocess.run(["rm", "-r", str(out / ".imagegen")], check=True)
    told = azure.imagegen("cleanup", out, *([] if has_journal else ["--others"])).stderr
    assert azure.names(MACHINES) == []
    if has_journal:
        assert "1.0.0 is released: its images were made" in told
        at_rest(azure, out, before, {image})
    else:
        assert "the state has released images that the ledger lacks: 1.0.0" in told
        assert set(azure.names()) - set(before) == {image}
        assert "imagegen releases repair" in azure.imagegen("apply", out, code=1).stderr


def test_an_image_that_the_ledger_lacks_is_told_of(azure: Azure, template: Write, tmp_path: Path) -> None:
    """It was made on another computer, of which nothing is left."""
    out = tmp_path / "out"
    killed_at_its_image(azure, template, out)
    for folder in (out / ".imagegen", azure.imagegen.state_dir / "builds"):
        subprocess.run(["rm", "-r", str(folder)], check=True)
    azure.imagegen("cleanup", out, "--others")
    done = azure.imagegen("apply", out)
    assert "note: 1.0.0: of this workspace, and not in its ledger" in done.stderr
    assert list(ledger(out)) == ["1.0.1"]
    assert [name.rpartition("/")[2] for name in azure.names(VERSIONS)] == ["1.0.0", "1.0.1"]


def test_a_release_that_is_gone_is_told_with_what_to_do(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Somebody deleted it in the portal."""
    one = azure.definition("web")
    out = tmp_path / "out"
    before = azure.names()
    azure.imagegen("apply", template(SHELL, vmProfile=private(azure), distribute=[shared(one)]), "--out", out)
    before = sorted({*before, *(name for name in azure.names() if "/subnets/" in name)})
    azure.cloud.delete(f"{one}/versions/1.0.0")
    done = azure.imagegen("apply", out, code=1)
    assert "if the image of 1.0.0 is gone, `imagegen releases retire DIR 1.0.0`" in done.stderr
    azure.imagegen("cleanup", out)
    azure.imagegen("releases", "retire", out, "1.0.0", "--yes")
    released = [version for version, each in ledger(out).items() if each["status"] == "released"]
    azure.imagegen("apply", out)
    assert set(ledger(out)) > set(released) | {"1.0.0"}


def test_a_build_in_another_folder_is_not_ended(azure: Azure, template: Write, tmp_path: Path) -> None:
    """A second folder or a colleague's clone has the same names. When the build's time is over it has died."""
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(azure.definition("web"))])
    before = azure.names()
    one, two = tmp_path / "one", tmp_path / "two"
    azure.imagegen("generate", path, "--out", two)
    azure.cloud.set(scripts=[{"name": "010-hello", "seconds": LONG}, *USUAL])
    with azure.cloud.clock.held():
        child = azure.imagegen.start("apply", path, "--out", one)
        wait_until(lambda: any(each["name"] == "010-hello" for each in azure.cloud.ran()))
        for command in (("cleanup", two), ("apply", two)):
            told = azure.imagegen(*command, code=1).stderr
            assert "is of a build that was begun in another folder or on another computer" in told
            assert "`imagegen cleanup DIR --others` ends it" in told
    child.communicate(timeout=HANG_SECONDS)
    assert child.returncode == 0
    image = ledger(one)["1.0.0"]["images"]["out"]["id"]
    at_rest(azure, one, before, {image})


@pytest.mark.parametrize("how", ["--others", "its time is over"])
def test_a_build_that_died_in_another_folder_is_ended(azure: Azure, template: Write, tmp_path: Path, how: str) -> None:
    """Its folder is gone, or nobody goes there any more."""
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(azure.definition("web"))])
    before = azure.names()
    one, two = tmp_path / "one", tmp_path / "two"
    azure.imagegen("generate", path, "--out", two)
    azure.cloud.plant(fault("create", MACHINES, "slow", seconds=LONG))
    kill_while(azure, lambda: bool(azure.names(MACHINES)), "apply", path, "--out", one)
    azure.imagegen("cleanup", two, code=1)
    (group,) = (each for each in azure.cloud.resources(arm_type=GROUP) if each["name"].startswith("IT_"))
    if how != "--others":
        azure.cloud.change(group["id"], tags=group["tags"] | {"imagegen:until": "2026-01-01T00:00:00+00:00"})
    azure.imagegen("cleanup", two, *(["--others"] if how == "--others" else []))
    assert set(azure.names()) == set(before)
    azure.imagegen("cleanup", one)
    nothing_left(azure, one, before)


DRIVER = r"""
import json, sys
from generator.azure import lease, target
from generator.cli.app import run
lease.RENEW_SECONDS = 0.3
backend = json.loads(sys.argv[1])
target.AzureTarget.lease = lambda self, blueprint: (
    setattr(self, "_azure", blueprint.azure) or lease.hold_or_stop(self.session, backend, self._lost)
)
sys.exit(run(sys.argv[2:]))
"""


def test_whoever_loses_the_lease_ends_nothing(azure: Azure, template: Write, tmp_path: Path) -> None:
    """By then it is another build's: the same group, the same state. Terraform's azurerm backend wants a real domain,
    so the state is local here, and only the lease is beside a simulated one."""
    azure.container()
    backend = {"storage_account_name": "vault", "container_name": "vhds", "key": "web.tfstate"}
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(azure.definition("web"))])
    out = tmp_path / "out"
    azure.cloud.set(scripts=[{"name": "010-hello", "seconds": LONG}, *USUAL])
    (tmp_path / "driver.py").write_text(DRIVER)
    argv = [sys.executable, *map(str, (tmp_path / "driver.py", json.dumps(backend), "apply", path, "--out", out))]
    environment = azure.imagegen.environment | {"PYTHONPATH": str(Path.cwd())}
    with azure.cloud.clock.held():
        child = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        azure.imagegen.children.append(child)
        wait_until(lambda: any(each["name"] == "010-hello" for each in azure.cloud.ran()))
        blob: Any = azure.arm.blobs.container("vault", "vhds").blobs["web.tfstate.imagegen"]
        blob.lease = Lease("another", 60, time.time() + 600)
        lost = azure.cloud.clock.now()
        told = child.communicate(timeout=HANG_SECONDS)[0]
    assert child.returncode == 1, told
    assert "error: the lease of the Terraform state was lost" in told
    assert [line for line in azure.cloud.timed() if line[0] > lost and line[1] == "delete"] == []
    assert os.path.basename(azure.names(MACHINES)[0]) == "machine"  # noqa: PTH119
    assert blob.lease.id == "another"
