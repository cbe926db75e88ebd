"""A workspace from a stranger: nothing in it is followed, waited for, believed or run unseen."""

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.hostile.examine import command

READ = ("template.json", "imagegen.lock.json", "main.tf", "scripts/010-one.sh", "modules/steps/shell/main.tf")
WRITTEN = (
    "releases", "releases/1.0.0", "releases/1.0.0/release.json", ".imagegen", ".imagegen/journal.json",
    ".imagegen/lock", ".imagegen/pending.tfvars.json", "terraform.tfstate", "terraform.tfstate.backup",
    ".terraform.tfstate.lock.info", ".terraform", ".terraform/modules", ".terraform/environment", "images",
    "images/out",
)  # fmt: skip
ADDED = (
    "x.tf", "x.tf.json", "main_override.tf", "override.tf.json", "terraform.tfvars", "terraform.tfvars.json",
    "x.auto.tfvars", "x.auto.tfvars.json", ".terraform.lock.hcl", "modules/steps/shell/x.tf", "modules/new/x.tf",
    "terraform.d/plugins/registry.terraform.io/hashicorp/azurerm/5.2.0/linux_amd64/terraform-provider-azurerm",
)  # fmt: skip
INERT = (".terraformrc", "terraform.rc", "notes.txt", "other/x.tf", "scripts/999-more.sh", "x.tf~")
SECRET = "what nobody put into an image"
STEALTHY = ("status", "releases", "plan", "cleanup", "apply")


def _put(kind: str, path: Path, victim: Path) -> None:
    """Put something that is no plain file in place of what is there."""
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    match kind:
        case "link":
            path.symlink_to(victim)
        case "dangling link":
            path.symlink_to(victim.with_name("new"))
        case "pipe":
            os.mkfifo(path)
        case "socket":
            here = Path.cwd()
            os.chdir(path.parent)  # a socket's path is short
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(path.name)
            os.chdir(here)
        case "device":
            try:
                os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))  # a /dev/zero
            except PermissionError:
                pytest.skip("only root makes devices")


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "socket", "device"])
@pytest.mark.parametrize("place", [*READ, *WRITTEN])
def test_what_is_no_plain_file_is_not_followed(workspace: Path, tmp_path: Path, place: str, kind: str) -> None:
    """No command hangs, fails with a traceback, or touches what lies outside; none runs Terraform."""
    victim = tmp_path / "victim"
    victim.write_text("{}")
    _put(kind, workspace / place, victim)
    for name in STEALTHY:
        said = command(name, workspace)
        assert said.code in ((0, 1) if name in ("status", "releases") else (1,)), (name, said)
        if name == "plan" and place not in READ[:2]:
            assert place in said.err
    for options in (["--check"], [], ["--force"]):
        assert command("generate", workspace, *options).code in (0, 1, 4)
    assert victim.read_text() == "{}"
    assert not victim.with_name("new").exists()


@pytest.mark.parametrize("place", [*ADDED, "modules/new/sub/x.tf.json"])
def test_what_terraform_would_load_is_named_and_refused(workspace: Path, place: str) -> None:
    """Whoever added it; `--trust` is the only way past."""
    (workspace / place).parent.mkdir(parents=True, exist_ok=True)
    (workspace / place).write_text("")
    for name in ("plan", "apply", "cleanup"):
        said = command(name, workspace)
        assert said.code == 1
        assert place.partition("/plugins")[0] in said.err
        assert "--trust" in said.err


def _state(workspace: Path, provider: str, directory: str = "", changed: dict[str, object] | None = None) -> None:
    """A state as Terraform writes it, with one resource."""
    attributes = {"id": "1", "input": None, "output": {"value": {"directory": directory}, "type": ["object", {
        "directory": "string"}]}, "triggers_replace": None}  # fmt: skip
    resource = {
        "module": "module.staging[0]", "mode": "managed", "type": "terraform_data", "name": "this",
        "provider": provider, "instances": [{"schema_version": 0, "attributes": attributes}],
    }  # fmt: skip
    said = {"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "x", "resources": [resource]}
    (workspace / "terraform.tfstate").write_text(json.dumps(said | (changed or {})))


OURS = 'provider["terraform.io/builtin/terraform"]'


@pytest.mark.parametrize(
    ("provider", "changed", "named"),
    [
        ('provider["evil.example/x/y"]', {}, "evil.example/x/y"),
        ('module.staging[0].provider["evil.example/x/y"].other', {}, "evil.example/x/y"),
        ('provider["registry.terraform.io/hashicorp/azurerm"]', {}, "hashicorp/azurerm"),  # not in a local workspace
        (OURS, {"Resources": [{"Provider": 'provider["evil.example/x/y"]'}]}, "evil.example/x/y"),
        (OURS, {"version": 3}, "state version 3"),
    ],
)
def test_a_state_brings_in_no_program(workspace: Path, provider: str, changed: dict[str, object], named: str) -> None:
    """`terraform init` installs what a state names, whether the workspace calls it or not."""
    _state(workspace, provider, changed=changed)
    for name in ("plan", "apply", "cleanup"):
        said = command(name, workspace)
        assert (said.code, said.out) == (1, "")
        assert named in said.err
        assert "--trust" in said.err


@pytest.mark.parametrize("how", ["{}", "../{}", "{}/", "{}/x/../machine"])
def test_a_state_removes_nothing_of_ours(workspace: Path, how: str) -> None:
    """Its scripts get the folders that it names, and remove what machines leave there."""
    victim = workspace.parent / "machine"
    victim.mkdir()
    (victim / "disk.qcow2").write_text("somebody's")
    relative = how.startswith("..")
    _state(workspace, OURS, how.format("machine" if relative else victim))
    said = command("cleanup", workspace)
    assert said.code == 0, said.err
    assert "it is left alone: module.staging" in said.err
    assert (victim / "disk.qcow2").read_text() == "somebody's"
    assert command("cleanup", workspace).code == 0


def test_a_checkout_does_not_choose_what_runs(workspace: Path, tmp_path: Path) -> None:
    """An imagegen.toml lies in it as anything else does."""
    (tmp_path / "evil.sh").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "evil.sh").chmod(0o755)
    (workspace / "imagegen.toml").write_text(f'terraform = "{tmp_path}/evil.sh"\nstate_dir = "."\n')
    here = Path.cwd()
    os.chdir(workspace)
    try:
        said = command("plan", ".")
    finally:
        os.chdir(here)
    assert said.code == 1
    assert "imagegen.toml may not choose state_dir, terraform" in said.err
    assert "IMAGEGEN_TERRAFORM" in said.err
    assert not (tmp_path / "ran").exists()


