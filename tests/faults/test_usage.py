"""Wrong usage at the command line: the same mistake has the same exit code, and hints can be followed."""

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from generator.builder import journal, phases
from tests.faults.conftest import StandIn, World
from tests.hostile.examine import command
from tests.unit.template.making import GROUP


@pytest.mark.parametrize(
    "arguments",
    [
        ["cleanup", "T"],
        ["releases", "retire", "T", "1.0.0", "--yes"],
        ["releases", "repair", "T"],
        ["releases", "T"],
        ["status", "T"],
        ["ssh", "T"],
    ],
)
def test_a_command_on_a_workspace_takes_no_template(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """It writes nothing, and says what it takes."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = command(*(str(template) if word == "T" else word for word in arguments))
    assert (said.code, said.out) == (1, "")
    assert (
        said.err == f"error: {template} is a file, not a workspace\nhint: name the folder that was generated from it\n"
    )
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["apply", "T", "--target", "gcp"],
        ["doctor", "--target", "gcp"],
        ["validate", "T", "--target", "gcp"],
        ["generate", "T", "--communicator", "pigeon"],
        ["apply", "T", "--on-error", "explode"],
        ["apply", "T", "--parallel", "0"],
        ["apply", "T", "--parallel", "many"],
        ["apply", "T", "--set", "x"],
        ["plan", "T", "--mirror", "https://h/"],
        ["apply", "T", "--target", "azure", "--allow-from", "here"],
        ["apply", "T", "--version", "1.0"],
        ["plan", "T", "--version", "01.0.0"],
        ["apply", "T", "--commit=later"],
        ["apply", "T", "--secret", "a=b"],
        ["apply", "T", "--target", "local", "--backend", "azurerm:key=x"],
        ["apply", "T", "--target", "azure", "--no-cache"],
        ["apply", "DIR", "--set", "a=b"],
        ["plan", "DIR", "--mirror", "https://h/=https://i/"],
        ["apply", "T", "DIR", "--out", "x"],
        ["apply", "T", "T"],
        ["generate", "T", "--accept", "everything"],
        ["base", "import", "T", "--as", "x"],
        ["releases"],
        ["releases", "retire", "DIR"],
        ["nonsense"],
        ["apply"],
        ["apply", "T", "--nonsense"],
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_wrong_usage_is_exit_code_2(
    template: Path, workspace: Path, tmp_path: Path, arguments: list[str], options: list[str]
) -> None:
    """Nothing begins; with --json stdout is JSON or empty."""
    names = {"T": str(template), "DIR": str(workspace)}
    said = command(*(names.get(word, word) for word in arguments), *(options if arguments[0] != "base" else []))
    assert said.code == 2, said
    assert "Traceback" not in said.err
    assert said.err
    assert not said.out or "error" in json.dumps(json.loads(said.out))


@pytest.mark.parametrize("name", ["validate", "generate", "plan", "apply", "doctor", "settings"])
def test_a_file_that_is_not_there_is_refused_by_every_command(tmp_path: Path, name: str) -> None:
    said = command(name, tmp_path / "nowhere.json")
    assert (said.code, said.out) == (1, "")
    assert f"there is no file {tmp_path}/nowhere.json" in said.err


def test_doctor_looks_at_what_is_named(workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A workspace's own target, and a template's mistakes."""
    (tmp_path / "bad.json").write_text("{}")
    assert command("doctor", tmp_path / "bad.json").code == 1
    said = command("doctor", workspace)  # of the target local
    assert "qemu-img" in said.out + said.err


@pytest.mark.parametrize(
    "arguments",
    [["apply", "x", "--bogus", "--json"], ["status", "--bogus", "--json"], ["nonsense", "--json"], ["--json"]],
)
def test_wrong_usage_is_an_event_wherever_the_flag_is(arguments: list[str]) -> None:
    said = command(*arguments)
    event = json.loads(said.out)
    assert (said.code, event["event"], event["build"]) == (2, "error", None)
    assert event["message"]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("v.tfvars", "n = 1", "a file of variables"),
        ("v.tf", 'variable "n" {}', "a configuration of Terraform"),
        ("v.yaml", "n: 1", "YAML"),
        ("v.pkr.hcl", "packer {\n}", "a template of Packer"),
        ("v.sh", "#!/bin/sh", "a script"),
    ],
)
def test_what_is_no_parameter_file_is_named_with_what_to_write(
    template: Path, tmp_path: Path, name: str, content: str, what: str
) -> None:
    (tmp_path / name).write_text(content)
    said = command("validate", template, "--parameters", tmp_path / name)
    assert f"{name}:1:1: error: this is {what}, not a parameter file in JSON" in said.err
    assert "image template" not in said.err


def test_a_file_of_a_workspace_is_named_as_that(workspace: Path) -> None:
    for name in ("template.auto.tfvars.json", "imagegen.lock.json"):
        assert "of a workspace of imagegen\n  hint: give the folder" in command("validate", workspace / name).err


@pytest.mark.parametrize("words", [["foo", "--json"], ["--json"], ["git", "commit", "--commit"], ["--", "-q"]])
def test_options_of_what_ssh_runs_are_not_ours(workspace: Path, words: list[str]) -> None:
    """An error is told as in any other case."""
    said = command("ssh", workspace, *words)
    assert (said.code, said.out) == (1, "")
    assert "no machine is kept" in said.err


