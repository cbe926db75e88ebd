"""Sources are found in Azure, and resolved to one exact version."""

from typing import Any

import pytest

from generator.azure.session import Session
from generator.azure.sizes import default_size
from generator.azure.sources import accept_terms, resolve
from generator.errors import ImagegenError
from generator.workspace.blueprint import Plan, Source
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.faults import fault
from tests.azure_sim.mirror import SUBSCRIPTION
from tests.unit.azure import making
from tests.unit.azure.making import DEFINITION, IMAGE

DEBIAN = Source(publisher="Debian", offer="debian-12", sku="12-gen2", version="latest")
PLAN = {"name": "basic", "product": "firewall", "publisher": "vendor"}
OTHER = "99999999-9999-9999-9999-999999999999"


def gallery(version: str, definition: str = DEFINITION) -> Source:
    return Source("SharedImageVersion", id=f"{definition}/versions/{version}")


def test_the_newest_marketplace_version_is_taken(session: Session, cloud: Cloud) -> None:
    cloud.set(
        marketplace={"Debian:debian-12:12-gen2": {"versions": ["20348.1006.220908", "20348.887.220806"], "disk_gb": 32}}
    )
    found = resolve(session, DEBIAN, "West Europe")
    assert (found.exact, found.version, found.id) == (
        "Debian:debian-12:12-gen2:20348.1006.220908",
        "20348.1006.220908",
        "",
    )
    assert (found.system, found.generation, found.architecture, found.disk_size_gb) == ("linux", "V2", "x64", 32)
    assert found.security_types == {"Standard", "TrustedLaunch"}
    assert found.plan is None


def test_a_named_marketplace_version_stays(session: Session, cloud: Cloud) -> None:
    cloud.set(marketplace={"p:o:s-arm64": {"versions": ["1.0.0", "2.0.0"], "os": "Windows", "security": ""}})
    found = resolve(session, Source(publisher="p", offer="o", sku="s-arm64", version="1.0.0"), "westeurope")
    assert (found.version, found.system, found.generation, found.architecture) == ("1.0.0", "windows", "V1", "Arm64")
    assert found.security_types == {"Standard"}


@pytest.mark.parametrize("version", ["latest", "9.9.9"])
def test_a_marketplace_image_that_is_not_there(session: Session, cloud: Cloud, version: str) -> None:
    cloud.set(marketplace={"p:o:s": {"versions": [] if version == "latest" else ["1.0.0"]}})
    with pytest.raises(ImagegenError, match=f"no image p:o:s:{version} in westeurope") as told:
        resolve(session, Source(publisher="p", offer="o", sku="s", version=version), "westeurope")
    assert "az vm image list" in (told.value.hint or "")


def test_the_plan_is_azures(session: Session, cloud: Cloud) -> None:
    cloud.set(marketplace={"vendor:firewall:basic": {"versions": ["1.0.0"], "plan": PLAN}})
    source = Source(publisher="vendor", offer="firewall", sku="basic", version="latest", plan=Plan(**PLAN))
    assert resolve(session, source, "westeurope").plan == Plan(**PLAN)
    wrong = Source(publisher="vendor", offer="firewall", sku="basic", version="latest", plan=Plan("x", "y", "z"))
    with pytest.raises(ImagegenError, match="planInfo"):
        resolve(session, wrong, "westeurope")


def test_terms_are_asked_for(session: Session, cloud: Cloud) -> None:
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(ImagegenError, match="not accepted") as told:
        accept_terms(session, Plan(**PLAN), no)
    assert "az vm image terms accept --publisher vendor --offer firewall --plan basic" in (told.value.hint or "")
    assert "license" in asked[0]
    accept_terms(session, Plan(**PLAN), lambda _question: True)
    accept_terms(session, Plan(**PLAN), no)
    assert len(asked) == 1


def test_a_managed_image(session: Session, cloud: Cloud) -> None:
    making.put(cloud, making.GROUP)
    making.put(cloud, IMAGE, hyperVGeneration="V2", storageProfile={"osDisk": {"osType": "Windows", "diskSizeGB": 127}})
    found = resolve(session, Source("ManagedImage", id=IMAGE), "westeurope")
    assert (found.id, found.system, found.generation, found.disk_size_gb) == (IMAGE, "windows", "V2", 127)
    assert found.security_types == {"Standard"}


def test_a_managed_image_serves_its_own_region_and_subscription(session: Session, cloud: Cloud) -> None:
    making.put(cloud, making.GROUP)
    making.put(cloud, IMAGE, storageProfile={"osDisk": {"osType": "Linux"}})
    with pytest.raises(ImagegenError, match="lies in westeurope, the build in northeurope"):
        resolve(session, Source("ManagedImage", id=IMAGE), "northeurope")
    with pytest.raises(ImagegenError, match="another subscription"):
        resolve(session, Source("ManagedImage", id=IMAGE.replace(SUBSCRIPTION, OTHER)), "westeurope")
    with pytest.raises(ImagegenError, match="no managed image"):
        resolve(session, Source("ManagedImage", id=IMAGE + "x"), "westeurope")


