"""Which files of this computer a template may carry into a workspace, which is committed."""

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.documents import SOURCE
from tests.hostile.examine import Said, command

SECRET = "hunter2-of-this-computer"
Generate = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A template's folder, with a secret of the user's beside it."""
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "repo/images/web").mkdir(parents=True)
    return tmp_path / "repo/images/web"


@pytest.fixture
def generate(folder: Path, tmp_path: Path) -> Generate:
    """Generates the workspace of a template with a script from an address; the secret is never in it."""

    def generate(uri: str, *flags: str | Path, kind: str = "Shell") -> Said:
        step: dict[str, Any] = {"type": "Shell", "scriptUri": uri}
        if kind == "File":
            step = {"type": "File", "sourceUri": uri, "destination": "/tmp/x"}
        properties = {
            "source": SOURCE, "customize": [step], "distribute": [{"type": "VHD", "runOutputName": "out"}],
        }  # fmt: skip
        body = {"apiVersion": "2024-02-01", "location": "westeurope", "properties": properties}
        (folder / "t.json").write_text(json.dumps(body))
        return command("generate", folder / "t.json", "--target", "local", "--out", tmp_path / "out", *flags)

    return generate


def _content(tmp_path: Path) -> str:
    """The one script or file of the workspace."""
    (path,) = [one for name in ("scripts", "files") for one in (tmp_path / "out" / name).rglob("*") if one.is_file()]
    return path.read_text()


KERNEL = [
    "/proc/self/environ", "/proc/self/../self/environ", "/proc/1/../self/environ", "//proc/self/environ",
    "///proc/self/environ", "/./proc/self/environ", "/tmp/../proc/self/environ", "file:///proc/self/environ",
    "file:/proc/self/environ", "file:////proc/self/environ", "FILE://localhost/proc/self/environ",
    "file://LOCALHOST/%70%72oc/self/environ", "file:///tmp/%2e%2e/proc/self/environ", "file:///proc%2Fself%2Fenviron",
    "/sys/kernel/vmcoreinfo", "/dev/zero", "/dev/stdin", "/dev/fd/0", "/dev/shm/secret",
    "../../../../../../../../../../../../proc/self/environ", "link/self/environ", "loop/environ", "environ", "zero",
    "std",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["Shell", "File"])
@pytest.mark.parametrize("uri", KERNEL)
def test_what_the_kernel_makes_is_never_a_script(
    generate: Generate, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uri: str, kind: str
) -> None:
    """However it is named, and whatever the user allows."""
    monkeypatch.setenv("ARM_CLIENT_SECRET", SECRET)
    for name, to in {
        "link": "/proc", "loop": "link/self", "environ": "/proc/self/environ", "zero": "/dev/zero", "std": "/dev/stdin",
    }.items():  # fmt: skip
        (folder / name).symlink_to(to)
    for flags in ((), ("--allow-files", "/"), ("--allow-files", "/proc"), ("--allow-files", "/dev")):
        said = generate(uri, *flags, kind=kind)
        assert said.code == 1, said
        assert "may not use files of /proc, /sys or /dev" in said.err or "there is no file" in said.err, said.err
        assert SECRET not in said.out + said.err
        assert not (tmp_path / "out").exists()


def test_another_mount_of_the_kernels_files_is_one_too(generate: Generate, folder: Path, tmp_path: Path) -> None:
    """A container's, for instance."""
    (tmp_path / "mounted").mkdir()
    mount = ["mount", "-t", "proc", "none", str(tmp_path / "mounted")]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        said = generate(str(tmp_path / "mounted/self/environ"), "--allow-files", "/")
    finally:
        subprocess.run(["umount", str(tmp_path / "mounted")], check=True)
    assert said.code == 1
    assert "may not use files of /proc, /sys or /dev" in said.err


OUTSIDE = ["{}/secret", "file://{}/secret", "file://localhost{}/s%65cret", "../../../secret", "a/../../../../secret",
           "link", "folder/secret", "chain"]  # fmt: skip


@pytest.mark.parametrize("uri", OUTSIDE)
def test_a_file_elsewhere_is_named_and_refused(generate: Generate, folder: Path, tmp_path: Path, uri: str) -> None:
    """The refusal has the flag that allows it, and that flag does."""
    for name, to in {
        "link": "../../../secret", "folder": str(tmp_path), "chain": "link",
    }.items():  # fmt: skip
        (folder / name).symlink_to(to)
    (folder / "a").mkdir()
    said = generate(uri.format(tmp_path))
    assert said.code == 1
    assert f"leads to {tmp_path}/secret, outside the template's folder" in said.err
    flags = said.err.partition("pass ")[2].splitlines()[0].split()
    assert flags == ["--allow-files", f"{tmp_path}/secret"]
    assert not (tmp_path / "out").exists()
    assert generate(uri.format(tmp_path), *flags).code == 0
    assert SECRET in _content(tmp_path)