def test_the_lease_is_held_from_the_comparison_to_the_build(
    workspace: Path, template: Path, base: Path, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a template too: what was compared, or written, is what is built."""
    held: list[int | None] = []

    def build(request: Any) -> None:
        owner = journal.holder(request.workspace)
        held.append(owner.pid if owner else None)
        raise KeyboardInterrupt

    monkeypatch.setattr(phases, "build", build)
    assert command("apply", workspace).code == 130
    assert command("apply", template, "--target", "local", "--out", tmp_path / "out").code == 130
    assert held == [os.getpid()] * 2


def _hints(text: str) -> list[list[str]]:
    """The command lines that are shown."""
    return [shlex.split(line) for line in re.findall(r"`(imagegen [^`]*)`", text)]


def test_hints_keep_the_flags_without_which_they_would_be_refused(
    workspace: Path, base: Path, world: World, terraform: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """--trust above all."""
    (workspace / "extra.tf").write_text("")
    failed = tmp_path / "failed"  # then what the build left cannot be removed either
    terraform.fails(
        "apply|state",
        f'[ "$1" = apply ] && touch {failed} && exit 1; [ -e {failed} ] && exit 7; exec {terraform.real} "$@"',
    )
    monkeypatch.setenv("TOKEN", "hunter2-correct")
    said = command("apply", workspace, "--trust", "--no-cache-from", "one", "--secret", "TOKEN")
    assert said.code == 1
    hints = _hints(said.err)
    assert hints
    for words in hints:
        assert "--trust" in words, words
        again = command(*words[1:])
        assert "is not as generated" not in again.err
        assert again.code != 2, again


def test_a_hint_about_changed_files_can_be_followed(workspace: Path, terraform: StandIn) -> None:
    """An edited file is overwritten only with --force; a file that was added is not generated away."""
    terraform.fails("none", "")
    (workspace / "variables.tf").write_text("# edited\n")
    said = command("plan", workspace)
    assert said.code == 1
    (words,) = _hints(said.err)
    assert words[-1] == "--force"
    assert command(*words[1:]).code == 0
    (workspace / "extra.tf").write_text("")
    said = command("plan", workspace)
    assert said.code == 1
    assert _hints(said.err) == []
    assert "remove what does not belong there" in said.err


def test_the_hint_of_check_keeps_every_flag(template: Path, tmp_path: Path) -> None:
    said = command(
        "generate", template, "--target", "local", "--out", tmp_path / "out", "--set", "a=hunter2", "--check"
    )
    assert "hunter2" not in said.err
    said = command("generate", template, "--target", "local", "--out", tmp_path / "out", "--check")
    assert "run the same command without --check" in said.err


def test_only_commands_with_wait_say_so(workspace: Path, base: Path) -> None:
    """Another command is at work."""
    with journal.lease(workspace):
        for words, waits in ((["plan"], False), (["cleanup"], False), (["apply"], True)):
            said = command(*words, workspace)
            assert said.code == 1
            assert f"another imagegen (process {os.getpid()}) is at work" in said.err
            assert ("--wait" in said.err) is waits


def test_quiet_shows_only_errors(
    workspace: Path, base: Path, world: World, terraform: StandIn, template: Path, tmp_path: Path
) -> None:
    """Of one build and of several."""
    terraform.fails("apply", "exit 1")
    loud = command("apply", workspace)
    quiet = command("apply", workspace, "-q")
    assert "note:" in loud.err
    assert [line for line in quiet.err.splitlines() if not line.startswith(("error:", "hint:"))] == []
    other = tmp_path / "other"
    assert command("generate", template, "--target", "local", "--out", other).code == 0
    both = command("apply", workspace, other, "-q")
    assert both.code == 1
    assert "note:" not in both.err
    assert " check" not in both.err


WARNED = {
    "distribute": [
        {
            "type": "SharedImage", "runOutputName": "out", "replicationRegions": ["westeurope"],
            "galleryImageId": f"{GROUP}/galleries/g/images/i",
        }
    ]
}  # fmt: skip


@pytest.fixture
def warned(template: Path) -> Path:
    """A template with a warning on the local target."""
    value = json.loads(template.read_text())
    value["properties"] |= WARNED
    template.write_text(json.dumps(value))
    return template


def test_a_warning_is_shown_by_validate_generate_and_plan_only(
    warned: Path, base: Path, world: World, terraform: StandIn, tmp_path: Path
) -> None:
    """Not by every command after them."""
    terraform.fails("none", "")
    out = tmp_path / "out"
    told = "`replicationRegions` has no effect on the local target [replicationRegions]"
    assert told in command("validate", warned, "--target", "local").err
    assert told in command("generate", warned, "--target", "local", "--out", out).err
    assert told in command("plan", out).err
    terraform.fails("apply", "exit 1")
    for words in (["status"], ["releases"], ["apply"], ["cleanup"]):
        assert "replicationRegions" not in command(*words, out).err, words


@pytest.mark.parametrize("by", ["flag", "file", "variable"])
def test_an_accepted_warning_is_shown_by_validate_only(
    warned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """And --strict does not count it."""
    out, flags = tmp_path / "out", ["--target", "local"]
    assert command("generate", warned, *flags, "--out", out, "--strict").code == 1
    assert command("validate", warned, *flags, "--strict").code == 1
    if by == "flag":
        flags += ["--accept", "replicationRegions"]
    elif by == "file":
        (warned.parent / "imagegen.toml").write_text('accept = ["replicationRegions"]\n')
    else:
        monkeypatch.setenv("IMAGEGEN_ACCEPT", "replicationRegions")
    said = command("generate", warned, *flags, "--out", out, "--strict")
    assert said.code == 0, said.err
    assert "has no effect" not in said.err
    shown = command("validate", warned, *flags, "--strict")
    assert shown.code == 0
    assert "warning: `replicationRegions` has no effect" in shown.err
    listed = json.loads(command("validate", warned, *flags, "--json").out)
    assert [problem["code"] for problem in listed["problems"]] == ["replicationRegions"]
