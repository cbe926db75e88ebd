"""The JSON Schema for editors: right by its own dialect, lets pass what is good, finds what is not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from generator.template.jsonschema import schema
from generator.template.schema.words import WORDS
from tests.unit.template.making import file, shared, shell, template, vhd

ROOT = Path(__file__).parents[3]
SCHEMA: dict[str, Any] = json.loads(schema())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
TEMPLATES = sorted([*ROOT.glob("examples/*/template.json"), *ROOT.glob("tests/golden/cases/*/template.json")])


def wrong(value: Any) -> set[str]:
    """Where the schema finds something."""
    return {"/".join(map(str, error.absolute_path)) for error in VALIDATOR.iter_errors(value)}


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.parent.name)
def test_examples_pass(path: Path) -> None:
    assert wrong(json.loads(path.read_text())) == set()


@pytest.mark.parametrize(
    "value",
    [
        template(buildTimeoutInMinutes="<minutes>", customize="[parameters('steps')]", vmProfile=None),
        template(customize=[shell(inline=["a"]), "[if(true(), 1, 2)]"], optimize={"vmBoot": {"state": "<state>"}}),
        template(distribute=[vhd(), shared(targetRegions=[{"name": "<region>", "replicaCount": "<n>"}])]),
        template() | {"$schema": "x", "dependsOn": [], "identity": {"userAssignedIdentities": {"<id>": {}}}},
        {"properties": template()["properties"]},
    ],
)
def test_placeholders_and_expressions_pass(value: Any) -> None:
    assert wrong(value) == set()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (template() | {"propertie": {}}, ""),
        (template(customize=[shell(inlin=["a"])]), "properties/customize"),
        (template(customize=[file(destination=7)]), "properties/customize"),
        (template(buildTimeoutInMinutes="60"), "properties/buildTimeoutInMinutes"),
        (template(buildTimeoutInMinutes=961), "properties/buildTimeoutInMinutes"),
        (template(errorHandling={"onCustomizerError": "keep"}), "properties/errorHandling"),
        ({"location": "x"}, ""),
        ([], ""),
    ],
)
def test_what_is_wrong_is_found(value: Any, path: str) -> None:
    assert any(found.startswith(path) for found in wrong(value))


def test_the_command_prints_it_and_always_the_same() -> None:
    command = [sys.executable, "-m", "generator", "schema"]
    first = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert first == schema() + "\n"
    assert all(section.get("description") for name, section in SCHEMA["$defs"].items())


def test_every_name_is_described_and_no_other() -> None:
    sections = [SCHEMA, *SCHEMA["$defs"].values()]
    described = {name: member["description"] for one in sections for name, member in one.get("properties", {}).items()}
    assert described == WORDS
