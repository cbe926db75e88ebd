"""A template's bytes to the model: what is accepted, what is refused, and where."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.errors import ImagegenError, InvalidTemplate, Problem
from generator.settings import Settings
from generator.template import Read, read, read_bytes
from generator.template.schema import File, PlatformImage, SharedImage, Shell

Problems = Callable[[Any], list[Problem]]
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute"
GALLERY = f"{GROUP}/galleries/g/images/web"
SHA = "a" * 64


def template(**properties: Any) -> dict[str, Any]:
    """A small good template, with other properties."""
    source = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12", "version": "latest"}
    usual = {
        "source": source,
        "customize": [{"type": "Shell", "inline": ["true"]}],
        "distribute": [{"type": "VHD", "runOutputName": "disk"}],
    }
    return {"location": "westeurope", "properties": usual | properties}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(target="local", cache_dir=tmp_path / "cache", state_dir=tmp_path / "state")


@pytest.fixture
def good(settings: Settings) -> Callable[[Any], Read]:
    """Reads a template that has no errors."""
    return lambda value: read_bytes(json.dumps(value).encode(), "t.json", settings)


@pytest.fixture
def problems(settings: Settings) -> Problems:
    """Everything that is said of a template (text, or a value that is dumped)."""

    def told(value: Any) -> list[Problem]:
        raw = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else None
        try:
            return read_bytes(raw if raw is not None else json.dumps(value).encode(), "t.json", settings).warnings
        except InvalidTemplate as error:
            return error.problems

    return told


def shell(**more: Any) -> dict[str, Any]:
    return {"type": "Shell", **more}


def file(**more: Any) -> dict[str, Any]:
    return {"type": "File", "sourceUri": "a", "destination": "/tmp/a", **more}


def shared(**more: Any) -> dict[str, Any]:
    return {"type": "SharedImage", "runOutputName": "shared", "galleryImageId": GALLERY, **more}


def vhd(name: str = "disk", **more: Any) -> dict[str, Any]:
    return {"type": "VHD", "runOutputName": name, **more}


def said(found: list[Problem], level: str = "error") -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in found if problem.level == level]


def test_good_template_round_trip(good: Callable[[Any], Read]) -> None:
    text = 'quotes " ${a} %{b} \\ ` \r\n 😀 <b> [x] $(y)'
    value = template(
        customize=[shell(name="one", inline=[text]), file(sha256Checksum=SHA)],
        validate={"continueDistributeOnFailure": True, "inVMValidations": [shell(scriptUri="check.sh")]},
        distribute=[shared(galleryImageId=f"{GALLERY}/versions/1.2.3", artifactTags={"a b": text})],
        vmProfile={"vmSize": "Standard_B2s", "osDiskSizeGB": 40},
        buildTimeoutInMinutes=30,
        errorHandling={"onCustomizerError": "abort"},
    ) | {"type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "tags": {"t": text}}
    got = good(value)
    assert got.warnings == []
    assert got.template.tags == {"t": text}
    properties = got.template.properties
    assert isinstance(properties.source, PlatformImage)
    first, second = properties.customize
    assert isinstance(first, Shell)
    assert first.inline == (text,)
    assert isinstance(second, File)
    assert second.sha256_checksum == SHA
    (target,) = properties.distribute
    assert isinstance(target, SharedImage)
    assert target.artifact_tags == {"a b": text}
    assert properties.vm_profile.os_disk_size_gb == 40
    assert got.template.model_dump(by_alias=True, exclude_unset=True, mode="json") == value


def test_null_counts_as_absent(good: Callable[[Any], Read]) -> None:
    assert good(template(optimize=None, customize=None)).template.properties.customize == ()


def test_shell_tests_are_no_expressions(good: Callable[[Any], Read]) -> None:
    lines = ["[ -f /etc/x ]", "[[ -n $x ]]", "cat <file>", "echo [a]"]
    (step,) = good(template(customize=[shell(inline=lines)])).template.properties.customize
    assert isinstance(step, Shell)
    assert step.inline == tuple(lines)


def test_unreadable_files_are_told_in_words(tmp_path: Path, settings: Settings) -> None:
    for path in (tmp_path / "none.json", tmp_path, Path("a\0b")):
        with pytest.raises(ImagegenError):
            read(path, settings)


def test_position_is_in_the_users_own_text(problems: Problems) -> None:
    text = json.dumps(template(customize=[shell(inline=["a"]), shell(inlin=["a"])]), indent=2)
    (typo,) = problems(text)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if 'inlin"' in line)
    assert (typo.line, typo.column) == (line, 9)
    assert (typo.path, typo.hint) == ("properties.customize[1].inlin", "did you mean `inline`?")


@pytest.mark.parametrize(
    ("change", "path", "message", "hint"),
    [
        ({"sourc": 1}, "properties.sourc", "`sourc` is not known here", "did you mean `source`?"),
        ({"distribute": [vhd(run_output_name="x")]}, "properties.distribute[0].run_output_name",
         "`run_output_name` is not known in a VHD", "did you mean `runOutputName`?"),
        ({"customize": [{"type": "shel", "inline": ["a"]}]}, "properties.customize[0].type",
         "`shel` is not a type known here", "did you mean `Shell`?"),
        ({"customize": [{"inline": ["a"]}]}, "properties.customize[0].type", "`type` is missing",
         "use one of Shell, PowerShell, WindowsRestart, WindowsUpdate, File"),
        ({"customize": [shell(inline="a")]}, "properties.customize[0].inline", "must be a list: `[ … ]`, not text",
         None),
        ({"customize": [7]}, "properties.customize[0]", "must be an object: `{ … }`, not a number", None),
        ({"buildTimeoutInMinutes": "60"}, "properties.buildTimeoutInMinutes", "must be a whole number, not text", None),
        ({"buildTimeoutInMinutes": 961}, "properties.buildTimeoutInMinutes", "must be at most 960, not 961", None),
        ({"vmProfile": {"osDiskSizeGB": -1}}, "properties.vmProfile.osDiskSizeGB", "must be at least 0, not -1", None),
        ({"errorHandling": {"onCustomizerError": "keep"}}, "properties.errorHandling.onCustomizerError",
         "`keep` is not allowed", "use 'cleanup' or 'abort'"),
        ({"source": {"type": "PlatformImage", "publisher": "x", "offer": "y", "sku": "z"}}, "properties.source.version",
         "`version` is missing", 'add "version"'),
    ],
)  # fmt: skip
def test_models_refuse_in_plain_words(
    problems: Problems, change: dict[str, Any], path: str, message: str, hint: str | None
) -> None:
    found = {problem.path: problem for problem in problems(template(**change))}
    assert (found[path].message, found[path].hint) == (message, hint)


BAD_RULES: list[tuple[dict[str, Any], str, str]] = [
    ({"customize": [shell()]}, "customize[0]", "neither `inline` nor `scriptUri`"),
    ({"customize": [shell(inline=["a"], scriptUri="b")]}, "customize[0].scriptUri", "exclude each other"),
    ({"customize": [shell(inline=[])]}, "customize[0].inline", "has no lines"),
    ({"customize": [shell(scriptUri="a", sha256Checksum="A" * 64)]}, "customize[0].sha256Checksum", "lower-case hex"),
    ({"customize": [shell(inline=["a"], sha256Checksum=SHA)]}, "customize[0].sha256Checksum", "only with `scriptUri`"),
    ({"customize": [file(destination=" ")]}, "customize[0].destination", "is empty"),
    ({"customize": [file(destination="/tmp/")]}, "customize[0].destination", "is a folder"),
    ({"customize": [file(sourceUri="file:///etc/passwd")]}, "customize[0].sourceUri", "`file:` addresses"),
    ({"customize": [file(sourceUri="ftp://h/x")]}, "customize[0].sourceUri", "`ftp:` addresses"),
    ({"customize": [file(sourceUri="/etc/passwd")]}, "customize[0].sourceUri", "absolute path"),
    ({"customize": [file(sourceUri="C:\\x")]}, "customize[0].sourceUri", "absolute path"),
    ({"customize": [file(sourceUri="a/../../x")]}, "customize[0].sourceUri", "leads out of"),
    ({"customize": [file(sourceUri="")]}, "customize[0].sourceUri", "is empty"),
    ({"customize": [file(sourceUri="https:///x")]}, "customize[0].sourceUri", "no valid host"),
    ({"validate": {"inVMValidations": [shell()]}}, "validate.inVMValidations[0]", "neither"),
    ({"customize": [{"type": "PowerShell", "inline": ["a"], "runAsSystem": True}]}, "customize[0].runAsSystem",
     "needs `runElevated`"),
    ({"customize": [{"type": "WindowsRestart"}]}, "customize[0].type", "needs Windows"),
    ({"distribute": []}, "distribute", "no distributor"),
    ({"distribute": [vhd("a"), vhd("A")]}, "distribute[1].runOutputName", "stands twice"),
    ({"distribute": [vhd("a b")]}, "distribute[0].runOutputName", "is not valid"),
    ({"distribute": [vhd("a\n")]}, "distribute[0].runOutputName", "is not valid"),
    ({"distribute": [shared(galleryImageId="x")]}, "distribute[0].galleryImageId", "not the id"),
    ({"distribute": [shared(galleryImageId=GALLERY + "/versions/1.2")]}, "distribute[0].galleryImageId", "not X.Y.Z"),
    ({"distribute": [shared(galleryImageId=GALLERY + "/versions/1.2.2147483648")]}, "distribute[0].galleryImageId",
     "not X.Y.Z"),
    ({"distribute": [{"type": "ManagedImage", "runOutputName": "m", "imageId": GALLERY, "location": "x"}]},
     "distribute[0].imageId", "not the id of a managed image"),
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
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "part"), BAD_RULES)
def test_rule_finds_what_breaks_it(problems: Problems, change: dict[str, Any], path: str, part: str) -> None:
    found = said(problems(template(**change)))
    assert any(at == f"properties.{path}" and part in message for at, message in found), found


@pytest.mark.parametrize(
    "change",
    [
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
    ],
)  # fmt: skip
def test_rule_lets_pass_what_keeps_it(problems: Problems, change: dict[str, Any]) -> None:
    assert problems(template(**change)) == []


def test_rules_speak_also_when_the_model_refuses_another_part(problems: Problems) -> None:
    found = said(problems(template(customize=[shell(), {"type": "Shel"}]) | {"name": "a b", "x": 1}))
    assert [path for path, _ in found] == ["properties.customize[0]", "properties.customize[1].type", "name", "x"]


def test_warnings_by_name(problems: Problems) -> None:
    regions = shared(targetRegions=[{"name": "x"}], excludeFromLatest=True)
    value: dict[str, Any] = template(
        distribute=[regions, shared(replicationRegions=["x"], storageAccountType="Standard_LRS", runOutputName="b")],
        managedResourceTags={"a": "b"},
        buildTimeoutInMinutes=5,
        customize=[file(sourceUri="http://example.org/x")],
    ) | {"identity": {"type": "UserAssigned", "userAssignedIdentities": {"/x": {}}}}
    found = problems(value)
    assert said(found) == []
    assert {path.rsplit(".", 1)[-1] for path, _ in said(found, "warning")} == {
        "targetRegions", "excludeFromLatest", "replicationRegions", "storageAccountType", "managedResourceTags",
        "buildTimeoutInMinutes", "sourceUri", "identity",
    }  # fmt: skip


def test_many_warnings_hide_no_error(problems: Problems) -> None:
    steps = [file(sourceUri="http://example.org/x") for _ in range(1200)]
    assert ("properties.customize[1200].destination", "the destination is empty") in said(
        problems(template(customize=[*steps, file(destination="")]))
    )


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"source": {"type": "ManagedImage", "imageId": "x"}}, "source.type"),
        ({"source": {"type": "SharedImageVersion", "imageVersionId": "x"}}, "source.type"),
        ({"source": {"type": "ISO", "sourceUri": "x", "sha256Checksum": "y"}}, "source.type"),
        ({"source": {"type": "PlatformImage", "publisher": "MicrosoftWindowsServer", "offer": "a", "sku": "b",
                     "version": "c"}}, "source.publisher"),
        ({"source": {"type": "PlatformImage", "publisher": "a", "offer": "a", "sku": "b", "version": "c",
                     "planInfo": {"planName": "a", "planProduct": "b", "planPublisher": "c"}}}, "source.planInfo"),
        ({"customize": [{"type": "PowerShell", "inline": ["a"]}]}, "customize[0].type"),
        ({"customize": [{"type": "WindowsRestart"}]}, "customize[0].type"),
        ({"customize": [{"type": "WindowsUpdate"}]}, "customize[0].type"),
        ({"validate": {"inVMValidations": [{"type": "PowerShell", "inline": ["a"]}]}},
         "validate.inVMValidations[0].type"),
        ({"validate": {"sourceValidationOnly": True}}, "validate.sourceValidationOnly"),
        ({"optimize": {"vmBoot": {"state": "Enabled"}}}, "optimize.vmBoot.state"),
        ({"optimize": {"workload": {"state": "Enabled"}}}, "optimize.workload.state"),
        ({"autoRun": {"state": "Enabled"}}, "autoRun.state"),
        ({"additionalDataDisks": [{"sizeGB": 1}]}, "additionalDataDisks"),
        ({"stagingResourceGroup": "x"}, "stagingResourceGroup"),
        ({"vmProfile": {"vnetConfig": {"subnetId": "x"}}}, "vmProfile.vnetConfig"),
        ({"vmProfile": {"userAssignedIdentities": ["x"]}}, "vmProfile.userAssignedIdentities"),
        ({"distribute": [shared(versioning={"scheme": "Latest"})]}, "distribute[0].versioning"),
        ({"distribute": [shared(replicationMode="Shallow")]}, "distribute[0].replicationMode"),
    ],
)  # fmt: skip
def test_not_supported_is_refused_by_name(problems: Problems, change: dict[str, Any], path: str) -> None:
    text = json.dumps(template(**change), indent=1)
    found = {one.path: one for one in problems(text) if one.message.endswith("is not supported by this release")}
    assert set(found) == {f"properties.{path}"}
    name = path.rsplit(".", 1)[-1]
    line = text.splitlines()[found[f"properties.{path}"].line - 1]
    assert f'"{name}":' in line
    assert found[f"properties.{path}"].column == line.index(f'"{name}":') + len(name) + 5


def test_other_api_version_is_refused(problems: Problems) -> None:
    assert said(problems(template() | {"apiVersion": "2020-02-14"})) == [
        ("apiVersion", "API version `2020-02-14` is not supported by this release")
    ]


def test_deployment_template_is_refused_in_one_sentence(problems: Problems) -> None:
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    values: list[dict[str, Any]] = [{"resources": []}, {"$schema": schema}]
    for value in values:
        assert [message for _, message in said(problems(value))] == [
            "deployment templates are not read by this release"
        ]


@pytest.mark.parametrize("value", [[], "text", 1, None, True])
def test_a_template_is_an_object(problems: Problems, value: Any) -> None:
    assert said(problems(json.dumps(value))) == [("", "an image template is a JSON object: `{ … }`")]


def test_expressions_and_placeholders_are_told_once_each(problems: Problems) -> None:
    value: dict[str, Any] = template(buildTimeoutInMinutes="[parameters('t')]", distribute=[vhd("<name>")])
    value |= {"location": "<region>", "tags": {"<key>": "<a> and b"}, "identity": {"[concat('a')]": {}}}
    found = [(path, message.split()[0:2]) for path, message in said(problems(value))]
    assert sorted(found) == [
        ("identity[\"[concat('a')]\"]", ["ARM", "expressions"]),
        ("location", ["the", "placeholder"]),
        ("properties.buildTimeoutInMinutes", ["ARM", "expressions"]),
        ("properties.distribute[0].runOutputName", ["the", "placeholder"]),
        ('tags["<key>"]', ["the", "placeholder"]),
    ]


def test_comments_and_trailing_commas_are_refused_at_this_version(problems: Problems) -> None:
    text = json.dumps(template())[:-1] + ', // why\n "tags": {},}'
    assert [message for _, message in said(problems(text))] == ["JSON has no comments", "a comma stands before `}`"]
