"""Templates that people published, with their placeholders and parameters set by the kind of their names."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from generator.settings import Settings
from generator.template.document import Document
from generator.template.load import load
from generator.template.placeholders import PLACEHOLDER
from tests.unit.template.making import GROUP, IDENTITY, SOURCE

# Beside the checkout, or wherever IMAGEGEN_CORPUS says.
BESIDE = Path(__file__).parents[4] / "shared/aib-corpus"
CORPUS = Path(os.environ.get("IMAGEGEN_CORPUS") or BESIDE)
FILES = sorted(CORPUS.rglob("*.json"))
needs_corpus = pytest.mark.skipif(not FILES, reason="the corpus of public templates is not on this machine")

# The first that a name contains, in small letters, says what its value looks like.
KINDS = {
    "subscription": "00000000-0000-0000-0000-000000000000",
    "identit": IDENTITY,
    "imgbuilderid": IDENTITY,
    "versionid": f"{GROUP}/galleries/g/images/i/versions/latest",
    "groupid": f"{GROUP}/images/",
    "url": "https://example.org/script.sh",
    "artifactslocation": "https://example.org/",
    "api": "2020-02-14",
    "imageid": f"{GROUP}/images/image",
    "region2": "northeurope",
    "region": "westeurope",
    "location": "westeurope",
}
BY_TYPE: dict[str, Any] = {
    "array": [], "bool": False, "int": 60, "object": {}, "securestring": "secret", "string": "value",
}  # fmt: skip
# Parameters whose form only the template's own text tells.
OBJECTS: dict[str, Any] = {
    "imagesource": SOURCE,
    "managedidentities": {"userAssignedResourceIds": [IDENTITY]},
    "distributions": [{"type": "ManagedImage", "imageName": "image"}],
}


def value_of(name: str) -> str:
    """A value for a placeholder or parameter, by its name."""
    return next((value for part, value in KINDS.items() if part in name.lower()), "value")


def settings_for(path: Path, **more: Any) -> Settings:
    """Settings with a value for everything that a template wants."""
    document = load(path.read_bytes(), str(path))
    sets = {name: value_of(name) for name in PLACEHOLDER.findall(document.text)}
    return Settings(sets=tuple((sets | _parameters(document)).items()), **more)


def _parameters(document: Document) -> dict[str, str]:
    """A value for each parameter that needs one, or whose default asks where the template was fetched from."""
    declared: dict[str, dict[str, Any]] = document.value.get("parameters", {})
    return {name: _value(name, entry) for name, entry in declared.items() if _needs_value(name, entry)}


def _needs_value(name: str, entry: dict[str, Any]) -> bool:
    if "defaultValue" in entry:
        return "templateLink" in str(entry["defaultValue"])
    return name.lower() in OBJECTS or not (entry.get("nullable") or "$ref" in entry)


def _value(name: str, entry: dict[str, Any]) -> str:
    kind = entry.get("type", "object").lower()
    if kind == "string" and "allowedValues" not in entry:
        return value_of(name)
    value = OBJECTS.get(name.lower(), entry.get("allowedValues", [BY_TYPE[kind]])[0])
    return value if isinstance(value, str) else json.dumps(value)
