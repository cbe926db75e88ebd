"""What is refused before anything is made, in words that say what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.azure.conftest import Azure, Write, gallery_image
from tests.azure.making import MACHINES, SHELL, private, shared
from tests.azure.rest import nothing_left
from tests.azure_sim.faults import FOREVER, fault


def without_login(azure: Azure) -> None:
    for name in ("ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID"):
        del azure.imagegen.environment[name]
    azure.imagegen.environment["ARM_USE_CLI"] = "false"


def wrong_secret(azure: Azure) -> None:
    azure.imagegen.environment["ARM_CLIENT_SECRET"] = "not it"


def in_a_pipeline(azure: Azure) -> None:
    azure.imagegen.environment["CI"] = "true"


def no_definition(azure: Azure) -> None:
    azure.cloud.delete(gallery_image("web"))


def no_gallery(azure: Azure) -> None:
    no_definition(azure)
    azure.cloud.delete(gallery_image("web").rpartition("/images/")[0])


def for_windows(azure: Azure) -> None:
    azure.cloud.change(gallery_image("web"), osType="Windows", hyperVGeneration="V1")


CASES: dict[str, tuple[Callable[[Azure], None], list[str]]] = {
    "no credential": (without_login, ["no Azure credential: client certificate (no ARM_", "--target local"]),
    "wrong secret": (wrong_secret, ["by client secret was refused: AADSTS7000215", "ARM_CLIENT_SECRET"]),
    "pipeline": (in_a_pipeline, ["--allow-local-state", "--backend"]),
    "no definition": (no_definition, ["no image definition web in the gallery gallery", "az sig image-definition"]),
    "no gallery": (no_gallery, ["there is no gallery gallery in images", "az sig create"]),
    "other system": (for_windows, ["the system Windows, the source has Linux", "generation V1, the source has V2"]),
    "unknown source": (
        lambda azure: azure.cloud.set(marketplace={"Debian:debian-12:12-gen2": {"versions": []}}),
        ["the marketplace has no image Debian:debian-12:12-gen2:latest", "az vm image list"],
    ),
    "forbidden": (
        lambda azure: azure.cloud.set(denied={gallery_image("web"): ["Microsoft.Compute/galleries/images/read"]}),
        ["may not do Microsoft.Compute/galleries/images/read", "examples/roles"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_refused_in_the_check(azure: Azure, template: Write, tmp_path: Path, case: str) -> None:
    """Nothing was made, and nothing was asked to be made."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    spoil, told = CASES[case]
    spoil(azure)
    before = azure.names()
    asked = len(azure.cloud.journal("create"))
    done = azure.imagegen("apply", path, "--out", tmp_path / "out", code=1)
    for words in told:
        assert words in done.stderr
    assert azure.names() == before
    assert len(azure.cloud.journal("create")) == asked


@pytest.mark.parametrize("case", ["no credential", "wrong secret"])
def test_a_plan_says_how_to_log_in(azure: Azure, template: Write, tmp_path: Path, case: str) -> None:
    """In the words of `apply`, rather than in those of the provider."""
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(azure.definition("web"))])
    spoil, told = CASES[case]
    spoil(azure)
    azure.cloud.plant(fault("authenticate", "*", status=401, code="invalid_client", message="no token", times=FOREVER))
    done = azure.imagegen("plan", path, "--out", tmp_path / "out", code=1)
    assert all(words in done.stderr for words in told)


def test_a_plan_is_in_the_same_order_each_time(azure: Azure, template: Write, tmp_path: Path) -> None:
    """It is a comment on a pull request: staging, VM, the steps in their order, images by name."""
    steps = [SHELL | {"name": f"step {number}"} for number in range(12, 0, -1)]
    path = template(*steps, distribute=[shared(azure.definition(name), name) for name in ("web", "db")])
    plans = [azure.imagegen("plan", path, "--out", tmp_path / "out").stdout for _ in range(2)]
    assert plans[0] == plans[1]
    lines = plans[0].splitlines()
    shown = [line.split("+ ")[1].split()[0] for line in lines if "scripts/" in line]
    assert shown == [f"{number:03d}" for number in range(10, 130, 10)]
    assert lines.index(next(line for line in lines if "staging" in line)) < lines.index(
        next(line for line in lines if "machine" in line)
    )


def test_a_version_that_exists_and_a_region_that_is_missing(azure: Azure, template: Write, tmp_path: Path) -> None:
    image = azure.definition("web")
    azure.version(image, "2.0.0")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    done = azure.imagegen("apply", path, "--out", tmp_path / "out", "--version", "2.0.0", code=1)
    assert "version 2.0.0 exists already, where the images would go" in done.stderr
    regions = [{"name": "northeurope"}]
    path = template(SHELL, name="far", vmProfile=private(azure), distribute=[shared(image, targetRegions=regions)])
    done = azure.imagegen("apply", path, "--out", tmp_path / "far", code=1)
    assert "region westeurope is not among the regions of the version" in done.stderr
    assert not azure.cloud.asked(MACHINES)


@pytest.mark.parametrize(
    ("code", "message", "told"),
    [
        ("OperationNotAllowed", "Operation results in exceeding approved Cores quota.", "approved Cores quota"),
        ("SkuNotAvailable", "The requested VM size is not available in location 'westeurope'.", "not available"),
    ],
)  # fmt: skip
def test_a_machine_that_azure_does_not_give(
    azure: Azure, template: Write, tmp_path: Path, code: str, message: str, told: str
) -> None:
    """The staging that was there already goes again."""
    image = azure.definition("web")
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    azure.cloud.plant(fault("create", MACHINES, code=code, message=message))
    done = azure.imagegen("apply", path, "--out", tmp_path / "out", code=1)
    assert told in done.stderr
    assert "hint: " in done.stderr
    nothing_left(azure, tmp_path / "out", before)
