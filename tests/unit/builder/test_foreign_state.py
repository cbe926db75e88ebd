"""A remote state that is another workspace's: two of them were given the same key."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.azure.target import AzureTarget
from generator.builder.rest import refuse_foreign
from generator.builder.target import Request
from generator.builder.terraform import Terraform
from generator.cli.console import HumanEvents
from generator.errors import ImagegenError
from generator.settings import Settings
from generator.workspace.generate import generate
from tests.golden.regenerate import ROOT

STATE = {"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "x", "outputs": {}, "resources": []}


@pytest.fixture
def request_of(tmp_path: Path) -> Request:
    """A workspace whose state has a key; here it lies beside it."""
    generated = generate(ROOT / "examples/gallery/template.json", Settings(target="azure"), tmp_path / "out")
    azure = generated.blueprint.azure
    assert azure is not None
    blueprint = replace(generated.blueprint, azure=replace(azure, id="a" * 12, backend=(("key", "images.tfstate"),)))
    settings = Settings(target="azure")
    tmp_path.joinpath("out").mkdir()
    return Request(tmp_path / "out", blueprint, "", AzureTarget(settings), settings, HumanEvents(quiet=True))


def _resource(tags: dict[str, str]) -> dict[str, Any]:
    return {
        "module": 'module.image["out/1.0.0"]', "mode": "managed", "type": "azurerm_shared_image_version",
        "name": "this", "provider": 'provider["registry.terraform.io/hashicorp/azurerm"]',
        "instances": [{"schema_version": 0, "attributes": {"id": "/x", "tags": tags}}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({}, None),
        ({"outputs": {"workspace": {"value": "gallery", "type": "string"}}}, None),
        ({"outputs": {"workspace": {"value": "db", "type": "string"}}}, "`db`"),
        ({"resources": [_resource({"imagegen:workspace": "a" * 12})]}, None),
        ({"resources": [_resource({"imagegen:workspace": "b" * 12})]}, "bbbbbbbbbbbb"),
        ({"resources": [_resource({})]}, None),
    ],
)
def test_the_state_of_another_workspace_is_refused(
    request_of: Request, state: dict[str, Any], named: str | None
) -> None:
    (request_of.workspace / "terraform.tfstate").write_text(json.dumps(STATE | state))
    terraform = Terraform(request_of.workspace, request_of.settings)
    if named is None:
        refuse_foreign(request_of, terraform)
        return
    with pytest.raises(ImagegenError, match=r"the state `images.tfstate` is of another workspace") as refused:
        refuse_foreign(request_of, terraform)
    assert named in refused.value.message
    assert "key={name}.tfstate" in (refused.value.hint or "")
