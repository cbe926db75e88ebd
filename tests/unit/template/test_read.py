"""A template's bytes to the model: what is accepted, what is refused, and where."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.errors import ImagegenError
from generator.template import read
from generator.template.schema import File, PlatformImage, SharedImage, Shell
from tests.unit.template.making import (
    GALLERY,
    IDENTITY,
    LOCAL,
    SHA,
    file,
    good,
    problems,
    said,
    shared,
    shell,
    template,
    vhd,
)


def test_good_template_round_trip() -> None:
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


def test_null_counts_as_absent() -> None:
    assert good(template(optimize=None, customize=None)).template.properties.customize == ()


def test_shell_tests_are_no_expressions() -> None:
    lines = ["[ -f /etc/x ]", "[[ -n $x ]]", "cat <file>", "echo [a]"]
    (step,) = good(template(customize=[shell(inline=lines)])).template.properties.customize
    assert isinstance(step, Shell)
    assert step.inline == tuple(lines)


def test_unreadable_files_are_told_in_words(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path, Path("a\0b")):
        with pytest.raises(ImagegenError):
            read(path, LOCAL)


def test_position_is_in_the_users_own_text() -> None:
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
def test_models_refuse_in_plain_words(change: dict[str, Any], path: str, message: str, hint: str | None) -> None:
    found = {problem.path: problem for problem in problems(template(**change))}
    assert (found[path].message, found[path].hint) == (message, hint)


def test_rules_speak_also_when_the_model_refuses_another_part() -> None:
    found = said(problems(template(customize=[shell(), {"type": "Shel"}]) | {"name": "a b", "x": 1}))
    assert [path for path, _ in found] == ["properties.customize[0]", "properties.customize[1].type", "name", "x"]


def test_warnings_by_name() -> None:
    regions = shared(targetRegions=[{"name": "x"}], excludeFromLatest=True)
    value: dict[str, Any] = template(
        distribute=[regions, shared(replicationRegions=["x"], storageAccountType="Standard_LRS", runOutputName="b")],
        managedResourceTags={"a": "b"},
        buildTimeoutInMinutes=5,
        customize=[file(sourceUri="http://example.org/x")],
    ) | {"identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}}
    found = problems(value)
    assert said(found) == []
    assert {path.rsplit(".", 1)[-1] for path, _ in said(found, "warning")} == {
        "targetRegions", "excludeFromLatest", "replicationRegions", "storageAccountType", "managedResourceTags",
        "buildTimeoutInMinutes", "sourceUri", "identity",
    }  # fmt: skip


def test_many_warnings_hide_no_error() -> None:
    steps = [file(sourceUri="http://example.org/x") for _ in range(1200)]
    assert ("properties.customize[1200].destination", "the destination is empty") in said(
        problems(template(customize=[*steps, file(destination="")]))
    )


@pytest.mark.parametrize("value", [[], "text", 1, None, True])
def test_a_template_is_an_object(value: Any) -> None:
    assert said(problems(json.dumps(value))) == [("", "an image template is a JSON object: `{ … }`")]


def test_what_json_forbids_is_accepted_unless_strict() -> None:
    text = "\ufeff/* why */" + json.dumps(template())[:-1] + ', // why\n "tags": {"a": "b\tc"},}'
    assert problems(text) == []
    assert [message for _, message in said(problems(text, replace(LOCAL, strict=True)))] == [
        "JSON has no comments", "JSON has no comments", "a raw control character stands in a string",
        "a comma stands before `}`",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"type": None}, {"type": "Microsoft.VirtualMachineImages"}, {"dependsOn": [], "condition": True, "copy": {}},
        {"comments": "x", "scope": "y", "$schema": "z", "id": "/x", "systemData": {}},
    ],
)  # fmt: skip
def test_envelopes_as_people_write_them(change: dict[str, Any]) -> None:
    assert problems(template() | change) == []


def test_a_body_with_only_properties() -> None:
    assert problems({"properties": template()["properties"]}) == []


def test_strict_makes_warnings_errors() -> None:
    value = template(buildTimeoutInMinutes=5)
    assert [problem.level for problem in problems(value)] == ["warning"]
    assert [problem.level for problem in problems(value, replace(LOCAL, strict=True))] == ["error"]
