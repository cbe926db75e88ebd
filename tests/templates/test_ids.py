"""Ids and regions in any form that Azure takes: it compares them without case, spaces and a slash at the end."""

import json
from typing import Any

import pytest

from tests.templates.command import DEFINITION, GROUP, IMAGE, SUBSCRIPTION, Command, managed, shared, template, vhd

SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"


def other_case(resource_id: str) -> str:
    """An id with its fixed words in another case."""
    for word in (
        "subscriptions",
        "resourceGroups",
        "providers",
        "Microsoft",
        "galleries",
        "images/",
        "virtual",
        "subnets",
    ):
        resource_id = resource_id.replace(f"/{word}", f"/{word.swapcase()}")
    return resource_id


@pytest.mark.parametrize("word", ["versions", "Versions", "VERSIONS"])
@pytest.mark.parametrize("end", ["", "/"])
def test_an_explicit_version_in_any_case(imagegen: Command, word: str, end: str) -> None:
    """Its number counts, and the definition is the one before it: a second build says so."""
    given = shared(galleryImageId=f"{DEFINITION}/{word}/3.2.1{end}")
    assert imagegen.validate(template(distribute=[given])).errors == []
    both = [given, shared(galleryImageId=f"{DEFINITION}2/versions/1.0.0", runOutputName="b")]
    assert "a build makes one version" in imagegen.validate(template(distribute=both)).errors[0][1]
    again = [given, shared(galleryImageId=DEFINITION.upper(), runOutputName="b")]
    said = imagegen.validate(template(distribute=again), "--target", "azure")
    assert said.errors == [("properties.distribute[1].galleryImageId", "another distributor makes the same image")]


def test_leading_zeros_of_a_version_are_read_as_numbers(imagegen: Command) -> None:
    said = imagegen.validate(template(distribute=[shared(galleryImageId=f"{DEFINITION}/versions/2026.08.07")]))
    assert (said.code, said.errors) == (0, [])
    assert "2026.08.07 is read as 2026.8.7" in said.warnings[0][1]


@pytest.mark.parametrize(
    "group",
    [
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/staging-rg",
        f"/subscriptions/{SUBSCRIPTION}/resourcegroups/staging-rg/",
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Resources/resourceGroups/staging-rg",
        f"/SUBSCRIPTIONS/{SUBSCRIPTION}/PROVIDERS/microsoft.resources/RESOURCEGROUPS/staging-rg",
    ],
)
def test_a_staging_group_in_any_form(imagegen: Command, group: str) -> None:
    """The build's group is that one, and not imagegen's to delete."""
    values = imagegen.values(template(stagingResourceGroup=group), "--target", "azure")
    assert values["staging_group"] == "staging-rg"
    assert "own_group = false" in " ".join((imagegen.folder / "workspace/main.tf").read_text().split())


def test_ids_in_another_case_make_the_same_workspace(imagegen: Command) -> None:
    """Azure and azurerm get them as azurerm writes them; the subscription is that of the first id."""
    usual: dict[str, Any] = {
        "distribute": [shared(), managed()],
        "vmProfile": {"vnetConfig": {"subnetId": SUBNET}},
        "source": {"type": "SharedImageVersion", "imageVersionId": f"{DEFINITION}base/versions/latest"},
    }
    strange: dict[str, Any] = {
        "distribute": [
            shared(galleryImageId=other_case(DEFINITION) + "/"),
            managed(imageId=other_case(IMAGE) + "/", location="West Europe"),
        ],
        "vmProfile": {"vnetConfig": {"subnetId": other_case(SUBNET) + "/"}},
        "source": {"type": "SharedImageVersion", "imageVersionId": f"{other_case(DEFINITION)}base/VERSIONS/Latest/"},
    }
    one = imagegen.values(template(**usual), "--target", "azure")
    other = imagegen.values(template(envelope={"location": "West Europe"}, **strange), "--target", "azure")
    assert other["source_image"].pop("id").lower() == one["source_image"].pop("id").lower()
    assert other == one
    assert one["subscription_id"] == SUBSCRIPTION


def test_a_subscription_in_capitals_is_the_same_one(imagegen: Command) -> None:
    """No second provider is made for it."""
    upper = shared(galleryImageId=DEFINITION.replace(SUBSCRIPTION, "AAAAAAAA-2222-3333-4444-555555555555"))
    lower = managed(imageId=IMAGE.replace(SUBSCRIPTION, "aaaaaaaa-2222-3333-4444-555555555555"))
    values = imagegen.values(template(distribute=[upper, lower]), "--target", "azure")
    assert values["subscription_id"] == "aaaaaaaa-2222-3333-4444-555555555555"
    assert "other_subscriptions" not in values


