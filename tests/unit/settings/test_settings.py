"""Settings at the command line: where each comes from, what a checkout may choose, and what is refused."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.cli import subject as prepare
from generator.settings import Settings, table
from tests.hostile.examine import Said, command
from tests.unit.template.making import SOURCE, shell, template

ACCOUNT = "azurerm:storage_account_name=a,container_name=c,key=k"
VHD = {"type": "VHD", "runOutputName": "out", "uri": "https://a.blob.core.windows.net/c/x.vhd"}
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "_told", set())


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a template into a folder of a repository, which is made with it."""

    def write(folder: str = "repo/images/web", **properties: Any) -> Path:
        (tmp_path / "repo/.git").mkdir(parents=True, exist_ok=True)
        path = tmp_path / folder / "t.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        value = template(source=SOURCE, customize=[shell(inline=["true"])], distribute=[VHD])
        value["properties"] |= properties
        path.write_text(json.dumps(value | {"name": "web", "apiVersion": "2024-02-01", "location": "westeurope"}))
        return path

    return write


def _values(*arguments: str | Path) -> dict[str, dict[str, Any]]:
    """What `imagegen settings` says."""
    said = command("settings", *arguments, "--json")
    assert said.code == 0, said.err
    found: dict[str, dict[str, Any]] = json.loads(said.out)["settings"]
    return found


def _generated(path: Path, out: Path, *flags: str) -> Said:
    said = command("generate", path, "--out", out, *flags)
    assert said.code == 0, said.err
    return said


def test_a_projects_file_is_found_upward_and_what_it_changes_is_reported_once(write: Write, tmp_path: Path) -> None:
    path = write()
    toml = tmp_path / "repo/imagegen.toml"
    toml.write_text(f'target = "azure"\nbackend = "{ACCOUNT}"\nbastion_host = ""\n')
    said = _generated(path, tmp_path / "out")
    assert f"note: {toml} sets backend = {ACCOUNT}\n" in said.err
    assert said.err.count("sets backend") == 1
    assert "sets backend" not in _generated(path, tmp_path / "out", "--backend", ACCOUNT[:-1] + "o").err
    assert '"o"' in (tmp_path / "out/terraform.tf").read_text()


def test_the_nearest_file_counts_and_none_above_the_repository(write: Write, tmp_path: Path) -> None:
    path = write()
    (tmp_path / "imagegen.toml").write_text("update_rounds = 6\n")
    assert _values(path)["update_rounds"] == {"value": 4, "from": "default"}
    (tmp_path / "repo/imagegen.toml").write_text("update_rounds = 3\n")
    assert _values(path)["update_rounds"] == {"value": 3, "from": str(tmp_path / "repo/imagegen.toml")}
    path.with_name("imagegen.toml").write_text("update_rounds = 2\n")
    assert _values(path)["update_rounds"]["value"] == 2


