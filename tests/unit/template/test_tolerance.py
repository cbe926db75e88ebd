"""What old API versions let pass is put right with a warning; newer ones refuse it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from generator.template.schema import ImageTemplate
from generator.template.schema.shape import bare, fields, is_section, members
from generator.template.tolerance import certain
from generator.template.versions import VERSIONS
from tests.unit.template.making import GALLERY, LOCAL, SHA, good, problems, said, shared, shell, template, vhd

OLD = {"apiVersion": "2020-02-14"}
UGLY: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"customize": [shell(script="a")]}, {"customize": [shell(scriptUri="a")]}, "customize[0].script", "scriptUri"),
    ({"Customize": [{"TYPE": "shell", "InLine": ["a"]}]}, {"customize": [shell(inline=["a"])]},
     "Customize[0].InLine", "inline"),
    ({"distribute": [vhd(aritfactTags={"a": "b"})]}, {"distribute": [vhd(artifactTags={"a": "b"})]},
     "distribute[0].aritfactTags", "artifactTags"),
    ({"distribute": [{"type": "vhd", "runOutputName": "x"}]}, {"distribute": [vhd("x")]}, "distribute[0].type", "VHD"),
    ({"errorHandling": {"onCustomizerError": "Abort"}}, {"errorHandling": {"onCustomizerError": "abort"}},
     "errorHandling.onCustomizerError", "abort"),
    ({"vmProfile": {"tags": {}, "vmSize": "x"}}, {"vmProfile": {"vmSize": "x"}}, "vmProfile.tags", "has no effect"),
    ({"distribute": [shared(galleryImageID="x")]}, {"distribute": [shared()]}, "distribute[0].galleryImageID",
     "beside `galleryImageId`"),
]  # fmt: skip


@pytest.mark.parametrize(("ugly", "meant", "path", "part"), UGLY)
def test_read_as_it_is_meant(ugly: dict[str, Any], meant: dict[str, Any], path: str, part: str) -> None:
    value = template(**ugly) | OLD
    for name in set(meant) - set(ugly):
        del value["properties"][name]
    read = good(value)
    wanted = good(template(**meant) | OLD).template
    assert read.template == wanted
    assert any(at == f"properties.{path}" and part in text for at, text in said(read.warnings, "warning"))
    assert said(problems(value, replace(LOCAL, strict=True)))


@pytest.mark.parametrize(("ugly", "_meant", "path", "_part"), UGLY)
def test_refused_from_2024_on(ugly: dict[str, Any], _meant: Any, path: str, _part: str) -> None:
    assert said(problems(template(**ugly) | {"apiVersion": "2024-02-01"}))


def test_iso_of_the_first_preview_is_parsed_and_refused_as_dead() -> None:
    source = {"type": "ISO", "sourceURI": "https://h/x.iso", "sha256Checksum": SHA}
    found = problems(template(source=source) | {"apiVersion": "2019-02-01-preview"}, building=False)
    assert [path for path, _ in said(found)] == ["properties.source.type"]


def test_problems_stand_in_the_users_own_text_after_lenient_reading() -> None:
    text = json.dumps(template(Customise=[shell(INLINE=[[]])]) | OLD, indent=1).replace('"customize"', '"x"')
    (found,) = [problem for problem in problems(text) if problem.level == "error"]
    assert text.splitlines()[found.line - 1][found.column - 1 :] == "[]"


def test_a_key_in_any_case_says_the_version() -> None:
    value = template(customize=[shell(INLINE=["a"])])
    del value["apiVersion"]
    assert said(problems(value | {"APIversion": "2024-02-01"}))
    assert not said(problems(value | {"apiversion": "2019-05-01-preview"}))
    assert not said(problems(value))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_reads_the_oldest_template(version: str) -> None:
    value = template(distribute=[{"type": "ManagedImage", "runOutputName": "a", "location": "x",
                                  "imageId": GALLERY.replace("/galleries/g", "")}])  # fmt: skip
    assert problems(value | {"apiVersion": version}) == []


@pytest.mark.parametrize(
    ("version", "level"),
    [("2031-01-01", "warning"), ("2020-01-01", "warning"), ("2020", "error"), ("latest", "error"), ("v" * 99, "error")],
)
def test_unknown_versions(version: str, level: str) -> None:
    (found,) = problems(template() | {"apiVersion": version})
    assert (found.path, found.level) == ("apiVersion", level)


def test_what_came_later() -> None:
    value = template(autoRun={"state": "Disabled"}, additionalDataDisks=[])
    assert [(one.path, one.level) for one in problems(value | OLD)] == [
        ("properties.autoRun", "warning"), ("properties.additionalDataDisks", "warning"),
    ]  # fmt: skip
    assert [(one.path, one.level) for one in problems(value | {"apiVersion": "2024-02-01"})] == [
        ("properties.additionalDataDisks", "error")
    ]
    config = {"name": "a", "subnetName": "b", "resourceGroupName": "c"}
    found = problems(template(vmProfile={"vnetConfig": config}) | OLD, building=False)
    assert [one.hint for one in found] == ["write the subnet's id as `subnetId`"] * 3


def test_no_name_of_the_format_is_taken_for_another() -> None:
    """A guess is certain only if it cannot be another name of the same object."""

    def sections(kind: Any, seen: set[Any]) -> set[Any]:
        kind = bare(kind)
        inner = list(members(kind).values()) or list(getattr(kind, "__args__", ()))
        if is_section(kind) and kind not in seen:
            seen.add(kind)
            inner = list(fields(kind).values())
        for one in inner:
            sections(one, seen)
        return seen

    for model in sections(ImageTemplate, set()):
        names = [name.lower() for name in fields(model)]
        for one in names:
            for other in names:
                assert one == other or certain(one, [other]) is None, (one, other)


def test_old_versions_take_a_template_that_makes_nothing() -> None:
    """And it is refused when it is to be built."""
    value = template() | OLD
    del value["properties"]["distribute"]
    assert [(one.path, one.level) for one in problems(value, building=False)] == [("properties.distribute", "warning")]
    assert said(problems(value)) == [
        ("properties", "a template that makes no image is not supported on the local target")
    ]
    for other in ({"apiVersion": "2024-02-01"}, {"apiVersion": None}):
        assert ("properties.distribute", "`distribute` is missing") in said(problems(value | other, building=False))
