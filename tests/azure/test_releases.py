"""What was released stays as it is, whatever becomes of the template, the checkout and the state."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.azure.conftest import IMAGES, OTHER, Azure, Write
from tests.azure.making import MANAGED, SHELL, Part, ledger, managed, private, shared
from tests.azure.rest import at_rest, cloned, terraform
from tests.invariants import write_ledger


@pytest.fixture
def released(azure: Azure, template: Write, tmp_path: Path) -> Path:
    """A workspace with two versions in a gallery, one of another subscription, and a managed image."""
    targets = distributors(azure)
    path = template(SHELL, vmProfile=private(azure), distribute=targets)
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out)
    return out


def distributors(azure: Azure) -> list[Part]:
    """What `released` distributes to."""
    near, far = azure.definition("web"), azure.definition("web", subscription=OTHER)
    region = {"name": "westeurope", "replicaCount": 2}
    return [
        shared(near, targetRegions=[region], artifactTags={"team": "web"}), shared(far, "far"),
        managed(f"{MANAGED}/web"),
    ]  # fmt: skip


EDITS: dict[str, Callable[[list[Part]], Any]] = {
    "definition": lambda targets: targets[0].update(galleryImageId=f"{targets[0]['galleryImageId']}-new"),
    "regions": lambda targets: targets[0].update(
        targetRegions=[
            {"name": "westeurope", "replicaCount": 5, "storageAccountType": "Premium_LRS"}, {"name": "eastus"},
        ]
    ),
    "exclusion and tags": lambda targets: targets[0].update(excludeFromLatest=True, artifactTags={"team": "db"}),
    "version": lambda targets: targets[0].update(versioning={"scheme": "Latest", "major": 3}),
    "name": lambda targets: targets[0].update(runOutputName="another"),
    "managed image": lambda targets: targets[2].update(imageId=f"{MANAGED}/db"),
    "without the other subscription": lambda targets: targets.pop(1),
    "one blob": lambda targets: targets.__setitem__(
        slice(None), [{"type": "VHD", "runOutputName": "disk", "uri": "https://a.blob.core.windows.net/c/d.vhd"}]
    ),
}  # fmt: skip


def test_no_edit_of_distribute_touches_a_release(azure: Azure, template: Write, released: Path) -> None:
    """Each edit, generated and planned by hand: nothing changes, with the state and without."""
    state = (released / "terraform.tfstate").read_bytes()
    for name, edit in EDITS.items():
        targets = distributors(azure)
        edit(targets)
        path = template(SHELL, vmProfile=private(azure), distribute=targets)
        azure.imagegen("generate", path, "--out", released)
        assert terraform(azure, released, "init").returncode == 0
        planned = terraform(azure, released, "plan", "-detailed-exitcode")
        assert planned.returncode == 0, f"{name}: {planned.stdout}{planned.stderr}"
    assert (released / "terraform.tfstate").read_bytes() == state


def test_a_checkout_that_is_behind_destroys_nothing(
    azure: Azure, template: Write, released: Path, tmp_path: Path
) -> None:
    """imagegen says so, Terraform by hand stops; with the ledger back all is well, and one version is retired."""
    old = ledger(released)
    azure.imagegen("apply", released)
    new = ledger(released)
    everything = azure.names()
    write_ledger(released, old)
    refused = azure.imagegen("apply", released, code=1)
    assert "your checkout is behind" in refused.stderr
    assert "1.0.1" in refused.stderr
    by_hand = terraform(azure, released, "apply", "-auto-approve")
    assert by_hand.returncode == 1
    assert "Instance cannot be destroyed" in by_hand.stderr
    destroyed = terraform(azure, released, "destroy", "-auto-approve")
    assert "Instance cannot be destroyed" in destroyed.stderr
    assert azure.names() == everything

    write_ledger(released, new)
    azure.imagegen("releases", "retire", released, "1.0.0", "--yes")
    assert ledger(released)["1.0.0"]["status"] == "retired"
    kept = {image["id"] for image in ledger(released)["1.0.1"]["images"].values()}
    before = [name for name in everything if "/versions/" not in name and not name.startswith(f"{MANAGED}/".lower())]
    at_rest(azure, released, before, kept)
    azure.imagegen("apply", cloned(azure, released, tmp_path))
    newest = f"{IMAGES}/providers/Microsoft.Compute/galleries/gallery/images/web/versions/1.0.2"
    assert azure.cloud.get(newest)


def test_ids_in_other_letter_case_replace_nothing(azure: Azure, template: Write, released: Path) -> None:
    """Azure may answer with a group's name in other letter case (azure/FACTS.md 3)."""
    azure.cloud.set(echo_case=["*"])
    planned = terraform(azure, released, "plan", "-json")
    changes = [json.loads(line) for line in planned.stdout.splitlines()]
    assert planned.returncode == 0
    assert [each for each in changes if each["type"] == "planned_change"] == []
    azure.imagegen("apply", released)
    assert list(ledger(released)) == ["1.0.0", "1.0.1"]


def test_the_ledger_is_put_on_record(azure: Azure, template: Write, tmp_path: Path) -> None:
    """`apply` says how; `--commit` does it, and pushes where there is an upstream; a failed push is exit code 1."""
    image = azure.definition("image")
    out = tmp_path / "out"
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    azure.imagegen.environment |= {
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
    }  # fmt: skip

    def git(*arguments: str, cwd: Path = out) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=cwd, env=azure.imagegen.environment, check=True, capture_output=True, text=True
        ).stdout

    azure.imagegen("generate", path, "--out", out)
    assert "is in no git repository" in azure.imagegen("apply", out, "--commit", code=1).stderr
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "Generated")
    git("init", "-q", "--bare", str(tmp_path / "origin"), cwd=tmp_path)
    assert "commit the ledger: git -C" in azure.imagegen("apply", out).stderr
    git("add", ".")
    git("commit", "-qm", "By hand")
    git("remote", "add", "origin", str(tmp_path / "origin"))
    git("push", "-qu", "origin", "main")
    azure.imagegen("apply", out, "--commit")
    assert git("log", "-1", "--format=%s", "origin/main").strip() == "Release web 1.0.1"
    assert git("status", "--porcelain") == ""
    (tmp_path / "origin").rename(tmp_path / "gone")
    failed = azure.imagegen("apply", out, "--commit", code=1)
    assert "1.0.2 is released, but its ledger entry could not be pushed" in failed.stderr
    assert ledger(out)["1.0.2"]["status"] == "released"