def test_a_home_folder_is_no_project(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever lies in it."""
    path = write("home/images/t")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/imagegen.toml").write_text("update_rounds = 6\n")
    assert _values(path)["update_rounds"]["value"] == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_not_used(write: Write, tmp_path: Path) -> None:
    """As one in /tmp would be; in a checkout of his own, whose template is run anyway, it is."""
    path = write()
    toml = tmp_path / "repo/imagegen.toml"
    toml.write_text("update_rounds = 6\n")
    os.chown(toml, 12345, 12345)
    assert _values(path)["update_rounds"]["value"] == 4
    said = command("generate", path, "--dry-run", "--out", tmp_path / "out")
    assert f"note: {toml} belongs to another user and is not used" in said.err
    os.chown(path, 12345, 12345)
    assert _values(path)["update_rounds"]["value"] == 6


def test_the_order_is_flag_variable_project_user_default(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write()
    own = tmp_path / "config/imagegen/imagegen.toml"
    own.parent.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    chosen = []
    own.write_text("update_rounds = 1\ncache_size = 1024\n")
    chosen.append(_values(path)["update_rounds"])
    (tmp_path / "repo/imagegen.toml").write_text("update_rounds = 2\n")
    chosen.append(_values(path)["update_rounds"])
    monkeypatch.setenv("IMAGEGEN_UPDATE_ROUNDS", "3")
    chosen.append(_values(path)["update_rounds"])
    froms = [str(own), str(tmp_path / "repo/imagegen.toml"), "IMAGEGEN_UPDATE_ROUNDS"]
    assert chosen == [{"value": number + 1, "from": place} for number, place in enumerate(froms)]
    assert _values(path)["cache_size"] == {"value": 1024, "from": str(own)}
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")  # the XDG specification: ignored
    assert _values(path)["cache_size"]["from"] == "default"


def test_a_workspace_is_redirected_by_its_lock_and_the_user_only(write: Write, tmp_path: Path) -> None:
    """A stranger's checkout brings an imagegen.toml, beside the workspace or in it."""
    out = tmp_path / "repo/out"
    _generated(write(), out, "--backend", ACCOUNT)
    before = command("generate", out, "--check")
    assert before.code == 0
    evil = "evil=evil"
    text = (
        f'target = "local"\nbackend = "{ACCOUNT.replace("a,", "evil,")}"\nsubscription_id = "evil"\n'
        f'bastion_host = "evil"\nlocation = "evil"\nsets = ["{evil}"]\nresource_group = "evil"\ntenant_id = "evil"\n'
        'mirrors = ["https://=https://evil/"]\nallow_from = ["0.0.0.0/0"]\naccept = ["location"]\n'
    )
    for place in (out, tmp_path / "repo"):
        (place / "imagegen.toml").write_text(text)
        values = _values(out)
        assert "evil" not in json.dumps(values)
        assert values["allow_from"] == {"value": [], "from": "default"}
        assert values["target"] == {"value": "azure", "from": str(out / "imagegen.lock.json")}
        assert values["accept"] == {"value": ["location"], "from": str(place / "imagegen.toml")}
        assert command("generate", out, "--check").code == 0
        (place / "imagegen.toml").unlink()


def test_a_file_of_the_current_folder_means_nothing(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is the template's folder that counts."""
    path = write()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/imagegen.toml").write_text("update_rounds = 6\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert _values(path)["update_rounds"]["value"] == 4
    assert _values()["update_rounds"]["value"] == 4
    assert command("cache", "list").code == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('terraform = "evil"', "may not choose terraform: it comes with a checkout"),
        ('cache_dir = "evil"\nstate_dir = "x"', "may not choose cache_dir, state_dir: it comes with a checkout"),
        ('cache_size = "0"', "may not choose cache_size: it comes with a checkout"),
        ('allow_files = ["/"]', "may not choose allow_files: it comes with a checkout"),
        ('parameters = "/etc/passwd"', "`parameters` leads out of"),
        ('parameters = "../../x.json"', "`parameters` leads out of"),
        ('mirrors = ["https://h/=/etc/"]', "`mirrors` leads out of"),
        ('mirrors = ["https://h/=~/.ssh/"]', "`mirrors` leads out of"),
        ("update_rounds = true", "`update_rounds` is `True`"),
        ("update_rounds = 7", "`update_rounds` is `7`"),
        ('strict = "true"', "`strict` is `true`"),
        ('allow_from = ["203.0.113.1/24"]', "`allow_from` is `['203.0.113.1/24']`"),
        ("allow_from = [1]", "`allow_from` is `[1]`"),
        ('sets = ["hunter2"]', "`sets` has the wrong form"),
        ('end_of_life_date = "tomorrow"', "`end_of_life_date` is `tomorrow`"),
        ('target = "gcp"', "`target` is `gcp`"),
    ],
)
def test_what_a_projects_file_may_not_say(write: Write, tmp_path: Path, text: str, told: str) -> None:
    path = write()
    (tmp_path / "repo/imagegen.toml").write_text(text)
    said = command("generate", path, "--out", tmp_path / "out")
    assert said.code == 1
    assert told in said.err
    assert "hunter2" not in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_projects_file_is_a_plain_one(write: Write, tmp_path: Path, kind: str) -> None:
    path = write()
    toml = tmp_path / "repo/imagegen.toml"
    if kind == "pipe":
        os.mkfifo(toml)
    else:
        toml.symlink_to("/dev/zero")
    said = command("validate", path)
    assert (said.code, said.err.startswith(f"error: {toml} cannot be read: not a plain file")) == (1, True)


