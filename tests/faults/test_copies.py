"""Workspaces that were copied, moved or deleted, and state folders that are elsewhere.

Each build is its own workspace's, nothing is called removed that is not, and what nobody tells of is found.

The VM is a QEMU without a guest: a process of that name in the folder of a build, as a kept VM is.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from generator.builder import begun, folders
from generator.local import qemu
from generator.system import vms
from generator.system.process import Process
from tests.faults.conftest import StandIn, World
from tests.hostile.examine import command
from tests.support.waiting import wait_until


@dataclass
class Build:
    """A build that was kept: its workspace, its folder, its VM."""

    workspace: Path
    folder: Path
    vm: "subprocess.Popen[bytes]"

    def runs(self) -> bool:
        return self.vm.poll() is None

    def ended(self) -> bool:
        """Whether nothing of it is left, once its VM has ended."""
        wait_until(lambda: not self.runs())
        return not self.folder.exists()


@dataclass
class Keep:
    """Makes kept builds of workspaces."""

    state_dir: Path
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def __call__(self, workspace: Path, name: str = "abc123") -> Build:
        folder = self.state_dir / folders.BUILDS / name
        folders.claim(folder, workspace)
        place = folder / "machine"
        place.mkdir(mode=0o700)
        (folder / "key").write_text("a key")
        (workspace / ".imagegen").mkdir(exist_ok=True)
        journal = {
            "version": "1.0.0", "phase": "build", "directory": str(folder), "pid": 1, "kept": True,
            "step": "step_010_one", "source": {"exact": "s", "version": "", "facts": {}},
        }  # fmt: skip
        (workspace / ".imagegen/journal.json").write_text(json.dumps(journal))
        return Build(workspace, folder, self.vm(place))

    def vm(self, place: Path) -> "subprocess.Popen[bytes]":
        """A VM that works in a folder, recorded there."""

        def record(process: Process) -> None:
            about = {
                "name": "small", "pid": process.pid, "start_time": process.start_time, "ssh_port": 20000,
                "user": "imagegen", "accelerator": "tcg", "started": "warm", "layer": "", "backing": "/b", "digest": "",
            }  # fmt: skip
            Path("machine.json").write_text(json.dumps(about))

        argv = [
            "qemu-system-x86_64", "-name", f"small,process={vms.NAME}", "-machine", "none", "-nodefaults", "-display",
            "none", "-qmp", "unix:qmp.sock,server=on,wait=off",
        ]  # fmt: skip
        with vms.workspace_of(place.parent) as workspace:
            child = qemu.launch(argv, place, record, workspace=workspace)
        self.started.append(child)
        wait_until(lambda: any(vm.process.pid == child.pid for vm in vms.running()) or child.poll() is not None)
        wait_until(lambda: (place / "qmp.sock").exists() or child.poll() is not None)
        assert child.poll() is None
        return child


@pytest.fixture
def keep(world: World) -> Iterator[Keep]:
    made = Keep(world.state_dir)
    yield made
    for child in made.started:
        child.kill()
        child.wait()


def _copy(workspace: Path, name: str) -> Path:
    copy = workspace.with_name(name)
    subprocess.run(["cp", "-a", workspace, copy], check=True)
    return copy


def _state(workspace: Path) -> str:
    shown: str = json.loads(command("status", workspace, "--json").out)["state"]
    return shown


def test_a_copy_touches_nothing_of_the_originals_build(keep: Keep, workspace: Path) -> None:
    """It says whose the build is, also to whoever wants to log in or to plan; then it is a workspace at rest."""
    build = keep(workspace)
    copy = _copy(workspace, "copy")
    assert _state(copy) == "copy"
    assert f"a copy of {workspace}, whose build of 1.0.0 it does not touch" in command("status", copy).out
    assert f"is a copy of {workspace}, whose VM this is" in command("ssh", copy).err
    assert f"is a copy of {workspace}, taken while that one built" in command("plan", copy).err
    cleaned = command("cleanup", copy)
    assert cleaned.code == 0
    assert f"{copy} is a copy of {workspace}, whose build is left alone" in cleaned.err
    assert "nothing was left behind" in cleaned.err
    assert build.runs()
    assert (build.folder / "key").exists()
    assert (_state(copy), _state(workspace)) == ("rest", "kept")
    assert "ended: build of 1.0.0" in command("cleanup", workspace).err
    assert build.ended()


def test_a_build_in_a_copy_is_its_own(keep: Keep, workspace: Path, base: Path, terraform: StandIn) -> None:
    """It neither resumes the original's nor asks to end its VM; what it began itself it ends."""
    build = keep(workspace)
    copy = _copy(workspace, "copy")
    terraform.fails("apply", "exit 1")
    said = command("apply", copy)
    assert said.code == 1
    assert f"{copy} is a copy of {workspace}, whose build is left alone" in said.err
    assert build.runs()
    assert _state(workspace) == "kept"
    assert [path.name for path in build.folder.parent.iterdir()] == [build.folder.name]


