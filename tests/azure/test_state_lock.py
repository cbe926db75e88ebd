"""A state in a storage account, by Terraform's own azurerm backend, that a killed Terraform left locked."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.azure.conftest import IMAGES, SUBSCRIPTION, Azure, Write, grant_state
from tests.azure.killing import LONG, children, kill, kill_while
from tests.azure.making import COMMANDS, SHELL, private, shared
from tests.azure.rest import at_rest, nothing_left, terraform
from tests.azure_sim.arm.blobs import Blob
from tests.azure_sim.arm.proxy import DOMAIN, Proxy
from tests.support.waiting import wait_until

STATE = f"web-{os.getpid()}.tfstate"  # a Terraform that runs for another test has another state
WHERE = {
    "subscription_id": SUBSCRIPTION, "resource_group_name": "images", "storage_account_name": "vault",
    "container_name": "vhds", "key": STATE,
}  # fmt: skip
BACKEND = "azurerm:" + ",".join(f"{name}={value}" for name, value in WHERE.items())


@pytest.fixture
def shared_state(azure: Azure) -> Iterator[None]:
    """Storage accounts have hosts of their own, which the backend needs, and lead to the simulated Azure."""
    azure.container()
    azure.cloud.set(storage_domain=DOMAIN)
    grant_state(azure, f"{IMAGES}/providers/Microsoft.Storage/storageAccounts/vault")
    with Proxy(int(azure.arm.endpoint.rpartition(":")[2])) as proxy:
        azure.imagegen.environment |= proxy.env
        yield


@pytest.fixture
def killed(azure: Azure, template: Write, tmp_path: Path, shared_state: None) -> tuple[Path, list[str], str]:
    """A workspace whose build and Terraform were killed in a step: the folder, what was there before, the image.

    The build has a secret: the VM comes up by a command of its own then, so the state already has it.
    """
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    out = tmp_path / "out"
    azure.imagegen("generate", path, "--out", out, "--backend", BACKEND)
    before = azure.names()
    azure.imagegen.environment["TOKEN"] = "the-secret-of-the-build"
    azure.cloud.set(scripts=[{"name": "010-hello", "times": 1, "seconds": LONG}, *azure.cloud.hook("scripts")])
    kill_while(azure, lambda: _ran(azure, "010-hello"), "apply", out, "--secret", "TOKEN")
    _blob(azure, f"{STATE}.imagegen").lease.ends = 0.0  # a minute later
    assert _lock(azure)["Operation"] == "OperationTypeApply"
    return out, before, image


def _ran(azure: Azure, name: str) -> bool:
    return any(each["name"] == name for each in azure.cloud.ran())


def _blob(azure: Azure, name: str) -> Blob:
    return azure.arm.blobs.blob("vault", "vhds", name)


def _lock(azure: Azure) -> dict[str, Any]:
    """What the lock of the state says of itself (Terraform, internal/backend/remote-state/azure/client.go)."""
    found: dict[str, Any] = json.loads(base64.b64decode(_blob(azure, STATE).metadata["terraformlockid"]))
    return found


def _relock(azure: Azure, **changes: str) -> None:
    """Have the lock say something else of itself."""
    said = json.dumps(_lock(azure) | changes).encode()
    _blob(azure, STATE).metadata["terraformlockid"] = base64.b64encode(said).decode()


def _is_locked(azure: Azure) -> bool:
    return _blob(azure, STATE).lease.locked


def test_cleanup_breaks_the_lock_of_its_own_build(azure: Azure, killed: tuple[Path, list[str], str]) -> None:
    """What is left is ended in one go, and the next build finds the state free."""
    out, before, image = killed
    lock = _lock(azure)["ID"]
    ended = azure.imagegen("cleanup", out)
    assert f"a Terraform of this workspace that was killed: broke its lock {lock}" in ended.stderr
    assert not _is_locked(azure)
    nothing_left(azure, out, before)
    azure.imagegen("apply", out, "--secret", "TOKEN")
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_a_build_ends_what_its_killed_terraform_left(
    azure: Azure, template: Write, tmp_path: Path, shared_state: None
) -> None:
    """Terraform alone was killed, as by a computer that is out of memory."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    out = tmp_path / "out"
    azure.imagegen("generate", path, "--out", out, "--backend", BACKEND)
    before = azure.names()
    azure.cloud.set(scripts=[{"name": "010-hello", "times": 1, "seconds": LONG}, *azure.cloud.hook("scripts")])
    with azure.cloud.clock.held():
        child = azure.imagegen.start("apply", out)
        wait_until(lambda: bool(azure.names(COMMANDS)))
        for one in children(child.pid):
            kill(one)
    azure.cloud.clock.advance(2 * LONG)
    said = child.communicate()[0]
    assert child.returncode == 1
    assert "ended by signal 9" in said
    assert "broke its lock" in said
    nothing_left(azure, out, before)
    assert not _is_locked(azure)