def test_paths_in_a_file_start_from_its_folder(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write(customize=[shell(scriptUri="https://h.example/s.sh")])
    (tmp_path / "repo/mirror").mkdir()
    (tmp_path / "repo/mirror/s.sh").write_text("echo mirrored\n")
    (tmp_path / "repo/p.json").write_text('{"parameters": {}}')
    (tmp_path / "repo/imagegen.toml").write_text('mirrors = ["https://h.example/=mirror/"]\nparameters = "p.json"\n')
    monkeypatch.chdir(tmp_path)
    _generated(path, tmp_path / "out")
    assert next((tmp_path / "out/scripts").iterdir()).read_text() == "#!/bin/bash\necho mirrored\n"
    assert (tmp_path / "out/parameters.json").exists()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "IMAGEGEN_TARGTE",
            "local",
            "IMAGEGEN_TARGTE is not a setting of imagegen\nhint: did you mean IMAGEGEN_TARGET?",
        ),
        ("IMAGEGEN_XYZZY", "", "IMAGEGEN_XYZZY is not a setting of imagegen"),
        ("IMAGEGEN_TARGET", "gcp", "IMAGEGEN_TARGET is `gcp`\nhint: use azure or local"),
        ("IMAGEGEN_STRICT", "ture", "IMAGEGEN_STRICT is `ture`\nhint: use true or false"),
        ("IMAGEGEN_UPDATE_ROUNDS", "many", "IMAGEGEN_UPDATE_ROUNDS is `many`\nhint: use a number from 1 to 6"),
        ("IMAGEGEN_ALLOW_FROM", "me", "IMAGEGEN_ALLOW_FROM is `me`\nhint: use IP ranges"),
        ("IMAGEGEN_MIRRORS", "https://u:hunter2@h/", "IMAGEGEN_MIRRORS has the wrong form\nhint: use PREFIX=PREFIX"),
        ("IMAGEGEN_SETS", "hunter2", "IMAGEGEN_SETS has the wrong form\nhint: use NAME=VALUE"),
        ("IMAGEGEN_UTC_NOW", "2020-13-01", "IMAGEGEN_UTC_NOW is `2020-13-01`\nhint: use a date"),
        ("IMAGEGEN_ACCEPT", "replicationRegoins", "there is no warning `replicationRegoins`\nhint: did you mean"),
    ],
)
@pytest.mark.parametrize("name_of_command", ["validate", "generate"])
def test_a_variable_of_the_wrong_name_or_form_is_refused(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    value: str,
    told: str,
    name_of_command: str,
) -> None:
    monkeypatch.setenv(name, value)
    said = command(name_of_command, write())
    assert said.code == 2, said
    assert told in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "DIR"],
        ["releases", "DIR"],
        ["cleanup", "DIR"],
        ["plan", "DIR"],
        ["base", "list"],
        ["cache", "list"],
        ["doctor"],
        ["settings"],
        ["generate", "DIR", "--check"],
    ],
)
def test_every_command_refuses_an_unknown_variable(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str]
) -> None:
    out = tmp_path / "repo/out"
    _generated(write(), out)
    monkeypatch.setenv("IMAGEGEN_TARGTE", "local")
    said = command(*(str(out) if one == "DIR" else one for one in arguments))
    assert (said.code, said.out) == (2, "")
    assert "IMAGEGEN_TARGTE is not a setting" in said.err


def test_switches_may_be_off(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty variable counts as not set."""
    path = write()
    (tmp_path / "repo/imagegen.toml").write_text("strict = true\n")
    for text, value in (("false", False), ("0", False), ("No", False), ("TRUE", True), ("on", True), ("", True)):
        monkeypatch.setenv("IMAGEGEN_STRICT", text)
        assert _values(path)["strict"]["value"] is value, text


def test_settings_show_no_secret(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as a table nor for programs; it shows everything else."""
    monkeypatch.setenv("IMAGEGEN_SETS", "password=hunter2")
    monkeypatch.setenv("IMAGEGEN_MIRRORS", "https://h/=https://u:hunter2@m/?sig=hunter2")
    path = write()
    for arguments in ((), ("--json",)):
        said = command("settings", path, *arguments)
        assert said.code == 0
        assert "hunter2" not in said.out + said.err
        assert "password=***" in said.out
        assert all(name in said.out for name in table())


def test_a_projects_values_of_set_are_not_shown(write: Write, tmp_path: Path) -> None:
    """They may be secret."""
    path = write()
    path.write_text(path.read_text().replace('"true"', '"echo <what>"'))
    (tmp_path / "repo/imagegen.toml").write_text('sets = ["what=hunter2"]\n')
    said = _generated(path, tmp_path / "out")
    assert "sets sets = what=***" in said.err
    assert "hunter2" not in said.err


def test_quiet_prints_no_notes(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    path = write()
    (tmp_path / "repo/imagegen.toml").write_text("update_rounds = 2\n")
    assert "note:" in command("apply", path, "--out", tmp_path / "out").err
    prepare._told.clear()
    quiet = command("apply", path, "--out", tmp_path / "out", "-q")
    assert quiet.err.startswith("error: `terraform` is not installed")


def test_each_setting_is_declared_once_and_listed_in_the_readme() -> None:
    """The README's table is the one that the declarations give."""
    done = subprocess.run(
        ["python3", "-c", "from generator.settings.document import markdown; print(markdown(), end='')"],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True,
    )  # fmt: skip
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    assert done.stdout in readme
    assert [row.split("`")[1] for row in done.stdout.splitlines()[2:]] == list(Settings.__dataclass_fields__)
