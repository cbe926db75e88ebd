"""Names, numbers and tags that Azure refuses, some only when everything else is done: `validate` refuses them."""

from typing import Any

import pytest

from tests.templates.command import (
    DEFINITION,
    GROUP,
    IMAGE,
    SOURCE,
    SUBSCRIPTION,
    Command,
    managed,
    shared,
    template,
    vhd,
)

NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks"
BLOB = "https://account.blob.core.windows.net"
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"stagingResourceGroup": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{'s' * 91}"}, "stagingResourceGroup",
     "not the name of a resource group"),
    ({"stagingResourceGroup": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Resources/resourceGroups/s."},
     "stagingResourceGroup", "`s.` is not the name of a resource group"),
    ({"stagingResourceGroup": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/größe"}, "stagingResourceGroup",
     "not the name of a resource group"),
    ({"stagingResourceGroup": "/subscriptions/production/resourceGroups/s"}, "stagingResourceGroup",
     "`production` is not the id of a subscription"),
    ({"distribute": [shared(galleryImageId=DEFINITION.replace("images-rg", "images-rg."))]},
     "distribute[0].galleryImageId", "not the name of a resource group"),
    ({"distribute": [shared(galleryImageId=DEFINITION.replace("galleries/g", "galleries/my-gallery"))]},
     "distribute[0].galleryImageId", "`my-gallery` is not the name of a gallery"),
    ({"distribute": [shared(galleryImageId=DEFINITION + "-")]}, "distribute[0].galleryImageId",
     "`d-` is not the name of an image definition"),
    ({"distribute": [shared(galleryImageId=DEFINITION + "d" * 80)]}, "distribute[0].galleryImageId",
     "not the name of an image definition"),
    ({"distribute": [managed(imageId=IMAGE + ".")]}, "distribute[0].imageId",
     "`i.` is not the name of a managed image"),
    ({"distribute": [managed(imageId=IMAGE + " 2")]}, "distribute[0].imageId", "not the name of a managed image"),
    ({"source": {"type": "ManagedImage", "imageId": f"{IMAGE}{'i' * 80}"}}, "source.imageId",
     "not the name of a managed image"),
    ({"source": {"type": "SharedImageVersion", "imageVersionId": f"{DEFINITION}+/versions/latest"}},
     "source.imageVersionId", "`d+` is not the name of an image definition"),
    ({"source": SOURCE | {"sku": "12 gen2"}}, "source.sku", "`12 gen2` is not the name of a marketplace sku"),
    ({"vmProfile": {"vnetConfig": {"subnetId": f"{NETWORK}/v/subnets/{'s' * 81}"}}}, "vmProfile.vnetConfig.subnetId",
     "not the name of a subnet"),
    ({"vmProfile": {"vnetConfig": {"subnetId": f"{NETWORK}/-v/subnets/s"}}}, "vmProfile.vnetConfig.subnetId",
     "`-v` is not the name of a virtual network"),
    ({"vmProfile": {"vmSize": "Standard D2s v3"}}, "vmProfile.vmSize", "not the name of a VM size"),
    ({"vmProfile": {"osDiskSizeGB": 8192}}, "vmProfile.osDiskSizeGB", "at most 4095 GB"),
    ({"distribute": [shared(targetRegions=[{"name": "west-europe"}])]}, "distribute[0].targetRegions[0]",
     "`west-europe` is not the name of a region"),
    ({"distribute": [shared(replicationRegions=["westeurope", "north/europe"])]}, "distribute[0].replicationRegions[1]",
     "not the name of a region"),
    ({"distribute": [managed(location="west_europe")]}, "distribute[0].location", "not the name of a region"),
    ({"distribute": [shared(targetRegions=[{"name": "westeurope", "replicaCount": 101}])]},
     "distribute[0].targetRegions[0].replicaCount", "at most 100 replicas"),
    ({"distribute": [vhd(uri="https://My_Account.blob.core.windows.net/c/x.vhd")]}, "distribute[0].uri",
     "not the name of a storage account"),
    ({"distribute": [vhd(uri=f"{BLOB}/VHDs/x.vhd")]}, "distribute[0].uri", "`VHDs` is not the name of a container"),
    ({"distribute": [vhd(uri=f"{BLOB}/a--b/x.vhd")]}, "distribute[0].uri", "not the name of a container"),
    ({"distribute": [vhd(uri=f"{BLOB}/vhds/")]}, "distribute[0].uri", "not the address of a blob"),
    ({"distribute": [vhd(uri=f"{BLOB}/vhds/a./x.vhd")]}, "distribute[0].uri", "ends in a period"),
    ({"distribute": [vhd(uri=f"{BLOB}/vhds/{'x' * 255}.vhd")]}, "distribute[0].uri", "too long"),
]  # fmt: skip
SHALLOW: list[tuple[dict[str, Any], str, str]] = [
    ({"targetRegions": [{"name": "westeurope", "replicaCount": 2}]}, "targetRegions[0].replicaCount", "one replica"),
    ({"targetRegions": [{"name": "westeurope"}, {"name": "northeurope"}]}, "replicationMode", "one region, not 2"),
]
TAGS: list[tuple[dict[str, str], str]] = [
    ({"Owner": "a", "owner": "b"}, "the tags `Owner` and `owner` are the same to Azure"),
    ({f"k{n}": "v" for n in range(47)}, "there are 51 tags, 4 of them imagegen's"),
    ({"cost/center": "1"}, "has `/` in it"),
    ({"50%": "1"}, "has `%` in it"),
    ({"a\nb": "1"}, "has a control character in it"),
    ({"n" * 513: "1"}, "has 513 characters"),
    ({"n": "v" * 257}, "the value of the tag `n` has 257 characters"),
    ({"": "1"}, "a tag needs a name"),
    ({"ImageGen:Version": "1"}, "the tag `ImageGen:Version` is set by imagegen"),
]


@pytest.mark.parametrize(("change", "path", "part"), REFUSED)
def test_refused_before_anything_is_paid_for(imagegen: Command, change: dict[str, Any], path: str, part: str) -> None:
    """And by `generate`, in the same words."""
    body = template(**change)
    said = imagegen.validate(body)
    assert [(at, part in message) for at, message in said.errors] == [(f"properties.{path}", True)], said.text
    assert said.code == 1
    code, _, err = imagegen.run("generate", imagegen.write(body), "--target", "local")
    assert (code, part in err) == (1, True)


@pytest.mark.parametrize(("change", "path", "part"), SHALLOW)
def test_shallow_replication_is_one_replica_in_one_region(
    imagegen: Command, change: dict[str, Any], path: str, part: str
) -> None:
    said = imagegen.validate(template("2025-10-01", distribute=[shared(replicationMode="Shallow", **change)]))
    assert [(at, part in message) for at, message in said.errors] == [(f"properties.distribute[0].{path}", True)]
    assert imagegen.validate(template("2025-10-01", distribute=[shared(replicationMode="Full", **change)])).errors == []


@pytest.mark.parametrize(("tags", "part"), TAGS)
def test_tags_that_azure_refuses(imagegen: Command, tags: dict[str, str], part: str) -> None:
    """Of an image; those of the template itself reach nothing, so they only warn."""
    said = imagegen.validate(template(distribute=[shared(artifactTags=tags)]))
    assert [part in message for _, message in said.errors] == [True], said.text
    own = imagegen.validate(template(envelope={"tags": tags}))
    assert own.code == 0
    assert bool(own.warnings) == ("imagegen" not in part.lower())


@pytest.mark.parametrize(
    ("tags", "part"),
    [
        ({f"k{n}": "v" for n in range(46)}, "there are 51 tags, 5 of them imagegen's"),
        ({"n" * 129: "1"}, "has 129 characters"),
        ({"a?": "1"}, "has `?` in it"),
    ],
)
def test_tags_of_temporary_resources(imagegen: Command, tags: dict[str, str], part: str) -> None:
    """Five are imagegen's; one of them may be a storage account, whose tags have shorter names."""
    ((path, message),) = imagegen.validate(template(managedResourceTags=tags)).errors
    assert path.startswith("properties.managedResourceTags")
    assert part in message


@pytest.mark.parametrize("count", [46, 47])
def test_as_many_tags_as_azure_takes(imagegen: Command, count: int) -> None:
    said = imagegen.validate(template(distribute=[shared(artifactTags={f"k{n}": "v" for n in range(count)})]))
    assert said.code == (count > 46)


@pytest.mark.parametrize("name", ["createdBy", "CreatedBy", "CREATEDBY"])
def test_one_tag_says_who_created_it(imagegen: Command, name: str) -> None:
    """Azure refuses two names that differ in case only: the template's own stays, in its own case."""
    tags = {name: "platform team", "CostCenter": "42", "IMAGETEMPLATENAME": "mine"}
    found = imagegen.values(template(managedResourceTags=tags), "--target", "azure")["staging_tags"]
    assert {key: value for key, value in found.items() if not key.startswith("imagegen:")} == tags
    usual = imagegen.values(template(), "--target", "azure")["staging_tags"]
    assert (usual["createdBy"], usual["imageTemplateName"]) == ("imagegen", "t")


def test_tags_that_a_blob_does_not_get_are_named(imagegen: Command) -> None:
    tags = {"team": "web", "cost center": "1", "stadt": "Köln"}
    said = imagegen.validate(
        template(distribute=[vhd(uri=f"{BLOB}/vhds/x.vhd", artifactTags=tags)]), "--target", "azure"
    )
    assert said.code == 0
    assert [path for path, message in said.warnings if "a blob does not get" in message] == [
        'properties.distribute[0].artifactTags["cost center"]', "properties.distribute[0].artifactTags.stadt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("region", "near"),
    [("westeuropa", "westeurope"), ("northeuorpe", "northeurope"), ("eastus9", None), ("home", None)],
)
def test_a_region_that_is_misspelled(imagegen: Command, region: str, near: str | None) -> None:
    """New regions appear, and a private cloud has names of its own: only what looks like a known one is warned of."""
    said = imagegen.validate(template(distribute=[shared(targetRegions=[{"name": region}])]))
    assert said.code == 0
    assert said.hints == ([f"did you mean `{near}`?"] if near else [])


def test_a_blob_that_is_no_vhd_by_its_name(imagegen: Command) -> None:
    said = imagegen.validate(template(distribute=[vhd(uri=f"{BLOB}/vhds/x.img")]))
    assert (said.code, [path for path, _ in said.warnings]) == (0, ["properties.distribute[0].uri"])
    assert imagegen.validate(template(distribute=[vhd(uri=f"{BLOB}/vhds/X.VHD")])).warnings == []


@pytest.mark.parametrize("name", ["Microsoft.Owner", "azure-cost", "WINDOWS", "windows_version"])
@pytest.mark.parametrize("field", ["artifactTags", "managedResourceTags"])
def test_tags_that_begin_as_those_of_azure_are_named(imagegen: Command, name: str, field: str) -> None:
    tags = {name: "x", "hidden-title": "y"}
    content = (
        template(distribute=[shared(artifactTags=tags)])
        if field == "artifactTags"
        else template(managedResourceTags=tags)
    )
    said = imagegen.validate(content)
    assert said.code == 0
    assert [message for path, message in said.warnings if field in path] == [
        f"the name of the tag `{name}` begins as Azure's own do: Azure may refuse it"
    ]