def test_a_build_goes_on_though_the_state_is_locked(azure: Azure, killed: tuple[Path, list[str], str]) -> None:
    """At the step in which it was killed."""
    out, before, image = killed
    went_on = azure.imagegen("apply", out, "--secret", "TOKEN")
    assert "going on with the build of 1.0.0" in went_on.stderr
    assert "broke its lock" in went_on.stderr
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_a_plan_needs_no_lock(azure: Azure, template: Write, tmp_path: Path, shared_state: None) -> None:
    """Somebody may be asked for long whether to apply."""
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(azure.definition("web"))])
    out = tmp_path / "out"
    azure.imagegen("generate", path, "--out", out, "--backend", BACKEND)
    with _asked_by_hand(azure, tmp_path / "by-hand"):
        lock = _lock(azure)
        assert "010 hello" in azure.imagegen("plan", out).stdout
        assert _is_locked(azure)
        assert _lock(azure) == lock


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Who": "somebody@else"}, id="who"),
        pytest.param({"Operation": "OperationTypePlan"}, id="operation"),
        pytest.param({"Created": "2020-01-01T00:00:00Z"}, id="before"),
        pytest.param({"Created": time.strftime("%Y-%m-%dT23:59:59Z", time.gmtime(time.time() + 86400))}, id="after"),
    ],
)
def test_a_lock_of_somebody_else_is_not_broken(
    azure: Azure, killed: tuple[Path, list[str], str], changes: dict[str, str]
) -> None:
    """Whatever it is of, it is not of this build: how to free it is told, and a later try may find it free."""
    out, before, _ = killed
    said = _lock(azure)
    _relock(azure, **changes)
    refused = azure.imagegen("cleanup", out, code=1)
    who = changes.get("Who", said["Who"])
    assert f"the state is locked by {who} since " in refused.stderr
    assert f"if that Terraform was killed, release its lock: `terraform force-unlock {said['ID']}`" in refused.stderr
    assert _is_locked(azure)
    _relock(azure, **said)
    azure.imagegen("cleanup", out)
    nothing_left(azure, out, before)


def test_a_lock_of_a_terraform_that_runs_is_not_broken(
    azure: Azure, killed: tuple[Path, list[str], str], tmp_path: Path
) -> None:
    """Somebody freed the state and is at work on it by hand, on this computer and as the same user."""
    out, before, _ = killed
    dead = _lock(azure)
    unlock = ["terraform", "force-unlock", "-force", dead["ID"]]
    subprocess.run(unlock, cwd=out, env=azure.imagegen.environment, check=True, capture_output=True)
    with _asked_by_hand(azure, tmp_path / "by-hand"):
        theirs = _lock(azure)
        _relock(azure, Created=dead["Created"])  # all that it says is as the dead one's was
        refused = azure.imagegen("cleanup", out, code=1)
        assert f"terraform force-unlock {theirs['ID']}" in refused.stderr
        assert _is_locked(azure)
    assert not _is_locked(azure)
    azure.imagegen("cleanup", out)
    nothing_left(azure, out, before)


@contextmanager
def _asked_by_hand(azure: Azure, folder: Path) -> Iterator[None]:
    """Within, a Terraform has the state and asks whether to apply; it is answered no."""
    folder.mkdir()
    where = "\n".join(f'{name} = "{value}"' for name, value in WHERE.items())
    (folder / "main.tf").write_text(f"""
terraform {{
  backend "azurerm" {{
    {where}
  }}
}}
provider "azurerm" {{
  features {{}}
}}
resource "terraform_data" "by_hand" {{}}
""")
    assert terraform(azure, folder, "init").returncode == 0
    with subprocess.Popen(
        ["terraform", "apply", "-no-color", "-refresh=false"], cwd=folder, env=azure.imagegen.environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as child:  # fmt: skip
        assert child.stdin
        assert child.stdout
        said = ""
        while "Enter a value:" not in said:
            got = child.stdout.read(1)
            assert got, said
            said += got
        yield
        child.communicate("no\n")
