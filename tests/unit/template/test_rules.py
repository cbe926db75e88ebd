"""The rules across fields: each is broken by a case here, and kept by another."""

from typing import Any

import pytest

from generator.template.check import _parts
from generator.template.load import load
from generator.template.rules import RULES, WHOLE
from tests.unit.template.making import (
    GALLERY,
    GROUP,
    IDENTITY,
    SHA,
    SOURCE,
    SUBNET,
    WINDOWS,
    file,
    problems,
    raw,
    said,
    shared,
    shell,
    template,
    vhd,
)

NETWORK = {"subnetId": SUBNET + "a"}
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"customize": [shell()]}, "customize[0]", "neither `inline` nor `scriptUri`"),
    ({"customize": [shell(inline=["a"], scriptUri="b")]}, "customize[0].scriptUri", "exclude each other"),
    ({"customize": [shell(inline=[])]}, "customize[0].inline", "has no lines"),
    ({"customize": [shell(scriptUri="a", sha256Checksum="A" * 64)]}, "customize[0].sha256Checksum", "lower-case hex"),
    ({"customize": [shell(inline=["a"], sha256Checksum=SHA)]}, "customize[0].sha256Checksum", "only with `scriptUri`"),
    ({"customize": [file(destination=" ")]}, "customize[0].destination", "is empty"),
    ({"customize": [file(destination="/tmp/")]}, "customize[0].destination", "is a folder"),
    ({"customize": [file(destination="/tmp/e\u0301")]}, "customize[0].destination", "composed form"),
    ({"customize": [file(sourceUri="file://host/x")]}, "customize[0].sourceUri", "another computer"),
    ({"customize": [file(sourceUri="ftp://h/x")]}, "customize[0].sourceUri", "`ftp:` addresses"),
    ({"customize": [file(sourceUri="C:\\x")]}, "customize[0].sourceUri", "path of Windows"),
    ({"customize": [file(sourceUri="/proc/self/environ")]}, "customize[0].sourceUri", "/proc, /sys or /dev"),
    ({"customize": [file(sourceUri="file://LocalHost/%70roc/1/x")]}, "customize[0].sourceUri", "/proc, /sys or /dev"),
    ({"customize": [file(sourceUri="")]}, "customize[0].sourceUri", "is empty"),
    ({"customize": [file(sourceUri="https:///x")]}, "customize[0].sourceUri", "no valid host"),
    ({"validate": {"inVMValidations": [shell()]}}, "validate.inVMValidations[0]", "neither"),
    ({"customize": [{"type": "PowerShell", "inline": ["a"], "runAsSystem": True}]}, "customize[0].runAsSystem",
     "needs `runElevated`"),
    ({"customize": [{"type": "WindowsRestart"}]}, "customize[0].type", "needs Windows"),
    ({"distribute": []}, "distribute", "no distributor"),
    ({"distribute": [vhd("a"), vhd("A")]}, "distribute[1].runOutputName", "stands twice"),
    ({"distribute": [vhd("a b")]}, "distribute[0].runOutputName", "is not valid"),
    ({"distribute": [vhd(artifactTags={"k": "e\u0301"})]}, "distribute[0].artifactTags.k", "composed form"),
    ({"distribute": [vhd("a\n")]}, "distribute[0].runOutputName", "is not valid"),
    ({"distribute": [shared(galleryImageId="x")]}, "distribute[0].galleryImageId", "not the id"),
    ({"distribute": [shared(galleryImageId=GALLERY + "/versions/1.2")]}, "distribute[0].galleryImageId", "not X.Y.Z"),
    ({"distribute": [shared(galleryImageId=GALLERY + "/versions/1.2.2147483648")]}, "distribute[0].galleryImageId",
     "not X.Y.Z"),
    ({"distribute": [{"type": "ManagedImage", "runOutputName": "m", "imageId": GALLERY, "location": "x"}]},
     "distribute[0].imageId", "not the id of a managed image"),
    ({"distribute": [shared(versioning={"scheme": "Latest", "major": 1}),
                     shared(versioning={"scheme": "Source"}, runOutputName="b")]},
     "distribute[1].versioning", "another `versioning`"),
    ({"distribute": [shared(galleryImageId=GALLERY + "/versions/1.0.0"),
                     shared(galleryImageId=GALLERY + "2/versions/1.0.1", runOutputName="b")]},
     "distribute[1].galleryImageId", "a build makes one version"),
    ({"distribute": [shared(targetRegions=[], replicationRegions=["x"])]}, "distribute[0].replicationRegions",
     "exclude each other"),
    ({"distribute": [shared(targetRegions=[], storageAccountType="Premium_LRS")]}, "distribute[0].storageAccountType",
     "only with `replicationRegions`"),
    ({"distribute": [shared(galleryImageId=GALLERY + "/versions/1.0.0", versioning={"scheme": "Latest"})]},
     "distribute[0].versioning", "excludes an explicit version"),
    ({"distribute": [shared(versioning={"scheme": "Source", "major": 1})]}, "distribute[0].versioning.major",
     "only with the scheme"),
    ({"vmProfile": {"vnetConfig": {"containerInstanceSubnetId": "x"}}},
     "vmProfile.vnetConfig.containerInstanceSubnetId", "needs `subnetId`"),
    ({"vmProfile": {"vnetConfig": {"subnetId": "y", "containerInstanceSubnetId": "x", "proxyVmSize": "z"}}},
     "vmProfile.vnetConfig.proxyVmSize", "excludes"),
    ({"stagingResourceGroup": "rg"}, "stagingResourceGroup", "not the id of a resource group"),
    ({"vmProfile": {"vnetConfig": {"subnetId": "x"}}}, "vmProfile.vnetConfig.subnetId", "not the id of a subnet"),
    ({"vmProfile": {"vmSize": "Standard D2s v3"}}, "vmProfile.vmSize", "not the name of a VM size"),
    ({"vmProfile": {"osDiskSizeGB": 4096}}, "vmProfile.osDiskSizeGB", "at most 4095 GB"),
    ({"distribute": [{"type": "ManagedImage", "runOutputName": "m", "imageId": f"{GROUP}/images/x",
                      "location": "west-europe"}]}, "distribute[0].location", "not the name of a region"),
    ({"distribute": [shared(targetRegions=[{"name": "a", "replicaCount": 101}])]},
     "distribute[0].targetRegions[0].replicaCount", "at most 100 replicas"),
    ({"managedResourceTags": {"a/b": "c"}}, "managedResourceTags['a/b']".replace("'", '"'), "has `/` in it"),
    ({"source": {"type": "ISO", "sourceUri": "x", "sha256Checksum": "y"}}, "source.type", "are closed"),
    ({"source": SOURCE | {"sku": " "}}, "source.sku", "is empty"),
    ({"customize": [file(destination="c:\\x")]}, "customize[0].destination", "path of Windows"),
    ({"source": WINDOWS}, "customize[0].type", "Shell needs Linux"),
    ({"vmProfile": {"vnetConfig": NETWORK | {"containerInstanceSubnetId": SUBNET + "A"}}},
     "vmProfile.vnetConfig.containerInstanceSubnetId", "a subnet of their own"),
    ({"vmProfile": {"vnetConfig": NETWORK | {"containerInstanceSubnetId": SUBNET.replace("/net/", "/n/") + "b"}}},
     "vmProfile.vnetConfig.containerInstanceSubnetId", "of the same network"),
    ({"optimize": {"workload": {"scriptUri": "ftp://h/x"}}}, "optimize.workload.scriptUri", "`ftp:` addresses"),
    ({"optimize": {"workload": {"sha256Checksum": SHA}}}, "optimize.workload.sha256Checksum", "only with"),
    ({"optimize": {"workload": {"scriptUri": "a", "sha256Checksum": "x"}}}, "optimize.workload.sha256Checksum",
     "not a SHA-256"),
    ({"customize": [{"type": "WindowsRestart", "restartTimeout": "5"}]}, "customize[0].restartTimeout", "not a time"),
    ({"distribute": [shared(replicationRegions=[" "])]}, "distribute[0].replicationRegions[0]", "has no name"),
    ({"distribute": [vhd(uri="http://a/b")]}, "distribute[0].uri", "not the address of a blob"),
]  # fmt: skip
WARNED: list[tuple[dict[str, Any], str, str]] = [
    ({"buildTimeoutInMinutes": 5}, "buildTimeoutInMinutes", "fails with 1 to 5 minutes"),
    ({"customize": [file(sourceUri="http://example.org/x")]}, "customize[0].sourceUri", "over http"),
    ({"customize": [file(destination="/etc/x")]}, "customize[0].destination", "only /tmp"),
    ({"validate": {"sourceValidationOnly": True}}, "validate.sourceValidationOnly", "no validator"),
    ({"validate": {"sourceValidationOnly": True}}, "customize", "no step is run"),
    ({"source": SOURCE | {"version": "newest"}}, "source.version", "not a version"),
    ({"source": {"type": "ManagedImage", "imageId": "x"}}, "source.imageId", "not the id of a managed image"),
    ({"source": {"type": "SharedImageVersion", "imageVersionId": GALLERY}}, "source.imageVersionId", "not the id"),
    ({"source": {"type": "SharedImageVersion", "imageVersionId": GALLERY + "/versions/x"}}, "source.imageVersionId",
     "`x` is not a version"),
    ({"vmProfile": {"userAssignedIdentities": ["x"]}}, "vmProfile.userAssignedIdentities[0]", "not the id"),
    ({"vmProfile": {"userAssignedIdentities": [IDENTITY, IDENTITY.upper()]}}, "vmProfile.userAssignedIdentities[1]",
     "stands twice"),
    ({"customize": [{"type": "PowerShell", "inline": ["a"], "validExitCodes": []}], "source": WINDOWS},
     "customize[0].validExitCodes", "no exit code"),
    ({"customize": [{"type": "WindowsUpdate", "filters": ["$true"]}], "source": WINDOWS}, "customize[0].filters[0]",
     "neither includes nor excludes"),
    ({"distribute": [vhd(uri="https://a.blob.core.windows.net/c/x.vhd?sig=SECRET")]}, "distribute[0].uri", "a secret"),
    ({"distribute": [shared(targetRegions=[{"name": "westeurope"}, {"name": "West Europe"}])]},
     "distribute[0].targetRegions[1]", "is duplicated"),
]  # fmt: skip
ENVELOPES: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "Microsoft.Compute/images"}, "type", "not an image template"),
    ({"name": "a b"}, "name", "is not valid"),
    ({"location": "west_europe"}, "location", "not the name of a region"),
    ({"tags": {"a%": "b"}}, 'tags["a%"]', "has `%` in it"),
    ({"identity": {"type": "UserAssigned"}}, "identity.userAssignedIdentities", "needs an identity"),
    ({"identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}, IDENTITY + "2": {}}}},
     "identity.userAssignedIdentities", "2 identities"),
    ({"identity": {"type": "None", "userAssignedIdentities": {IDENTITY: {}}}}, "identity.type", "excludes"),
    ({"identity": {"type": "UserAssigned", "userAssignedIdentities": {"x": {}}}},
     'identity.userAssignedIdentities.x', "not the id"),
]  # fmt: skip
KEPT: list[dict[str, Any]] = [
    {"customize": [shell(scriptUri="a/../b.sh", sha256Checksum=SHA)]},
    {"customize": [shell(scriptUri="https://example.org/x.sh?sig=1", sha256Checksum="")]},
    {"customize": [file(destination="relative")]},
    {"customize": [], "buildTimeoutInMinutes": 0},
    {"buildTimeoutInMinutes": 960},
    {"distribute": [vhd("a"), vhd("b" * 64), shared(galleryImageId=GALLERY + "/versions/1.0.0")]},
    {"distribute": [shared(galleryImageId=GALLERY.lower() + "/versions/1.0.0"),
                    shared(galleryImageId=GALLERY + "2/versions/1.0.0", runOutputName="b")]},
    {"distribute": [{"type": "ManagedImage", "runOutputName": "m", "imageId": f"{GROUP}/images/x",
                     "location": "y"}]},
    {"optimize": {"vmBoot": {"state": "Disabled"}}, "autoRun": {"state": "Disabled"}},
    {"vmProfile": {"userAssignedIdentities": []}, "stagingResourceGroup": ""},
    {"validate": {"sourceValidationOnly": False, "inVMValidations": [file()]}},
    {"customize": [{"type": "PowerShell", "inline": ["a"], "runElevated": True, "runAsSystem": True},
                   {"type": "WindowsRestart", "restartTimeout": "1h30m"},
                   {"type": "WindowsUpdate", "filters": ["exclude:a", "include:$true"]},
                   file(destination="c:\\x")], "source": WINDOWS},
    {"source": {"type": "ManagedImage", "imageId": f"{GROUP}/images/x"}},
    {"source": {"type": "SharedImageVersion", "imageVersionId": GALLERY + "/versions/latest"}},
    {"source": {"type": "SharedImageVersion",
                "imageVersionId": "/sharedGalleries/a-B/images/c/versions/1.2.3"}},
    {"source": {"type": "SharedImageVersion", "imageVersionId": "/subscriptions/a/providers/Microsoft.Compute/locations"
                "/westeurope/sharedGalleries/a-B/images/c/versions/latest"}},
    {"source": {"type": "SharedImageVersion", "imageVersionId": "/communityGalleries/a-B/images/c/versions/1.2.3"}},
    {"source": SOURCE | {"version": "12.0.202401"}},
    {"managedResourceTags": {"a b": "c"}, "vmProfile": {"vmSize": "Standard_D2s_v3", "osDiskSizeGB": 4095}},
    {"stagingResourceGroup": GROUP.partition("/providers")[0]},
    {"vmProfile": {"userAssignedIdentities": [IDENTITY],
                   "vnetConfig": NETWORK | {"containerInstanceSubnetId": SUBNET + "b"}}},
    {"validate": {"sourceValidationOnly": True, "inVMValidations": [shell(inline=["a"])]}, "customize": []},
    {"optimize": {"workload": {"scriptUri": "https://h/x", "sha256Checksum": SHA}}},
    {"distribute": [vhd(uri="https://a.blob.core.windows.net/c/x.vhd"),
                    shared(targetRegions=[{"name": "a"}, {"name": "b"}], versioning={"scheme": "Latest", "major": 1})]},
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "part"), BAD)
def test_rule_finds_what_breaks_it(change: dict[str, Any], path: str, part: str) -> None:
    found = said(problems(template(**change), building=False))
    assert any(at == f"properties.{path}" and part in message for at, message in found), found