def test_two_regions_that_are_one(imagegen: Command) -> None:
    """Duplicated with the same copies a region counts once; with others nobody knows which are meant."""
    twice = [{"name": "westeurope"}, {"name": "West Europe"}]
    said = imagegen.validate(template(distribute=[shared(targetRegions=twice)]))
    assert (said.code, said.warnings[0][1]) == (0, "the region 'West Europe' is duplicated")
    twice[1]["replicaCount"] = 2  # type: ignore[assignment]
    said = imagegen.validate(template(distribute=[shared(targetRegions=twice)]))
    assert said.errors[0][1] == "the region 'West Europe' is duplicated with other copies"


@pytest.mark.parametrize(
    ("distribute", "path", "part"),
    [
        ([managed(location="northeurope")], "distribute[0].location", "in the build's region westeurope"),
        ([shared(targetRegions=[{"name": "North Europe"}])], "distribute[0].targetRegions", "not among the regions"),
        ([shared(replicationRegions=["northeurope"])], "distribute[0].replicationRegions", "not among the regions"),
        ([shared(), managed(imageId=IMAGE.replace(SUBSCRIPTION, "0" * 8 + SUBSCRIPTION[8:]))],
         "distribute[1].imageId", "in the build's subscription"),
        ([managed(), managed(imageId=IMAGE.upper(), runOutputName="b")], "distribute[1].imageId", "the same image"),
        ([vhd(uri="https://A.blob.core.windows.net/c/x.vhd"),
          vhd(uri="https://a.blob.core.windows.net/c/x.vhd", runOutputName="b")],
         "distribute[1].uri", "the same image"),
    ],
)  # fmt: skip
def test_what_azure_cannot_bring_there_is_refused_without_a_login(
    imagegen: Command, distribute: list[dict[str, Any]], path: str, part: str
) -> None:
    """By `validate --target azure` and by `generate`; without that target in mind the template is valid."""
    body = template(distribute=distribute)
    said = imagegen.validate(body, "--target", "azure")
    assert [(at, part in message) for at, message in said.errors] == [(f"properties.{path}", True)]
    assert imagegen.run("generate", imagegen.write(body), "--target", "azure", "--out", imagegen.folder / "w")[0] == 1
    assert imagegen.validate(body).code == 0


def test_a_region_from_the_settings(imagegen: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template without a location builds where the settings say."""
    body = template(distribute=[managed(location="northeurope")])
    del body["location"]
    monkeypatch.setenv("IMAGEGEN_LOCATION", "North Europe")
    assert imagegen.validate(body, "--target", "azure").errors == []
    monkeypatch.setenv("IMAGEGEN_LOCATION", "westeurope")
    assert "westeurope" in imagegen.validate(body, "--target", "azure").errors[0][1]


@pytest.mark.parametrize(
    ("version", "network"),
    [
        ("2019-05-01-preview", {"name": "v", "subnetName": "s", "resourceGroupName": "net"}),
        ("2020-02-14", {"subnetResourceId": SUBNET}),
        ("2019-05-01-preview", {"Name": "v"}),
    ],
)
def test_a_network_that_is_not_named_by_its_id(imagegen: Command, version: str, network: dict[str, str]) -> None:
    """The VM would be outside of it: refused in Azure. On this computer networks have no effect."""
    said = imagegen.validate(template(version, vmProfile={"vnetConfig": network}), "--target", "azure")
    ((path, message),) = said.errors
    assert path == "properties.vmProfile.vnetConfig"
    assert "in a network of its own" in message
    if "subnetName" in network:
        assert any(f"{SUBNET.replace('images-rg', 'net')}" in hint for hint in said.hints)
    assert imagegen.validate(template(version, vmProfile={"vnetConfig": network}), "--target", "local").code == 0


@pytest.mark.parametrize("network", [None, {}, {"subnetId": ""}, {"subnetId": SUBNET}])
def test_a_network_that_is_not_there_is_none(imagegen: Command, network: dict[str, str] | None) -> None:
    said = imagegen.validate(template("2020-02-14", vmProfile={"vnetConfig": network}), "--target", "azure")
    assert json.dumps(said.errors) == "[]"


def test_a_size_of_a_proxy_names_no_network(imagegen: Command) -> None:
    """Modules write it beside an empty subnetId: the VM is in a network of its own, as there."""
    for config in ({"proxyVmSize": "Standard_A1_v2"}, {"subnetId": "", "proxyVmSize": "Standard_A1_v2"}):
        said = imagegen.validate(template(vmProfile={"vnetConfig": config}), "--target", "azure")
        assert not [message for _, message in said.errors if "has no `subnetId`" in message], said.errors