def test_a_copy_without_its_hidden_files_touches_nothing_of_it_either(keep: Keep, workspace: Path) -> None:
    """Without the journal there is still the state: it leads to the folder of the VM."""
    build = keep(workspace)
    _put_in_state(workspace, build.folder / "machine")
    copy = workspace.with_name("copy")
    copy.mkdir()
    for path in workspace.iterdir():
        if path.name not in (".imagegen", ".terraform"):
            subprocess.run(["cp", "-a", path, copy], check=True)
    cleaned = command("cleanup", copy)
    assert cleaned.code == 0, cleaned.err
    assert build.runs()
    assert (build.folder / "machine/machine.json").exists()
    assert json.loads((copy / "terraform.tfstate").read_text())["resources"] == []


def _put_in_state(workspace: Path, directory: Path) -> None:
    """Let Terraform's state have a VM in a folder, as a build leaves it."""
    name = 'provider["terraform.io/builtin/terraform"]'
    value = {"directory": str(directory)}
    attributes = {
        "id": "a", "triggers_replace": None,
        "input": {"value": value, "type": ["object", {"directory": "string"}]},
        "output": {"value": value, "type": ["object", {"directory": "string"}]},
    }  # fmt: skip
    instance = {"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}
    resource = {
        "mode": "managed", "type": "terraform_data", "name": "this", "provider": name,
        "instances": [instance],
    }  # fmt: skip
    state = {
        "version": 4, "terraform_version": "1.11.0", "serial": 3, "lineage": "a", "outputs": {},
        "resources": [resource | {"module": "module.staging[0]"}, resource | {"module": "module.vm[0]"}],
        "check_results": None,
    }  # fmt: skip
    (workspace / "terraform.tfstate").write_text(json.dumps(state))


def test_a_workspace_that_was_moved_keeps_its_build(keep: Keep, workspace: Path) -> None:
    """Also where another stands in its old place by now: the VM knows where its own is."""
    build = keep(workspace)
    moved = workspace.rename(workspace.with_name("moved"))
    subprocess.run(["cp", "-a", moved, workspace], check=True)
    shutil.rmtree(workspace / ".imagegen")  # as generated anew
    assert _state(moved) == "kept"
    assert "nothing was left behind" in command("cleanup", workspace).err
    assert build.runs()
    assert command("cleanup", "--all").err == "nothing was left behind\n"
    assert build.runs()
    assert "ended: build of 1.0.0" in command("cleanup", moved).err
    assert build.ended()


def test_a_workspace_that_was_moved_keeps_a_build_whose_vm_is_gone(keep: Keep, workspace: Path) -> None:
    build = keep(workspace)
    build.vm.kill()
    build.vm.wait()
    moved = workspace.rename(workspace.with_name("moved"))
    assert _state(moved) == "kept"
    assert "ended: build of 1.0.0" in command("cleanup", moved).err
    assert build.ended()


def test_a_copy_whose_original_is_gone_takes_its_place(keep: Keep, workspace: Path) -> None:
    build = keep(workspace)
    copy = _copy(workspace, "copy")
    shutil.rmtree(workspace)
    assert _state(copy) == "kept"
    assert "ended: build of 1.0.0" in command("cleanup", copy).err
    assert build.ended()


def test_nobody_touches_a_build_while_another_command_works_on_it(keep: Keep, workspace: Path) -> None:
    """By the lock in its folder, whatever became of the workspace."""
    build = keep(workspace)
    copy = _copy(workspace, "copy")
    shutil.rmtree(workspace)
    with (build.folder / folders.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{os.getpid()} {Process.current().start_time}")
        lock.flush()
        refused = command("cleanup", copy)
        assert refused.code == 1
        assert f"another imagegen (process {os.getpid()}) is at work on the build in {build.folder}" in refused.err
        shutil.rmtree(copy)
        assert "nothing was left behind" in command("cleanup", "--all").err
        assert build.runs()
    assert "removed: build of workspace" in command("cleanup", "--all").err
    assert build.ended()


def test_a_build_is_ended_with_another_state_folder_too(
    keep: Keep, workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The variable is not set any more: VM and key go all the same."""
    build = keep(workspace)
    monkeypatch.setenv("IMAGEGEN_STATE_DIR", str(tmp_path / "other"))
    assert f"set IMAGEGEN_STATE_DIR={build.folder.parent.parent}" in command("ssh", workspace).err
    cleaned = command("cleanup", workspace)
    assert cleaned.code == 0
    assert "ended: build of 1.0.0" in cleaned.err
    assert build.ended()


def test_a_build_is_ended_whose_state_folder_was_deleted(keep: Keep, workspace: Path, world: World) -> None:
    build = keep(workspace)
    shutil.rmtree(world.state_dir)
    assert "ended: build of 1.0.0" in command("cleanup", workspace).err
    assert build.ended()


def test_what_is_not_there_is_not_called_ended(keep: Keep, workspace: Path, world: World) -> None:
    build = keep(workspace)
    build.vm.kill()
    build.vm.wait()
    shutil.rmtree(world.state_dir)
    cleaned = command("cleanup", workspace)
    assert cleaned.code == 0
    assert f"nothing was found of the build of 1.0.0 (phase build); its files were in {build.folder}" in cleaned.err
    assert "ended:" not in cleaned.err


def test_a_build_whose_workspace_is_gone_is_listed_and_removed(keep: Keep, workspace: Path) -> None:
    build = keep(workspace)
    shutil.rmtree(workspace)
    gone = command("cleanup", workspace)
    assert (gone.code, "`imagegen cleanup --all` removes builds whose workspace is gone" in gone.err) == (1, True)
    listed = json.loads(command("doctor", "--json").out)["leftovers"]
    about = f"build of workspace {workspace} (gone): {build.folder}, VM runs as process {build.vm.pid}"
    assert listed == [about]
    assert f"left behind: {about}; `imagegen cleanup --all` removes it" in command("doctor").err
    assert build.runs()
    assert json.loads(command("cleanup", "--all", "--json").out) == {"removed": [about], "left": []}
    assert build.ended()
    assert command("cleanup", "--all").err == "nothing was left behind\n"


def test_a_build_of_which_its_workspace_has_no_record_is_removed(keep: Keep, workspace: Path) -> None:
    """As after `git clean`."""
    build = keep(workspace)
    shutil.rmtree(workspace / ".imagegen")
    assert "(has no record of it)" in command("cleanup", "--all").err
    assert build.ended()


def test_a_vm_is_removed_whose_state_folder_and_workspace_are_gone(keep: Keep, workspace: Path, world: World) -> None:
    build = keep(workspace)
    shutil.rmtree(world.state_dir)
    shutil.rmtree(workspace)
    assert f"VM runs as process {build.vm.pid}" in command("doctor").err
    assert "removed: build of workspace" in command("cleanup", "--all").err
    assert build.ended()


def test_a_vm_that_does_not_end_is_not_called_removed(
    keep: Keep, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = keep(workspace)
    shutil.rmtree(workspace)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr(Process, "end", refuse)
        patched.setattr("generator.local.qmp.command", refuse)
        cleaned = command("cleanup", "--all")
    assert cleaned.code == 1
    assert f"(process {build.vm.pid}) belongs to another user" in cleaned.err
    assert "removed:" not in cleaned.err
    assert (build.folder / "key").exists()


def test_what_a_build_left_in_azure_is_not_called_removed(keep: Keep, workspace: Path) -> None:
    """Without the workspace nobody can tell what there is; where to look is told."""
    build = keep(workspace)
    staging = dict.fromkeys(begun.STAGING, "x") | {"group": "IT_rg_web_1234", "subscription_id": "sub"}
    (build.folder / begun.FILE).write_text(json.dumps({"machine": {}, "secrets": [], "staging": staging}))
    shutil.rmtree(workspace)
    cleaned = command("cleanup", "--all")
    assert cleaned.code == 1
    assert "may still be in resource group IT_rg_web_1234" in cleaned.err
    assert "removed:" not in cleaned.err
    assert build.folder.exists()


def test_a_folder_that_came_with_a_checkout_is_no_builds(workspace: Path) -> None:
    """Whatever it says of itself; nothing in it is read or removed."""
    folder = workspace.parent / folders.BUILDS / "abc123"
    folder.mkdir(parents=True)
    (folder / vms.MARK).write_text(str(workspace))
    (folder / folders.PLACE).write_text("1")
    (folder / "thesis").write_text("mine")
    (workspace / ".imagegen").mkdir()
    journal = {"version": "1.0.0", "phase": "build", "directory": str(folder), "pid": 1, "kept": True}
    (workspace / ".imagegen/journal.json").write_text(json.dumps(journal))
    assert command("cleanup", workspace).code == 0
    assert (folder / "thesis").exists()


def test_give_a_workspace_or_all(workspace: Path) -> None:
    assert command("cleanup").code == 2
    assert command("cleanup", workspace, "--all").code == 2


def test_nobody_else_may_look_into_state_and_cache(keep: Keep, workspace: Path, world: World) -> None:
    """Sockets, keys and records, with a umask that allows everything."""
    before = os.umask(0)
    try:
        build = keep(workspace)
        assert command("plan", workspace).code == 1  # it is kept
        assert command("cleanup", workspace).code == 0
        assert command("plan", workspace).code == 0
        again = keep(workspace, "def456")
        found = [path for path in (world.state_dir, *world.state_dir.rglob("*")) if path.stat().st_mode & 0o077]
        assert set(found) <= {again.folder / "key", again.folder / "machine/machine.json"}, found  # of this test itself
    finally:
        os.umask(before)
    assert build.ended()