@pytest.mark.parametrize(("change", "path", "part"), WARNED)
def test_rule_warns(change: dict[str, Any], path: str, part: str) -> None:
    found = problems(template(**change), building=False)
    assert any(at == f"properties.{path}" and part in message for at, message in said(found, "warning")), found
    assert said(found) == []


@pytest.mark.parametrize(("change", "path", "part"), ENVELOPES)
def test_rule_of_the_envelope(change: dict[str, Any], path: str, part: str) -> None:
    found = problems(template() | change, building=False)
    assert [(one.path, part in one.message) for one in found] == [(path, True)]


@pytest.mark.parametrize("change", KEPT)
def test_rule_lets_pass_what_keeps_it(change: dict[str, Any]) -> None:
    assert problems(template(**change), building=False) == []


def test_every_rule_is_broken_here_and_kept_here() -> None:
    broken = [template(**change) for change, *_ in BAD + WARNED] + [template() | change for change, *_ in ENVELOPES]
    full = template() | {"identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}}
    kept = [template(**change) for change in KEPT] + [full]
    bad, fine = ([list(_parts(load(raw(value), "t"))) for value in values] for values in (broken, kept))
    for kinds, rule in RULES:
        assert any(list(rule(part)) for parts in bad for _, part in parts if isinstance(part, kinds)), rule
        if rule.__name__ != "iso_is_closed":  # which nothing keeps
            assert any(isinstance(part, kinds) for parts in fine for _, part in parts), rule
    for compare in WHOLE:
        assert any(list(compare(parts)) for parts in bad), compare
