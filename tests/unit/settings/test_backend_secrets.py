"""A key or a token in the backend setting is shown by no command."""

import json
from pathlib import Path

import pytest

from tests.hostile.examine import command
from tests.unit.template.making import SOURCE, shell, template

SAS = "sv=2024&sig=HUNTER2"


@pytest.mark.parametrize("argument", ["access_key", "sas_token", "client_secret", "oidc_token", "Access_Key"])
@pytest.mark.parametrize("place", ["flag", "variable", "project"])
def test_no_command_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, place: str) -> None:
    path = tmp_path / "t.json"
    vhd = {"type": "VHD", "runOutputName": "out", "uri": "https://a.blob.core.windows.net/c/x.vhd"}
    value = template(source=SOURCE, customize=[shell(inline=["true"])], distribute=[vhd])
    path.write_text(json.dumps(value | {"apiVersion": "2024-02-01", "location": "westeurope"}))
    backend = f"azurerm:storage_account_name=a,container_name=c,key=k,{argument}={SAS}"
    flags = ["--backend", backend] if place == "flag" else []
    if place == "variable":
        monkeypatch.setenv("IMAGEGEN_BACKEND", backend)
    if place == "project":
        (tmp_path / "imagegen.toml").write_text(f"backend = {json.dumps(backend)}\n")
    said = command("generate", path, "--out", tmp_path / "out", *flags)
    assert said.code == 1
    assert f"error: the backend may not have `{argument}`" in said.err
    assert "HUNTER" not in said.out + said.err
    for json_flag in ([], ["--json"]) if place != "flag" else ():
        shown = command("settings", path, *json_flag)
        assert "HUNTER" not in shown.out + shown.err
        assert f"{argument}=***" in shown.out
