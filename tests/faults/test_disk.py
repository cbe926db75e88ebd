"""A disk that is full or takes no writes, under each of the folders that imagegen writes to."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import invariants
from tests.faults.conftest import Disk, StandIn, World
from tests.hostile.examine import command


def test_a_full_disk_under_a_new_workspace(template: Path, disk: Disk) -> None:
    """Told with the file; what was written is whole, and the next try completes it."""
    disk.fill()
    said = command("generate", template, "--target", "local", "--out", disk.path / "made")
    assert said.code == 1
    assert "No space left on device" in said.err
    invariants.nothing_half_written(disk.path)
    disk.empty()
    assert command("generate", template, "--target", "local", "--out", disk.path / "made").code == 0
    assert command("generate", disk.path / "made", "--check").code == 0


def test_a_disk_that_fills_up_half_way(template: Path, disk: Disk) -> None:
    """At whichever file: what stands is whole and ours, so that no later command takes it for a stranger's."""
    keep = disk.path / "keep"
    for free in range(8, 160, 24):
        keep.write_bytes(bytes(1024 * free))
        disk.fill()
        keep.unlink()
        said = command("generate", template, "--target", "local", "--out", disk.path / "made")
        invariants.nothing_half_written(disk.path)
        disk.empty()
        if said.code:
            assert "No space left on device" in said.err
        again = command("generate", template, "--target", "local", "--out", disk.path / "made")
        assert again.code == 0, again.err
        shutil.rmtree(disk.path / "made")


def test_a_full_disk_under_a_workspace(workspace: Path, template: Path, disk: Disk) -> None:
    """An update that cannot be written leaves what was there."""
    kept = disk.path / "kept"
    shutil.copytree(workspace, kept)
    before = invariants.contents(kept)
    disk.fill()
    template.write_text(template.read_text().replace('"true"', '"false"'))
    said = command("generate", template, "--target", "local", "--out", kept)
    assert said.code == 1
    assert "No space left on device" in said.err
    assert invariants.contents(kept) == before
    for name in ("plan", "cleanup"):
        said = command(name, kept)
        assert said.code in (0, 1)
        assert said.code == 0 or "space" in said.err, said.err
    disk.empty()
    invariants.nothing_half_written(kept)
    assert command("generate", template, "--target", "local", "--out", kept).code == 0