def test_the_latest_of_a_gallery_is_whole_here_and_not_excluded(session: Session, cloud: Cloud) -> None:
    making.definition(cloud, security="TrustedLaunchSupported")
    making.version(cloud, "1.9.0")
    making.version(cloud, "1.10.0", ("West Europe", "northeurope"))
    making.version(cloud, "2.0.0", excludeFromLatest=True)
    making.version(cloud, "3.0.0", ("northeurope",))
    cloud.set(delay={"Microsoft.Compute/galleries/images/versions": 3600})
    making.version(cloud, "4.0.0")
    found = resolve(session, gallery("latest"), "westeurope")
    assert (found.version, found.exact) == ("1.10.0", f"{DEFINITION}/versions/1.10.0")
    assert found.security_types == {"Standard", "TrustedLaunch"}
    assert found.disk_size_gb == 30
    assert resolve(session, gallery("2.0.0"), "westeurope").version == "2.0.0"


def test_a_gallery_version_in_another_subscription(session: Session, cloud: Cloud) -> None:
    elsewhere = DEFINITION.replace(SUBSCRIPTION, OTHER)
    making.definition(cloud, elsewhere, osType="Windows", purchasePlan=PLAN)
    making.put(cloud, f"{elsewhere}/versions/1.0.0", publishingProfile={"targetRegions": [{"name": "westeurope"}]},
               storageProfile={"osDiskImage": {"sizeInGB": 127}})  # fmt: skip
    found = resolve(session, gallery("latest", elsewhere), "westeurope")
    assert (found.system, found.plan) == ("windows", Plan(**PLAN))


def test_what_a_gallery_has_not_is_told(session: Session, cloud: Cloud) -> None:
    with pytest.raises(ImagegenError, match="no image definition"):
        resolve(session, gallery("latest"), "westeurope")
    making.definition(cloud)
    with pytest.raises(ImagegenError, match="no version that is in westeurope"):
        resolve(session, gallery("latest"), "westeurope")
    making.version(cloud, "1.0.0", ("northeurope",))
    with pytest.raises(ImagegenError, match=r"no version 2\.0\.0") as told:
        resolve(session, gallery("2.0.0"), "westeurope")
    assert "1.0.0" in (told.value.hint or "")
    with pytest.raises(ImagegenError, match=r"1\.0\.0 has no replica in westeurope"):
        resolve(session, gallery("1.0.0"), "westeurope")


@pytest.mark.parametrize("kind", ["community", "shared"])
def test_galleries_of_others(session: Session, cloud: Cloud, kind: str) -> None:
    cloud.set(galleries={f"{kind}/g": {"i": {"versions": ["1.2.0", "1.10.0"], "architecture": "Arm64"}}})
    definition = f"/{kind}Galleries/g/images/i"
    found = resolve(session, gallery("latest", definition), "westeurope")
    assert (found.version, found.id, found.architecture) == ("1.10.0", f"{definition}/versions/1.10.0", "Arm64")
    with pytest.raises(ImagegenError, match=r"no version 3\.0\.0"):
        resolve(session, gallery("3.0.0", definition), "westeurope")
    with pytest.raises(ImagegenError, match="no image"):
        resolve(session, gallery("latest", definition + "x"), "westeurope")


def test_a_specialized_image_is_refused(session: Session, cloud: Cloud) -> None:
    making.definition(cloud, osState="Specialized")
    making.version(cloud, "1.0.0")
    with pytest.raises(ImagegenError, match="specialized"):
        resolve(session, gallery("latest"), "westeurope")


def test_a_subscription_that_is_not_there_is_told_as_such(session: Session, cloud: Cloud) -> None:
    said = "The subscription 's' could not be found."
    cloud.plant(fault("read", "*", status=404, code="SubscriptionNotFound", message=said))
    with pytest.raises(
        ImagegenError, match=r"looking for the source .*The subscription 's' could not be found"
    ) as told:
        resolve(session, Source("ManagedImage", id=IMAGE), "westeurope")
    assert "az account list" in (told.value.hint or "")


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        (("V1", "x64", "Standard"), "Standard_D1_v2"),
        (("V2", "x64", "Standard"), "Standard_D2ds_v4"),
        (("V2", "x64", "TrustedLaunch"), "Standard_D2ds_v4"),
        (("V2", "Arm64", "Standard"), "Standard_D2pds_v5"),
    ],
)
def test_default_sizes_are_image_builders(shape: tuple[Any, Any, str], size: str) -> None:
    assert default_size(*shape) == size
