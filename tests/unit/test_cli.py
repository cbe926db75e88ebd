"""The command line: exit codes, what goes where, and what is refused in which words."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generator.cli import app as cli
from generator.local import host

SOURCE = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12", "version": "latest"}


@dataclass
class Result:
    """A finished command."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs command lines in a folder."""

    capture: pytest.CaptureFixture[str]
    folder: Path

    def __call__(self, *arguments: str | Path) -> Result:
        self.capture.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        out, err = self.capture.readouterr()
        return Result(code, out, err)

    def template(self, name: str = "small", **properties: Any) -> Path:
        """Write a template."""
        body = {
            "type": "Microsoft.VirtualMachineImages/imageTemplates",
            "apiVersion": "2024-02-01",
            "location": "westeurope",
            "properties": {
                "source": SOURCE,
                "customize": [{"type": "Shell", "inline": ["true"]}],
                "distribute": [{"type": "VHD", "runOutputName": "out"}],
            }
            | properties,
        }
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(body))
        return path


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    return Shell(capsys, tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["validate"],
        ["apply", "x", "--on-error", "explode"],
        ["releases"],
        ["generate", "--nope", "x"],
        [],
    ],
)
def test_wrong_usage_is_exit_code_2(shell: Shell, arguments: list[str]) -> None:
    """Told on stderr, without a traceback."""
    result = shell(*arguments)
    assert result.code == 2
    assert result.err + result.out
    assert "Traceback" not in result.err


def test_validate_tells_every_problem_of_every_file(shell: Shell) -> None:
    """With file, line and column; exit code 1."""
    good = shell.template()
    bad = shell.template(
        "bad", customize=[{"type": "Shel", "inline": []}, {"type": "File"}], buildTimeoutInMinutes=1000
    )
    result = shell("validate", good, bad)
    assert result.code == 1
    for part in (f"{bad}:1:", "Shell", "sourceUri", "destination", "buildTimeoutInMinutes"):
        assert part in result.err
    assert shell("validate", good).code == 0
    listed = json.loads(shell("validate", bad, "--json").out)
    assert len(listed["problems"]) >= 4


def test_a_file_that_is_not_there(shell: Shell) -> None:
    """In one line."""
    result = shell("validate", "nowhere.json")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: there is no file nowhere.json")


def test_generate_check_and_dry_run_write_nothing(shell: Shell) -> None:
    """--check is exit code 1 while something would change."""
    path = shell.template()
    dry = shell("generate", path, "--target", "local", "--dry-run")
    assert dry.code == 0
    assert "create   small/main.tf" in dry.out
    assert shell("generate", path, "--target", "local", "--check").code == 4
    assert not (shell.folder / "small").exists()
    written = shell("generate", path, "--target", "local")
    assert (written.code, written.out) == (0, "small\n")
    assert shell("generate", path, "--target", "local", "--check").code == 0
    assert shell("generate", "small", "--check").code == 0


def test_a_changed_template_updates_its_workspace(shell: Shell) -> None:
    """What is no longer in the template goes from the workspace."""
    shell("generate", shell.template(), "--target", "local")
    steps = [{"type": "Shell", "name": "other", "inline": ["true"]}]
    result = shell("generate", shell.template(customize=steps), "--target", "local", "--json")
    changed = json.loads(result.out)["changed"]
    assert "scripts/010-shell.sh" in changed
    assert "scripts/010-other.sh" in changed
    assert not (shell.folder / "small/scripts/010-shell.sh").exists()


def test_azure_is_the_target_when_none_is_named(shell: Shell) -> None:
    """Generating needs no cloud; a VHD has to say where to go there."""
    refused = shell("generate", shell.template())
    assert refused.code == 1
    assert "a VHD without `uri` is not supported on the azure target" in refused.err
    assert not (shell.folder / "small").exists()
    named = shell.template(distribute=[{"type": "VHD", "runOutputName": "out", "uri": "https://a.example/c/x.vhd"}])
    assert shell("generate", named).code == 0
    assert (shell.folder / "small/modules/azure/linux_vm/main.tf").exists()


def test_many_templates_are_generated_at_once(shell: Shell) -> None:
    """Each into a folder of its own, named after it."""
    paths = [shell.template(name) for name in ("one", "two", "three")]
    result = shell("generate", *paths, "--target", "local", "--out", "all")
    assert result.code == 0, result.err
    assert sorted(path.name for path in (shell.folder / "all").iterdir()) == ["one", "three", "two"]
    assert shell("generate", *paths, "--target", "local", "--out", "all", "--check").code == 0


def test_what_is_for_one_build_is_refused_for_several(shell: Shell) -> None:
    """In words, before anything starts."""
    paths = [shell.template(name) for name in ("one", "two")]
    refused = shell("apply", *paths, "--target", "local", "--version", "1.0.0")
    assert refused.code == 2
    assert "--version is for one build" in refused.err


@pytest.mark.parametrize(
    ("target", "flags"),
    [
        ("local", ["--backend", "azurerm:key=x"]),
        ("local", ["--communicator", "ssh"]),
        ("local", ["--allow-from", "192.0.2.0/24"]),
        ("local", ["--allow-local-state"]),
        ("azure", ["--no-cache"]),
        ("azure", ["--no-cache-from", "one"]),
    ],
)
def test_what_means_nothing_for_the_target_is_refused(shell: Shell, target: str, flags: list[str]) -> None:
    """Nothing that was asked for is dropped in silence."""
    refused = shell("apply", shell.template(), "--target", target, "--out", "out", *flags)
    assert refused.code == 2
    assert f"{flags[0]} means nothing with the target {target}" in refused.err
    assert not (shell.folder / "out").exists()