def test_a_prefix_is_a_whole_folder(generate: Generate, tmp_path: Path) -> None:
    """A name that only begins so is not below it; a list of several is fine."""
    for prefix in ("/etc", f"{tmp_path}/sec", f"{tmp_path}/secret2"):
        assert generate("../../../secret", "--allow-files", prefix).code == 1
    (tmp_path / "allowed").symlink_to(tmp_path)
    assert generate("../../../secret", "--allow-files", "/etc", "--allow-files", tmp_path / "allowed").code == 0


def test_the_setting_is_the_users_own(
    generate: Generate, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A variable or his own file; never one that comes with the template."""
    monkeypatch.setenv("IMAGEGEN_ALLOW_FILES", f"/no where\n{tmp_path}/secret")
    assert generate("../../../secret").code == 0
    monkeypatch.delenv("IMAGEGEN_ALLOW_FILES")
    own = tmp_path / "config/imagegen/imagegen.toml"
    own.parent.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    own.write_text(f'allow_files = ["{tmp_path}"]')
    assert generate("../../../secret").code == 0
    own.unlink()
    (folder / "imagegen.toml").write_text(f'allow_files = ["{tmp_path}"]')
    said = generate("../../../secret")
    assert said.code == 1
    assert "may not choose allow_files: it comes with a checkout" in said.err


def test_a_repository_with_an_imagegen_toml_shares_its_files(generate: Generate, folder: Path, tmp_path: Path) -> None:
    """All below that file's folder; without a repository nothing says where a stranger's files end."""
    repository = tmp_path / "repo"
    (repository / "shared").mkdir()
    (repository / "shared/baseline.sh").write_text("#!/bin/sh\necho baseline\n")
    assert generate("../../shared/baseline.sh").code == 1
    (repository / "imagegen.toml").write_text("")
    assert generate("../../shared/baseline.sh").code == 1
    (repository / ".git").mkdir()
    assert generate("../../shared/baseline.sh").code == 0
    assert _content(tmp_path) == "#!/bin/sh\necho baseline\n"
    assert generate("../../../secret").code == 1
    (folder / "inside").symlink_to("../../../secret")
    assert generate("inside").code == 1
    (folder / ".git").write_text("gitdir: elsewhere\n")  # a repository of its own, as a submodule is
    assert generate("../../shared/baseline.sh").code == 1


@pytest.fixture
def closed_socket(folder: Path) -> Iterator[None]:
    """A socket in the template's folder."""
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(folder)
        one.bind("socket")
        os.chdir(here)
        yield


@pytest.mark.usefixtures("closed_socket")
@pytest.mark.parametrize("name", ["pipe", "socket", "folder", "to-pipe"])
def test_only_a_plain_file_is_read(generate: Generate, folder: Path, tmp_path: Path, name: str) -> None:
    """Nothing is waited for; a pipe elsewhere is not even opened."""
    os.mkfifo(folder / "pipe")
    os.mkfifo(tmp_path / "pipe")
    (folder / "to-pipe").symlink_to(tmp_path / "pipe")
    (folder / "folder").mkdir()
    for flags in ((), ("--allow-files", tmp_path)):
        said = generate(name, *flags)
        assert said.code == 1
        assert "is not a plain file" in said.err or "is a folder" in said.err or "outside the template" in said.err


def test_a_workspace_is_generated_again_with_the_files_that_are_allowed(
    generate: Generate, folder: Path, tmp_path: Path
) -> None:
    """The refusal's flag is one that the same command takes."""
    (tmp_path / "secret").write_text("echo one\n")
    allow = ("--allow-files", str(tmp_path / "secret"))
    assert generate("../../../secret", *allow).code == 0
    said = command("generate", tmp_path / "out", "--check")
    assert said.code == 1
    assert f"pass --allow-files {tmp_path}/secret" in said.err
    assert command("generate", tmp_path / "out", "--check", *allow).code == 0
    (tmp_path / "secret").write_text("#!/bin/sh\necho two\n")
    assert command("generate", tmp_path / "out", *allow).code == 0
    assert _content(tmp_path) == "#!/bin/sh\necho two\n"


def test_a_lock_carries_no_file_into_its_workspace(generate: Generate, folder: Path, tmp_path: Path) -> None:
    """It comes with a checkout, and says which parameter file was used."""
    (folder / "a.sh").write_text("true\n")
    assert generate("a.sh").code == 0
    lock = json.loads((tmp_path / "out/imagegen.lock.json").read_text())
    if "origin" not in lock:
        pytest.skip("the workspace does not know its origin")
    (tmp_path / "private.json").write_text(json.dumps({"parameters": {"x": {"value": SECRET}}}))
    for name in ("../private.json", "link.json"):
        (tmp_path / "out/link.json").unlink(missing_ok=True)
        (tmp_path / "out/link.json").symlink_to(tmp_path / "private.json")
        lock["origin"]["parameters"] = name
        (tmp_path / "out/imagegen.lock.json").write_text(json.dumps(lock))
        said = command("generate", tmp_path / "out")
        assert said.code == 1
        assert f"leads to {tmp_path}/private.json, outside the template's folder" in said.err
        assert not (tmp_path / "out/parameters.json").exists()
