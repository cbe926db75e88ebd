"""Whatever comes in, only ImagegenError comes out, and the report of it is printable."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.errors import ImagegenError, InvalidTemplate
from generator.template import read, read_bytes
from generator.template.report import as_json, render
from generator.template.versions import VERSIONS
from tests.unit.template.corpus import CORPUS
from tests.unit.template.making import LOCAL

NAMES = """
type properties source customize validate inVMValidations distribute runOutputName Shell File PowerShell VHD inline
SharedImage ManagedImage PlatformImage scriptUri sourceUri destination name tags identity vmProfile vnetConfig state
galleryImageId versioning targetRegions optimize vmBoot sha256Checksum apiVersion <x> [f(x)] ../x $schema resources
parameters variables defaultValue value copy count [parameters('x')] [variables('a')] [concat('<x>')] [[x] sourceURI
SCRIPT platformimage shell vhd aritfactTags latest Microsoft.VirtualMachineImages/imageTemplates [range(0,9)]
"""
WORDS = st.sampled_from(NAMES.split())
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=20,
)
SECTIONS = ("source", "customize", "validate", "distribute", "vmProfile", "optimize", "errorHandling", "autoRun")
TEMPLATES = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from(SECTIONS), VALUES | st.lists(VALUES, max_size=3))},
    optional={"tags": VALUES, "identity": VALUES, "type": VALUES, "apiVersion": VALUES | st.sampled_from(VERSIONS)},
)
DEPLOYMENTS = st.fixed_dictionaries(
    {"resources": st.lists(TEMPLATES, max_size=2) | st.dictionaries(WORDS, TEMPLATES, max_size=2) | VALUES},
    optional={"parameters": VALUES, "variables": VALUES, "functions": VALUES, "languageVersion": VALUES},
)
GIVEN = st.lists(st.tuples(WORDS, WORDS | st.text(max_size=5)), max_size=3).map(tuple)


def survives(raw: bytes, sets: tuple[tuple[str, str], ...] = (), *, strict: bool = False) -> None:
    given = replace(LOCAL, sets=sets, strict=strict)
    try:
        problems = read_bytes(raw, "t.json", given, building=not strict).warnings
    except InvalidTemplate as error:
        problems = error.problems
    text = render(problems, {"t.json": raw})
    assert all(char.isprintable() or char == "\n" for char in text)
    assert json.loads(json.dumps(as_json(problems)))["problems"] == as_json(problems)["problems"]


@settings(max_examples=150, deadline=None)
@given(TEMPLATES | DEPLOYMENTS | VALUES, GIVEN, st.booleans())
def test_any_json(value: Any, sets: tuple[tuple[str, str], ...], strict: bool) -> None:
    survives(json.dumps(value).encode(), sets, strict=strict)


@settings(max_examples=100, deadline=None)
@given(TEMPLATES, st.sampled_from(VERSIONS[:-2]))
def test_reading_leniently_never_refuses_what_is_right(value: dict[str, Any], version: str) -> None:
    """And reads the same from it."""
    try:
        strictly = read_bytes(json.dumps(value | {"apiVersion": VERSIONS[-1]}).encode(), "t", LOCAL, building=False)
    except InvalidTemplate:
        return
    leniently = read_bytes(json.dumps(value | {"apiVersion": version}).encode(), "t", LOCAL, building=False)
    assert leniently.template.properties == strictly.template.properties


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.text('{}[]",:\\/*\n<>ab1-. ', max_size=60).map(str.encode))
def test_any_bytes(raw: bytes) -> None:
    survives(raw)


@settings(max_examples=60, deadline=None)
@given(TEMPLATES, st.data())
def test_any_broken_json(value: Any, data: st.DataObject) -> None:
    raw = json.dumps(value).encode()
    start = data.draw(st.integers(0, len(raw)))
    survives(raw[:start] + raw[start + data.draw(st.integers(1, 9)) :])


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public templates is not on this machine")
def test_corpus_ends_in_words() -> None:
    files = sorted(CORPUS.rglob("*.json"))
    assert files
    for file in files:
        with pytest.raises(ImagegenError):
            read(file, LOCAL)


def test_import_is_cheap() -> None:
    code = "import sys, generator.template; print({'pydantic', 'httpx', 'rich', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
