"""Placeholders: filled wherever they stand, listed where they are left."""

from dataclasses import replace
from typing import Any

import pytest

from generator.settings import Settings
from tests.unit.template.making import IDENTITY, LOCAL, good, problems, said, shell, template, vhd


def sets(**values: str) -> Settings:
    return replace(LOCAL, sets=tuple(values.items()))


def everywhere() -> dict[str, Any]:
    value = template(
        buildTimeoutInMinutes="<minutes>",
        distribute=[vhd("<name>", artifactTags={"<key>": "<tag>"})],
        customize=[shell(inline=["echo <name> <other>"])],
        validate={"continueDistributeOnFailure": "<go>"},
    )
    identity = {"type": "UserAssigned", "userAssignedIdentities": {"<id>": {}}}
    return value | {"location": "<region>", "identity": identity, "apiVersion": "<apiVersion>"}


def test_filled_everywhere() -> None:
    read = good(
        everywhere(),
        sets(minutes="60", name="n", key="k", tag="t", go="True", id=IDENTITY, region="r", apiVersion="2024-02-01"),
    )
    properties = read.template.properties
    assert (properties.build_timeout_in_minutes, read.template.location) == (60, "r")
    assert properties.validate_.continue_distribute_on_failure is True
    assert properties.distribute[0].run_output_name == "n"
    assert properties.distribute[0].artifact_tags == {"k": "t"}
    assert properties.customize[0].inline == ("echo n <other>",)  # type: ignore[union-attr]
    assert read.template.api_version == "2024-02-01"


def test_all_that_is_left_is_listed_at_once() -> None:
    found = problems(everywhere())
    assert {message.split("<")[1].split(">")[0]: path for path, message in said(found)} == {
        "apiVersion": "apiVersion", "go": "properties.validate.continueDistributeOnFailure",
        "id": 'identity.userAssignedIdentities["<id>"]', "key": 'properties.distribute[0].artifactTags["<key>"]',
        "minutes": "properties.buildTimeoutInMinutes", "name": "properties.distribute[0].runOutputName",
        "region": "location", "tag": 'properties.distribute[0].artifactTags["<key>"]',
    } | {"tag": 'properties.distribute[0].artifactTags["<key>"]'}  # fmt: skip
    assert {problem.hint for problem in found if "<region>" in problem.message} == {
        "give --set region=VALUE, or write the value in its place"
    }


def test_one_name_in_many_places_is_one_problem() -> None:
    text = '{"location": "<a>",\n"tags": {"x": "<a>"},\n"name": "<a>",\n"properties": {}}'
    (found,) = [one for one in problems(text) if "placeholder" in one.message]
    assert (found.line, found.hint) == (
        1, "give --set a=VALUE, or write the value in its place; it stands in lines 2, 3 too",
    )  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [("<n>", 7), ('"<n>"', 7)])
def test_a_number_without_quotes(text: str, value: int) -> None:
    document = (
        '{"apiVersion": "2024-02-01", "properties": {"buildTimeoutInMinutes": %s, "source": %s, "distribute": %s}}'
    )
    import json

    usual = template()["properties"]
    whole = document % (text, json.dumps(usual["source"]), json.dumps(usual["distribute"]))
    assert good(whole, sets(n="7")).template.properties.build_timeout_in_minutes == value
    assert [path for path, _ in said(problems(whole))] == ["properties.buildTimeoutInMinutes"]
    assert "must be a whole number" in said(problems(whole, sets(n="7x")))[0][1]


def test_text_stays_text() -> None:
    assert good(template() | {"location": "<n>"}, sets(n="7")).template.location == "7"


def test_a_name_that_nothing_uses_is_told_with_the_nearest() -> None:
    found = problems(template() | {"location": "<region>"}, sets(regoin="x"))
    assert [(one.file, one.hint) for one in found if one.line == 0] == [("--set regoin", "did you mean `region`?")]


def test_two_keys_that_become_one() -> None:
    (found,) = problems(template() | {"tags": {"<a>": "1", "x": "2"}}, sets(a="x"))
    assert found.message == "`x` is duplicated in this object"
    assert found.level == "error"
    (found,) = problems(template() | {"apiVersion": "2020-02-14", "tags": {"<a>": "1", "x": "2"}}, sets(a="x"))
    assert found.level == "warning"


def test_scripts_are_full_of_what_looks_like_placeholders() -> None:
    assert problems(template(customize=[shell(inline=["cat <file> <<EOF", "[ -f x ] && [[ y ]]"])])) == []


def test_a_filled_value_is_not_filled_again() -> None:
    read = good(template() | {"tags": {"x": "<a>", "y": "<b>"}}, sets(a="1 <b> 2", b="3"))
    assert read.template.tags == {"x": "1 <b> 2", "y": "3"}
