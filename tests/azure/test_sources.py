"""Every source, from the template to the machine that is made of it and the ledger that tells it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.azure.conftest import LINUX, OTHER, SUBSCRIPTION, WINDOWS, Azure, Write, gallery_image
from tests.azure.making import MACHINES, MANAGED, SHELL, Part, entry, ledger, private, security, shared
from tests.azure.rest import at_rest

PLAN = {"name": "basic", "product": "firewall", "publisher": "vendor"}
FIREWALL = {
    "type": "PlatformImage", "publisher": "vendor", "offer": "firewall", "sku": "basic-gen2", "version": "latest",
    "planInfo": {"planName": "basic", "planProduct": "firewall", "planPublisher": "vendor"},
}  # fmt: skip


def nothing(_azure: Azure) -> None:
    """The source is there already."""


@dataclass
class Case:
    """A source; what has to be there for it; and what becomes of it.

    image: the machine's reference to it; exact: as the ledger has it; definition: properties of the destination's.
    """

    source: Part
    image: Part
    exact: str
    size: str = "Standard_D2ds_v4"
    system: str = "Linux"
    definition: Part = field(default_factory=dict)
    make: Callable[[Azure], Any] = nothing


def managed_source(azure: Azure) -> None:
    azure.cloud.put(MANAGED.partition("/providers/")[0], {"location": "westeurope"})
    disk = {"osDisk": {"osType": "Windows", "diskSizeGB": 127}}
    azure.cloud.put(
        f"{MANAGED}/golden",
        {"location": "westeurope", "properties": {"hyperVGeneration": "V1", "storageProfile": disk}},
    )


def gallery_source(subscription: str) -> Callable[[Azure], None]:
    def make(azure: Azure) -> None:
        definition = azure.definition("golden", subscription=subscription, architecture="Arm64")
        for number in ("1.9.0", "1.10.0"):
            azure.version(definition, number)
        azure.version(definition, "2.0.0", excludeFromLatest=True)

    return make


def published(kind: str, **image: Any) -> Callable[[Azure], None]:
    return lambda azure: azure.cloud.set(
        galleries={f"{kind}/them": {"golden": {"versions": ["1.0.0", "1.2.0"]} | image}}
    )


OWN, FOREIGN = gallery_image("golden"), gallery_image("golden", OTHER)
COMMUNITY = "/communityGalleries/them/images/golden/versions"
DIRECT = "/sharedGalleries/them/images/golden/versions"
HERE = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope"
ARM = {"architecture": "Arm64"}
CASES = {
    "marketplace, exact": Case(
        LINUX | {"version": "0.20240101.1"}, {"version": "0.20240101.1"}, "Debian:debian-12:12-gen2:0.20240101.1"
    ),
    "marketplace, first generation": Case(
        WINDOWS | {"sku": "2019-datacenter"}, {"version": "17763.2.2"},
        "MicrosoftWindowsServer:WindowsServer:2019-datacenter:17763.2.2", "Standard_D1_v2", "Windows",
        {"hyperVGeneration": "V1"},
    ),
    "managed image": Case(
        {"type": "ManagedImage", "imageId": f"{MANAGED}/golden"}, {"id": f"{MANAGED}/golden"}, f"{MANAGED}/golden",
        "Standard_D1_v2", "Windows", {"hyperVGeneration": "V1"}, managed_source,
    ),
    "gallery, exact, Arm64": Case(
        {"type": "SharedImageVersion", "imageVersionId": f"{OWN}/versions/1.9.0"}, {"id": f"{OWN}/versions/1.9.0"},
        f"{OWN}/versions/1.9.0", "Standard_D2pds_v5", "Linux", ARM, gallery_source(OWN.split("/")[2]),
    ),
    "gallery of another subscription, latest": Case(
        {"type": "SharedImageVersion", "imageVersionId": f"{FOREIGN}/versions/latest".replace("Groups", "groups")},
        {"id": f"{FOREIGN}/versions/1.10.0"}, f"{FOREIGN}/versions/1.10.0", "Standard_D2pds_v5", "Linux", ARM,
        gallery_source(OTHER),
    ),
    "community gallery, Trusted Launch": Case(
        {"type": "SharedImageVersion", "imageVersionId": "/CommunityGalleries/them/Images/golden/Versions/latest"},
        {"communityGalleryImageId": f"{COMMUNITY}/1.2.0"}, f"{COMMUNITY}/1.2.0",
        definition={"features": security("TrustedLaunch")}, make=published("community", security="TrustedLaunch"),
    ),
    "shared directly": Case(
        {"type": "SharedImageVersion", "imageVersionId": f"{HERE}{DIRECT}/1.0.0"},
        {"sharedGalleryImageId": f"{DIRECT}/1.0.0"}, f"{DIRECT}/1.0.0", make=published("shared"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_source(azure: Azure, template: Write, tmp_path: Path, case: Case) -> None:
    """The machine is made of it in the size that fits, and the ledger has its exact version."""
    azure.cloud.set(
        marketplace={
            "Debian:debian-12:12-gen2": {"versions": ["0.20240101.1", "0.20250101.1"]},
            "MicrosoftWindowsServer:WindowsServer:2019-datacenter": {"os": "Windows", "versions": ["17763.2.2"]},
        }
    )
    case.make(azure)
    image = azure.definition("web", case.system, **case.definition)
    step = SHELL if case.system == "Linux" else SHELL | {"type": "PowerShell"}
    path = template(step, source=case.source, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    done = azure.imagegen("apply", path, "--out", out)
    assert ("on few Linux distributions on Arm64" in done.stderr) == (case.definition == ARM)
    (machine,) = azure.cloud.asked(MACHINES)
    reference = machine["properties"]["storageProfile"]["imageReference"]
    assert {name: reference[name] for name in case.image} == case.image
    assert machine["properties"]["hardwareProfile"]["vmSize"] == case.size
    trusted = machine["properties"].get("securityProfile", {}).get("securityType")
    assert (trusted == "TrustedLaunch") == ("features" in case.definition)
    assert ledger(out)["1.0.0"]["source"] == case.exact
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_the_terms_of_a_plan_are_accepted_by_the_user_alone(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Without --yes the build is refused and nothing is accepted; machine and version then carry the plan."""
    azure.cloud.set(marketplace={"vendor:firewall:basic-gen2": {"versions": ["1.0.0"], "plan": PLAN}})
    image = azure.definition("web", purchasePlan=PLAN)
    path = template(SHELL, source=FIREWALL, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    refused = azure.imagegen("apply", path, "--out", out, code=1)
    assert "the terms of vendor:firewall:basic are not accepted" in refused.stderr
    assert "az vm image terms accept" in refused.stderr
    assert azure.names() == before
    azure.imagegen("apply", out, "--yes")
    (machine,) = azure.cloud.asked(MACHINES)
    assert machine["properties"]["plan"] == PLAN
    (terms,) = azure.cloud.resources(arm_type="Microsoft.MarketplaceOrdering/agreements/offers/plans")
    at_rest(azure, out, sorted([*before, terms["id"].lower()]), {f"{image}/versions/1.0.0"})
    assert entry(out)["id"] == f"{image}/versions/1.0.0"
