"""Deployment templates that people have written."""

from pathlib import Path
from typing import Any

import pytest

from generator.errors import InvalidTemplate
from generator.template.arm.deployed import is_deployment
from generator.template.arm.expand import evaluate_body, expand
from generator.template.arm.inputs import Inputs
from generator.template.load import load
from tests.unit.template.corpus import CORPUS, FILES

PLAUSIBLE = {"string": "x", "securestring": "x", "int": "5", "bool": "true", "array": "[]", "object": "{}"}
GIVEN = {
    "_artifactsLocation": "https://example.com/x/",
    "imageSource": '{"type": "PlatformImage", "publisher": "p", "offer": "o", "sku": "s"}',
    "distributions": '[{"type": "SharedImage", "sharedImageGalleryImageDefinitionResourceId": "/g/d"}, '
    '{"type": "ManagedImage", "imageName": "n"}, {"type": "VHD", "imageName": "v"}]',
    "managedIdentities": '{"userAssignedResourceIds": ["/an/identity"]}',
}

pytestmark = pytest.mark.skipif(not FILES, reason="the corpus is not here")


def sets_for(parameters: dict[str, Any]) -> dict[str, str]:
    sets = {name: PLAUSIBLE[str(says.get("type", "string")).lower()] for name, says in parameters.items()
            if "defaultValue" not in says and "$ref" not in says and not says.get("nullable")}  # fmt: skip
    return sets | {name: text for name, text in GIVEN.items() if name in parameters}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CORPUS)))
def test_corpus(file: Path) -> None:
    try:
        document = load(file.read_bytes(), str(file))
    except InvalidTemplate:
        pytest.skip("not JSON")
    if not is_deployment(document.value):
        assert evaluate_body(document, Inputs()).document.value == document.value
        return
    sets = sets_for(document.value["parameters"])
    found = expand(document, Inputs(sets=sets))
    assert found.used == set(sets)
    assert found.document.value["type"].lower() == "microsoft.virtualmachineimages/imagetemplates"
    assert found.document.value["properties"]["source"]["type"]
