"""A checkout that brings along what imagegen keeps for itself: a ledger, a journal, a state, a lock, settings, git."""

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.builder import record
from generator.workspace import ledger
from tests.hostile.documents import SOURCE
from tests.hostile.examine import command
from tests.invariants import LEDGER, write_ledger

IMAGE: dict[str, Any] = {
    "directory": "images/out/1.0.0", "kind": "VHD", "resource": "", "source_id": "/x",
    "manifest": {"name": "out", "source": "s", "template": "t", "version": "1.0.0", "tags": {}},
}  # fmt: skip
STATE = {"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "x", "resources": []}


def _release(version: str, status: str, image: dict[str, Any] | None = None) -> dict[str, Any]:
    entry = json.loads(json.dumps(IMAGE).replace("1.0.0", version)) | (image or {})
    return {
        "content": "c", "images": {"out": entry}, "schema": 1, "source": "s", "status": status, "time": "t",
        "version": version,
    }  # fmt: skip


@pytest.fixture
def tool(tmp_path: Path) -> list[str]:
    """A command in the place of the one that makes images; `ran` is there if it was run."""
    return ["/bin/sh", "-c", f"touch {tmp_path}/ran"]


def _resource(workspace: Path) -> None:
    """A state with something to end, so that Terraform has work."""
    resource = {
        "module": "module.step_x", "mode": "managed", "type": "terraform_data", "name": "this",
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [{"schema_version": 0, "attributes": {"id": "1", "input": None, "output": None}}],
    }  # fmt: skip
    (workspace / "terraform.tfstate").write_text(json.dumps(STATE | {"resources": [resource]}))


@pytest.mark.parametrize("name", ["plan", "apply", "cleanup"])
@pytest.mark.parametrize("kind", ["old", "pending"])
def test_a_ledger_runs_nothing(workspace: Path, tmp_path: Path, tool: list[str], name: str, kind: str) -> None:
    """It sets no other variable, as the file of 0.1.0 could, and has no image that Terraform would make."""
    if kind == "old":
        (workspace / ledger.OLD_FILE).write_text(json.dumps({"releases": {}, "image_tool": tool}))
    else:
        write_ledger(workspace, {"1.0.0": _release("1.0.0", "pending")})
    _resource(workspace)
    said = command(name, workspace)
    assert (said.code, said.out) == (1, "")
    assert "the ledger" in said.err
    assert "is damaged: it " in said.err
    assert not (tmp_path / "ran").exists()
    assert not (workspace / ".terraform").exists()


def test_a_builds_inputs_are_not_taken_from_a_checkout(workspace: Path, tmp_path: Path, tool: list[str]) -> None:
    """Nor what it was to release: an image that is gone would be made after all, by whatever command they name."""
    write_ledger(workspace, {"1.0.0": _release("1.0.0", "released")})
    pending = _release("2.0.0", "pending") | {"superseded": ["out/1.0.0"]}
    (workspace / ".imagegen").mkdir()
    (workspace / ".imagegen/pending.tfvars.json").write_text(json.dumps({"pending_release": pending}))
    (workspace / ".imagegen/build.tfvars.json").write_text(json.dumps({"image_tool": tool}))
    record = {"version": "2.0.0", "phase": "distribute", "directory": "/x", "pid": 1, "source": {"exact": "s"}}
    for journal in (record, record | {"directory": str(workspace / ".imagegen")}, record | {"source": {}}):
        (workspace / ".imagegen/journal.json").write_text(json.dumps(journal))
        said = command("cleanup", workspace)
        assert "made after all" not in said.err
        assert "Traceback" not in said.err
        assert not (tmp_path / "ran").exists()
        (workspace / ".imagegen").mkdir(exist_ok=True)


EVIL = '"resources": [{"provider": "provider[\\"evil.example/x/y\\"]"}]'


@pytest.mark.parametrize(
    "text",
    [
        b'{"version": 4, "lineage": "\xff", ' + EVIL.encode() + b"}",
        f'{{"version": 4, "zzz": {"9" * 5000}, {EVIL}}}'.encode(),
        f'{{"version": 4, "zzz": {"[" * 5000}{"]" * 5000}, {EVIL}}}'.encode(),
    ],
    ids=["no UTF-8", "a long number", "deep"],
)
def test_a_state_that_only_terraform_reads_brings_in_no_program(workspace: Path, text: bytes) -> None:
    """Go's decoder is more patient than Python's."""
    (workspace / "terraform.tfstate").write_bytes(text)
    for name in ("plan", "apply", "cleanup"):
        said = command(name, workspace)
        assert (said.code, said.out) == (1, "")
        assert "terraform.tfstate (it " in said.err
        assert "--trust" in said.err


def test_a_state_too_large_to_look_at_is_refused(workspace: Path) -> None:
    """A sparse file costs its maker nothing."""
    (workspace / "terraform.tfstate").write_bytes(b"{")
    os.truncate(workspace / "terraform.tfstate", 1 << 32)
    assert "terraform.tfstate (it is too large" in command("plan", workspace).err


def test_what_cannot_be_removed_is_not_used(workspace: Path) -> None:
    """A folder of providers out of an archive may resist; here it is one that is mounted."""
    providers = workspace / ".terraform/providers"
    providers.mkdir(parents=True)
    (workspace / ".terraform/modules").mkdir()
    mount = ["mount", "-t", "tmpfs", "none", str(providers)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        said = command("plan", workspace)
    finally:
        subprocess.run(["umount", str(providers)], check=True)
    assert said.code == 1
    assert f"error: {workspace / '.terraform'} cannot be removed: Device or resource busy" in said.err


def test_git_takes_no_repository_out_of_a_checkout(workspace: Path, tmp_path: Path) -> None:
    """Files that are a bare repository, committed as any others, would choose what is run to look for changes."""
    for name in ("objects", "refs/heads"):
        (workspace / name).mkdir(parents=True)
    (workspace / "HEAD").write_text("ref: refs/heads/main\n")
    monitor = f'touch "{tmp_path}/ran"; false'
    (workspace / "config").write_text(f"[core]\nbare = false\nworktree = .\nfsmonitor = {json.dumps(monitor)}\n")
    write_ledger(workspace, {"1.0.0": {}})
    (workspace / ".gitignore").unlink()  # as in a workspace for Azure, whose ledger is committed
    assert record.command(workspace, "web", "1.0.0") is None
    (workspace / "config").unlink()
    subprocess.run(["git", "-C", str(workspace.parent), "init", "-q"], check=True)
    subprocess.run(["git", "-C", str(workspace.parent), "config", "core.fsmonitor", monitor], check=True)
    for name in ("HEAD", "objects", "refs"):
        subprocess.run(["rm", "-r", str(workspace / name)], check=True)
    assert "git" in (record.command(workspace, "web", "1.0.0") or "")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("part", ["publisher", "offer", "sku"])
def test_a_command_that_is_shown_can_be_pasted(tmp_path: Path, part: str) -> None:
    """Names in which a shell would read more than text are refused before there is one."""
    said = _planned(tmp_path, SOURCE | {part: "a-1_b.c+d"})
    *words, last = shlex.split(said.partition("import a disk: ")[2].strip())
    assert words == ["imagegen", "base", "import", "FILE", "--as"]
    assert "a-1_b.c+d" in last
    said = _planned(tmp_path, SOURCE | {part: "x; touch ran #$(touch ran)`touch ran`'\""})
    assert "`az vm image list` has the names" in said
    assert "imagegen base import" not in said


def _planned(tmp_path: Path, source: dict[str, str]) -> str:
    """What `plan` says of a template with a source that is not on this machine."""
    body = {
        "apiVersion": "2024-02-01", "location": "westeurope",
        "properties": {"source": source, "distribute": [{"type": "VHD", "runOutputName": "out"}]},
    }  # fmt: skip
    (tmp_path / "t.json").write_text(json.dumps(body))
    said = command("plan", tmp_path / "t.json", "--target", "local", "--out", tmp_path / "out")
    assert said.code == 1
    return said.err


def test_a_long_line_with_many_mistakes_is_told_in_time(tmp_path: Path) -> None:
    """It begins like an address at every letter."""
    unknown = ", ".join(f'"unknown{number}": 1' for number in range(200))
    (tmp_path / "t.json").write_text(f'{{"apiVersion": "2024-02-01", "location": "{"a." * 500_000}", {unknown}}}')
    for options in ([], ["--json"]):
        assert command("validate", tmp_path / "t.json", *options).code == 1


def test_a_mirror_of_a_checkout_leads_to_no_file_of_ours(workspace: Path, tmp_path: Path) -> None:
    """imagegen.toml comes with it, as its template does."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/key").write_text("what nobody put into an image")
    value = json.loads((workspace / "template.json").read_text())
    value["properties"]["customize"] = [{"type": "File", "sourceUri": "https://x.example/key", "destination": "/k"}]
    (workspace / "template.json").write_text(json.dumps(value))
    (workspace / "imagegen.toml").write_text(f'mirrors = ["https://x.example/={tmp_path}/home/"]\n')
    here = Path.cwd()
    os.chdir(workspace)
    try:
        said = command("generate", "template.json", "--target", "local", "--out", tmp_path / "new")
    finally:
        os.chdir(here)
    assert said.code == 1
    assert f"imagegen.toml: `mirrors` leads out of {workspace}" in said.err
    assert "use --mirror yourself" in said.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"settings": {"target": "evil"}}, "imagegen.lock.json: `target` is `evil`"),
        ({"settings": {"target": "azure", "communicator": "evil"}}, "imagegen.lock.json: `communicator` is `evil`"),
        (
            {"settings": {"target": "azure", "update_rounds": 10**9}},
            "imagegen.lock.json: `update_rounds` is `1000000000`",
        ),
        ({"files": {"a\0b": "0"}}, "is damaged"),
        ({"files": {"\ud800": "0"}}, "is damaged"),
    ],
)
def test_a_lock_with_strange_words_is_refused(workspace: Path, changed: dict[str, Any], told: str) -> None:
    """By every command that reads it."""
    lock = json.loads((workspace / "imagegen.lock.json").read_text())
    (workspace / "imagegen.lock.json").write_text(json.dumps(lock | changed))
    for name, *options in (("generate", "--check"), ("plan",), ("status",)):
        said = command(name, workspace, *options)
        assert (said.code, said.out) == (1, ""), said
        assert told in said.err


@pytest.mark.parametrize("target", ["local", "azure"])
def test_a_deep_ledger_is_refused_in_words(template: Path, tmp_path: Path, target: str) -> None:
    """Where it is read for the subscriptions that it names, too."""
    value = json.loads(template.read_text())
    value["properties"]["distribute"] = [
        {"type": "VHD", "runOutputName": "out", "uri": "https://a.blob.core.windows.net/c/b.vhd"}
    ]
    template.write_text(json.dumps(value))
    out = tmp_path / "out"
    assert command("generate", template, "--target", target, "--out", out).code == 0
    write_ledger(out, {"1.0.0": {}})
    (out / LEDGER.format("1.0.0")).write_text("[" * 5000)
    assert command("generate", out, "--check").code == 0
    said = command("plan", out)
    assert said.code == 1
    assert "the ledger" in said.err


def _environment(terraforms: Path) -> None:
    terraforms.mkdir()
    (terraforms / "environment").write_text("other")


def _link(terraforms: Path) -> None:
    terraforms.mkdir()
    (terraforms / "modules").symlink_to("/etc")


@pytest.mark.parametrize("name", ["plan", "apply", "cleanup"])
@pytest.mark.parametrize("put", [_environment, _link])
def test_a_committed_terraform_folder_is_refused_with_what_helps(
    workspace: Path, put: Callable[[Path], None], name: str
) -> None:
    """Generating again does not remove it; the hint does, and then the command goes on."""
    subprocess.run(["git", "init", "-q", workspace], check=True)
    put(workspace / ".terraform")
    subprocess.run(["git", "-C", workspace, "add", "-f", ".terraform"], check=True)
    said = command(name, workspace)
    assert said.code == 1
    hint = said.err.partition("hint: ")[2]
    assert "imagegen generate" not in hint
    commands = hint.split("`")[1::2]
    assert len(commands) == 2
    for line in commands:
        subprocess.run(shlex.split(line), check=True, capture_output=True)
    assert subprocess.run(["git", "-C", workspace, "ls-files"], capture_output=True, check=True).stdout == b""
    assert command("plan", workspace).code == 0


def test_a_file_in_the_place_of_terraforms_folder_goes(workspace: Path) -> None:
    (workspace / ".terraform").write_text("x")
    assert command("plan", workspace).code == 0


def test_a_foreign_file_is_removed_and_not_generated_again(workspace: Path) -> None:
    """`generate` leaves it alone; what it would write is told apart."""
    (workspace / "extra.tf").write_text("")
    hint = command("plan", workspace).err.partition("hint: ")[2]
    assert "remove what does not belong there" in hint
    assert "imagegen generate" not in hint
    (workspace / "main.tf").write_text("")
    assert "imagegen generate" in command("plan", workspace).err.partition("hint: ")[2]
