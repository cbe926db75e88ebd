"""Two workspaces with one folder or one Terraform state are refused before anything is written."""

import json
import shutil
from pathlib import Path

import pytest

from tests.hostile.examine import Said, command
from tests.unit.template.making import SOURCE, shell, template

ACCOUNT = "azurerm:storage_account_name=vault,container_name=states"
FIXED, NAMED = f"{ACCOUNT},key=images.tfstate", f"{ACCOUNT},key={{name}}.tfstate"
VHD = {"type": "VHD", "runOutputName": "out", "uri": "https://a.blob.core.windows.net/c/x.vhd"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()


def _template(folder: str, name: str) -> Path:
    path = Path(folder, "t.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    value = template(source=SOURCE, customize=[shell(inline=["true"])], distribute=[VHD])
    path.write_text(json.dumps(value | {"name": name, "apiVersion": "2024-02-01", "location": "westeurope"}))
    return path


def _refused(said: Said, *words: str) -> None:
    assert said.code == 1, said.err
    assert all(word in said.err for word in words), said.err
    assert "hint: " in said.err


def test_templates_of_one_command_with_one_state_key() -> None:
    """The key of the project's imagegen.toml, or of a flag."""
    web, api = _template("images/web", "web"), _template("images/api", "api")
    Path("imagegen.toml").write_text(f'backend = "{FIXED}"\n')
    for verb in (["generate"], ["generate", "--check"], ["generate", "--dry-run"], ["apply"]):
        said = command(*verb, web, api)
        _refused(said, "web and api have the same Terraform state, vault/states/images.tfstate", "key={name}.tfstate")
    assert not Path("web").exists()
    assert not Path("api").exists()
    assert command("generate", web, api, "--backend", NAMED).code == 0


def test_a_state_key_of_another_workspace_of_the_repository() -> None:
    """Generated one at a time, at any depth; `plan` and `apply` of a template refuse it too."""
    web, api = _template("images/web", "web"), _template("images/api", "api")
    Path("imagegen.toml").write_text(f'backend = "{FIXED}"\n')
    assert command("generate", web, "--out", "workspaces/dev/web").code == 0
    for verb in ("generate", "plan", "apply"):
        _refused(command(verb, api, "--out", "others/api"), "workspaces/dev/web and others/api have the same")
    assert not Path("others").exists()
    assert command("generate", web, "--out", "workspaces/dev/web").code == 0


def test_one_name_in_two_environments() -> None:
    dev, prod = _template("dev/web", "web"), _template("prod/web", "web")
    assert command("generate", dev, "--out", "w/dev/web", "--backend", NAMED).code == 0
    _refused(command("generate", prod, "--out", "w/prod/web", "--backend", NAMED), "vault/states/web.tfstate", "prod/")
    other = f"{ACCOUNT},key=prod/{{name}}.tfstate"
    assert command("generate", prod, "--out", "w/prod/web", "--backend", other).code == 0


def test_names_of_accounts_have_no_case_and_those_of_blobs_do() -> None:
    web, api = _template("images/web", "web"), _template("images/api", "api")
    assert command("generate", web, "--backend", FIXED.replace("vault", "Vault")).code == 0
    _refused(command("generate", api, "--backend", FIXED), "web and api")
    assert command("generate", api, "--backend", FIXED.replace("images.", "Images.")).code == 0


def test_a_copied_workspace_with_a_remote_state() -> None:
    assert command("generate", _template("images/web", "web"), "--out", "w/web", "--backend", FIXED).code == 0
    shutil.copytree("w/web", "w/copy")
    for verb in ("generate", "plan", "apply"):
        _refused(command(verb, "w/copy"), "w/web and w/copy have the same Terraform state", "remove a copy")


def test_another_repository_is_another_project(tmp_path: Path) -> None:
    """Clones beside each other, and worktrees within, have the same workspaces and the same states."""
    web = _template("images/web", "web")
    assert command("generate", web, "--out", "w/web", "--backend", FIXED).code == 0
    shutil.copytree(tmp_path / "w", tmp_path / "worktrees/one/w")
    Path("worktrees/one/.git").write_text("gitdir: elsewhere\n")
    assert command("generate", "w/web").code == 0
    assert command("generate", "worktrees/one/w/web").code == 0


def test_templates_of_one_command_with_one_folder() -> None:
    """The second would overwrite the first."""
    dev, prod = _template("dev/web", "web"), _template("prod/web", "web")
    for arguments in (["generate"], ["generate", "--out", "w"], ["apply", "--target", "local"]):
        _refused(command(*arguments, dev, prod), "have the same workspace, ")
    assert not Path("web").exists()
    assert not Path("w").exists()


def test_a_workspace_of_another_template_is_not_taken_over_in_silence() -> None:
    dev, prod = _template("dev/web", "web"), _template("prod/web", "web")
    note = "note: web was generated from another template until now, dev/web/t.json\n"
    assert command("generate", dev).err.count("until now") == 0
    assert note in command("generate", prod, "--check").err
    assert note in command("generate", prod).err
    assert command("generate", prod).err.count("until now") == 0
    Path("other").mkdir()
    prod.rename("other/t.json")  # it was moved
    assert command("generate", "other/t.json").err.count("until now") == 0