def test_what_terraform_does_not_load_is_let_be(workspace: Path) -> None:
    """Notes, and settings that Terraform reads from a home only."""
    for place in INERT:
        (workspace / place).parent.mkdir(parents=True, exist_ok=True)
        (workspace / place).write_text("not HCL {{{")
    said = command("plan", workspace)
    assert said.code == 0, said.err
    assert all((workspace / place).exists() for place in INERT)


def test_an_odd_name_reaches_no_terminal(workspace: Path) -> None:
    """Neither one that a stranger added nor one that his lock calls ours."""
    (workspace / "\x1b[2Jx\n.tf").write_text("")
    told = command("plan", workspace)
    assert told.code == 1
    assert "\x1b" not in told.err
    lock = json.loads((workspace / "imagegen.lock.json").read_text())
    (workspace / "\x1b]0;x\x07").write_text("")
    lock["files"]["\x1b]0;x\x07"] = "0" * 64
    (workspace / "imagegen.lock.json").write_text(json.dumps(lock))
    shown = command("generate", workspace, "--dry-run")
    assert "edited" in shown.out
    assert "\x1b" not in shown.out + shown.err


def _holds(workspace: Path, text: str) -> bool:
    """Whether any file of ours has this text; a link is none of them."""
    files = (path for path in workspace.rglob("*") if path.is_file() and not path.is_symlink())
    return any(text.encode() in path.read_bytes() for path in files)


def _lock_with(workspace: Path, **changed: object) -> None:
    lock = json.loads((workspace / "imagegen.lock.json").read_text())
    (workspace / "imagegen.lock.json").write_text(json.dumps(lock | changed))


def test_a_lock_pulls_no_file_of_ours_into_an_image(workspace: Path, tmp_path: Path) -> None:
    """`sources` names the workspace's own copies, and no other file."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    for source in (str(secret), "../secret", "scripts/../../secret"):
        _lock_with(workspace, sources=[source])
        assert command("generate", workspace, "--force").code == 1
        assert not _holds(workspace, SECRET)


def test_a_lock_removes_no_file_of_ours(workspace: Path, tmp_path: Path) -> None:
    """Not even one whose content it knows."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    files = json.loads((workspace / "imagegen.lock.json").read_text())["files"]
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for name in (str(victim), "../victim", "scripts/../../victim"):
        _lock_with(workspace, files=files | {name: empty})
        for options in ([], ["--force"]):
            command("generate", workspace, *options)
    assert victim.exists()


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"schema": 1, "files": {}, "sources": [], "settings": {"sets": 3}}',
     '{"schema": 1, "files": {}, "sources": [], "settings": 3}', '{"schema": NaN}', "\ud800", "\0" * 1000],
)  # fmt: skip
def test_a_strange_lock_is_refused_in_words(workspace: Path, text: str) -> None:
    """By every command."""
    (workspace / "imagegen.lock.json").write_bytes(text.encode(errors="surrogatepass"))
    for name in (*STEALTHY, "generate", "ssh"):
        said = command(name, workspace)
        assert (said.code, said.out) == (1, ""), (name, said)


def test_a_template_in_a_workspace_names_nothing_outside(workspace: Path, template: Path, tmp_path: Path) -> None:
    """Whichever way it is written; as a template of its own, too."""
    (tmp_path / "secret").write_text(SECRET)
    (workspace / "link").symlink_to(tmp_path / "secret")
    for uri in (str(tmp_path / "secret"), f"file://{tmp_path}/secret", "../secret", "scripts/../../secret", "link"):
        value = json.loads(template.read_text())
        value["properties"]["customize"] = [{"type": "Shell", "scriptUri": uri}]
        (workspace / "template.json").write_text(json.dumps(value))
        command("generate", workspace, "--force")
        assert not _holds(workspace, SECRET)
        said = command("generate", workspace / "template.json", "--target", "local", "--out", tmp_path / "new")
        assert said.code == 1, uri
        assert SECRET not in said.out + said.err
    assert not (tmp_path / "new").exists()


def test_a_huge_file_is_not_read_to_its_end(workspace: Path) -> None:
    """A sparse file costs its maker nothing."""
    for place in ("main.tf", "template.json"):
        kept = (workspace / place).read_bytes()
        os.truncate(workspace / place, 1 << 40)
        assert command("plan", workspace).code == 1
        (workspace / place).write_bytes(kept)