def test_a_full_cache_costs_only_time(
    template: Path, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A download that cannot be kept is used all the same."""
    content = b"#!/bin/sh\n" + b"x" * 100_000 + b"\n"
    (tmp_path / "web").mkdir()
    (tmp_path / "web/a.sh").write_bytes(content)
    monkeypatch.setenv("IMAGEGEN_CACHE_DIR", str(disk.path / "cache"))
    disk.fill()
    step = f'"scriptUri": "https://h.example/a.sh", "sha256Checksum": "{hashlib.sha256(content).hexdigest()}"'
    template.write_text(template.read_text().replace('"scriptUri": "script.sh"', step))
    mirror = f"https://h.example/={tmp_path}/web/"
    said = command("generate", template, "--target", "local", "--out", tmp_path / "new", "--mirror", mirror)
    assert said.code == 0, said.err
    assert (tmp_path / "new/scripts/020-a.sh").read_bytes() == content
    invariants.nothing_half_written(disk.path)


def test_a_full_temporary_folder(workspace: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours needs it; nor is a bug of ours told in another way when its log finds no room."""
    import tempfile

    disk.fill()
    monkeypatch.setenv("TMPDIR", str(disk.path))
    monkeypatch.setattr(tempfile, "tempdir", str(disk.path))
    said = command("plan", workspace)
    assert said.code == 0, said.err
    monkeypatch.setattr("generator.cli.commands.status", lambda *_, **__: 1 // 0)
    said = command("status", workspace)
    assert said.code == 3
    assert "ZeroDivisionError" in said.err
    assert "Traceback" not in said.err


def test_no_room_for_the_state_of_a_build(
    workspace: Path, base: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key pair finds no room: nothing was started, nothing is left."""
    monkeypatch.setenv("IMAGEGEN_STATE_DIR", str(disk.path / "state"))
    disk.fill()
    said = command("apply", workspace)
    assert said.code == 1
    assert "No space left on device" in said.err or "ssh-keygen failed" in said.err, said.err
    disk.empty()
    invariants.nothing_is_left(workspace, disk.path / "state")


def test_a_workspace_that_takes_no_writes(workspace: Path, template: Path, disk: Disk, world: World) -> None:
    """It can be looked at; whatever writes says why it cannot."""
    kept = disk.path / "kept"
    shutil.copytree(workspace, kept)
    before = invariants.contents(kept)
    disk.read_only()
    for arguments in (("status",), ("releases",), ("generate", "--check"), ("generate",)):
        assert command(*arguments, kept).code == 0
    template.write_text(template.read_text().replace('"true"', '"false"'))
    update = command("generate", template, "--target", "local", "--out", kept)
    for said in (command("plan", kept), command("cleanup", kept), update):
        assert said.code == 1
        assert "read-only file system" in said.err.lower(), said.err
    assert invariants.contents(kept) == before
    invariants.nothing_is_left(kept, world.state_dir)


def test_a_cache_that_takes_no_writes_costs_only_time(
    workspace: Path, base: Path, disk: Disk, world: World, terraform: StandIn, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A shared one, say: its bases are used, its saved machines are not. What somebody left half made there stays."""
    cache = disk.path / "cache"
    for half in (base.parent / "half.partial", world.cache_dir / "machines/key.token"):
        half.mkdir(parents=True)
    subprocess.run(["cp", "-r", "--sparse=always", world.cache_dir, cache], check=True)
    before = invariants.contents(cache)
    disk.read_only()
    monkeypatch.setenv("IMAGEGEN_CACHE_DIR", str(cache))
    terraform.fails("apply", f"cp *.tfvars.json {world.state_dir}/builds/*/*.tfvars.json {tmp_path}; exit 1")
    said = command("apply", workspace)
    assert said.code == 1
    assert "takes no writes: every step runs" in said.err
    assert "terraform apply" in said.err
    (values,) = [
        found for path in tmp_path.glob("*.tfvars.json") if "machine" in (found := json.loads(path.read_text()))
    ]
    assert values["machine"]["disk"]["backing"].startswith(str(cache))
    assert "states" not in values["machine"]["disk"]
    assert not values["machine"]["cache"].get("keep")
    assert command("cleanup", workspace).code == 0
    assert invariants.contents(cache) == before
    invariants.nothing_is_left(workspace, world.state_dir)


def test_no_room_for_a_base(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is imported: told, and half of it does not stay."""
    monkeypatch.setenv("IMAGEGEN_CACHE_DIR", str(disk.path / "cache"))
    own = tmp_path / "own.raw"
    own.write_bytes(os.urandom(4 * 1024 * 1024))
    said = command("base", "import", own, "--as", "me:own:1")
    assert said.code == 1
    assert "No space left on device" in said.err, said.err
    assert [path.name for path in (disk.path / "cache/bases").iterdir()] == ["lock"]
    disk.fill()
    said = command("base", "import", own, "--as", "me:own:1")
    assert said.code == 1
    assert "No space left on device" in said.err, said.err
    disk.empty()
    invariants.nothing_half_written(disk.path)


def test_no_room_for_a_base_that_is_built(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By mmdebstrap, which packs a tree into the cache; here a stand-in of the same name, as Debian is not fetched."""
    cache, programs = disk.path / "cache", disk.path.parent / "bin"
    programs.mkdir()
    packs = f"cd {cache}/bases/*.partial && head -c 9000000 /dev/urandom >tree.tar"
    (programs / "mmdebstrap").write_text(f"#!/bin/sh\n{packs}\nfor i in 1 2 3; do echo I: more; done\nexit 25\n")
    (programs / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("IMAGEGEN_CACHE_DIR", str(cache))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    said = command("base", "build", "debian-12")
    assert said.code == 1
    assert "the base was not built" in said.err
    assert "No space left on device" in said.err, said.err
    assert [path.name for path in (cache / "bases").iterdir()] == ["lock"]