def test_without_a_credential_the_way_around_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made, and every source that was tried is named."""
    for name in [name for name in os.environ if name.startswith("ARM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARM_USE_CLI", "false")
    named = shell.template(distribute=[{"type": "VHD", "runOutputName": "out", "uri": "https://a.example/c/x.vhd"}])
    shell("generate", named)
    result = shell("doctor", "--target", "azure")
    assert result.code == 1
    assert "ARM_CLIENT_SECRET" in result.err + result.out


def test_all_missing_tools_are_named_at_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything starts, with the command that installs them."""
    monkeypatch.setenv("PATH", str(shell.folder))
    monkeypatch.setattr("generator.local.host.search_path", lambda: str(shell.folder))
    result = shell("apply", shell.template(), "--target", "local")
    assert result.code == 1
    for name in ("qemu-system-x86_64", "qemu-img", "mmdebstrap", "terraform", "mcopy"):
        assert name in result.err
    assert "apt-get install" in result.err
    assert not (shell.folder / "small").exists()
    assert "MISSING  qemu-img" in shell("doctor").out
    assert shell("doctor").code == 1


def test_an_unknown_source_names_the_command_that_imports_it(shell: Shell) -> None:
    """Nothing starts."""
    source = SOURCE | {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server"}
    result = shell("apply", shell.template(source=source), "--target", "local")
    assert result.code == 1
    assert "imagegen base import FILE --as Canonical:ubuntu-24_04-lts:server" in result.err


@pytest.mark.parametrize("name", ["extra.tf", "x_override.tf", "x.auto.tfvars.json", "modules/steps/shell/x.tf"])
def test_a_strangers_file_keeps_terraform_from_running(shell: Shell, name: str) -> None:
    """It is named; nothing is run."""
    shell("generate", shell.template(), "--target", "local")
    (shell.folder / "small" / name).write_text("")
    for command in ("plan", "apply", "cleanup"):
        result = shell(command, "small")
        assert result.code == 1
        assert name in result.err
    assert not (shell.folder / "small/.terraform").exists()


def test_an_edited_file_keeps_terraform_from_running(shell: Shell) -> None:
    """Even when the lock was edited with it."""
    shell("generate", shell.template(), "--target", "local")
    script = shell.folder / "small/modules/steps/shell/run.sh.tftpl"
    script.write_text(script.read_text() + "evil\n")
    assert "modules/steps/shell/run.sh.tftpl" in shell("plan", "small").err


@pytest.mark.parametrize("command", ["status", "cleanup", "releases", "ssh", "plan", "apply"])
def test_a_folder_that_is_no_workspace(shell: Shell, command: str) -> None:
    """Said so, and nothing is made in it."""
    result = shell(command, shell.folder)
    assert result.code == 1
    assert "is not a workspace of imagegen" in result.err
    assert list(shell.folder.iterdir()) == []


def test_status_and_releases_of_a_fresh_workspace(shell: Shell) -> None:
    """At rest, with nothing released."""
    shell("generate", shell.template(), "--target", "local")
    assert "no build under way" in shell("status", "small").out
    assert json.loads(shell("releases", "small", "--json").out) == {"releases": {}}
    result = shell("releases", "retire", "small", "1.0.0", "--yes")
    assert result.code == 1
    assert "not in service" in result.err


def test_settings_come_from_flag_environment_and_file_in_this_order(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is wrong in the file is told."""
    path = shell.template()
    (shell.folder / "imagegen.toml").write_text('target = "local"\n')
    assert shell("generate", path).code == 0
    monkeypatch.setenv("IMAGEGEN_TARGET", "azure")
    assert shell("generate", path, "--out", "other").code == 1
    assert shell("generate", path, "--out", "other", "--target", "local").code == 0
    (shell.folder / "imagegen.toml").write_text('targte = "local"\n')
    assert "unknown settings: targte" in shell("generate", path).err


def test_a_bug_of_ours_is_exit_code_3_with_a_log(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback on the terminal."""

    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("generator.cli.commands.status", explode)
    result = shell("status", ".")
    assert result.code == 3
    assert "Traceback" not in result.err
    log = Path(result.err.rsplit("log ", 1)[1].strip())
    assert "ZeroDivisionError: oops" in log.read_text()
    log.unlink()


def test_help_imports_nothing_heavy() -> None:
    """Starting quickly is part of the interface: no HTTP client, no pydantic, no QEMU code."""
    code = (
        "import sys; from generator.cli import app; app.run(['--help']); "
        "heavy = {'pydantic', 'httpx', 'hcl2', 'jinja2', 'python_terraform', 'generator.local', 'generator.template'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for command in ("validate", "generate", "plan", "apply", "status", "cleanup", "ssh", "releases", "base", "doctor"):
        assert f"\n  {command} " in done.stdout


def test_the_makefile_installs_what_doctor_asks_for() -> None:
    """One list of packages, in two places."""
    makefile = (Path(__file__).parents[2] / "Makefile").read_text().replace("\\\n", " ")
    lists = dict(line.split(" := ", 1) for line in makefile.splitlines() if " := " in line)
    assert set(lists["PACKAGES"].split()) == {need.package for need in host.REQUIREMENTS if need.package}
    assert set(lists["UNPRIVILEGED"].split()) == {need.package for need in host.UNPRIVILEGED}
