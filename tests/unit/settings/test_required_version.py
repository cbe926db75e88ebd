"""`required_version` in an imagegen.toml: a project that wants another imagegen than runs is refused."""

import json
from pathlib import Path

import pytest

from generator import __version__
from tests.hostile.examine import command
from tests.unit.template.making import SOURCE, shell, template

VHD = {"type": "VHD", "runOutputName": "out"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A template in a folder of a repository, with a workspace beside it."""
    (tmp_path / ".git").mkdir()
    path = tmp_path / "images/t.json"
    path.parent.mkdir()
    value = template(source=SOURCE, customize=[shell(inline=["true"])], distribute=[VHD])
    path.write_text(json.dumps(value | {"name": "web", "apiVersion": "2024-02-01", "location": "westeurope"}))
    assert command("generate", path, "--target", "local", "--out", tmp_path / "web").code == 0
    return path


@pytest.mark.parametrize("wanted", [">= 99.1", "<0.1", "==0.1.0", "~= 99.0", ">= 0.1, < 0.1.5", f"!= {__version__}"])
def test_a_project_of_another_version_is_refused_by_every_command(path: Path, wanted: str) -> None:
    """Both versions are named, and first: that version may know other settings."""
    toml = path.parents[1] / "imagegen.toml"
    toml.write_text(f'unheard_of = 1\nrequired_version = "{wanted}"\n')
    workspace = path.parents[1] / "web"
    commands: list[list[str | Path]] = [
        ["validate", path], ["generate", path], ["generate", workspace, "--check"], ["plan", workspace],
        ["apply", workspace], ["status", workspace], ["settings", path], ["releases", workspace],
    ]  # fmt: skip
    for arguments in commands:
        said = command(*arguments)
        assert (said.code, said.out) == (1, ""), arguments
        assert said.err.startswith(f"error: {toml} requires imagegen {wanted}; this is {__version__}\nhint: "), said.err


@pytest.mark.parametrize("wanted", [">= 0.2", f"=={__version__}", "~=0.2", " >=0.1,<99 ", "==0.*"])
def test_a_version_that_fits_is_not_spoken_of(path: Path, wanted: str) -> None:
    (path.parents[1] / "imagegen.toml").write_text(f'required_version = "{wanted}"\n')
    said = command("validate", path)
    assert (said.code, "required_version" in said.err) == (0, False), said.err


@pytest.mark.parametrize("value", ['"0.2"', '"~> 0.2"', '">= banana"', '""', '" "', "0.2", "true", '["0.2"]', "{a=1}"])
def test_a_version_of_the_wrong_form_is_refused(path: Path, value: str) -> None:
    toml = path.parents[1] / "imagegen.toml"
    toml.write_text(f"required_version = {value}\n")
    said = command("validate", path)
    assert said.code == 1
    assert f"{toml}: `required_version` is " in said.err
    assert 'hint: use versions such as ">= 0.2"' in said.err


def test_the_users_own_file_may_require_one_too(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    own = tmp_path / "config/imagegen/imagegen.toml"
    own.parent.mkdir(parents=True)
    own.write_text('required_version = "> 99"\n')
    assert f"{own} requires imagegen > 99; this is {__version__}" in command("validate", path).err
