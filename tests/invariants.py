"""What must hold after anything: whatever was killed, refused, cut off or full. Each part is one small function.

`at_rest` asks all that can be asked of a local workspace; the parts stand alone for the rest.
"""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PROGRAMS = ("qemu-system", "terraform", "-m generator", "/imagegen ")
# What is only there while something is written: atomic_write's neighbours, half images and bases, Terraform's own.
HALF = re.compile(r"\..+\.[a-z0-9_]{8}|.*\.partial.*|.*\.removed|tmp[a-z0-9_]{8}|.*\.tfplan")
TERRAFORMS = re.compile(
    r"terraform\.tfstate\..*\.backup|\.terraform\.tfstate\.lock\.info|errored\.tfstate|crash.*\.log"
)
LEDGER = "releases/{}/release.json"  # of a version


def at_rest(workspace: Path, state_dir: Path) -> None:
    """Nothing of a build is left, in the workspace or outside it; ledger, state and images agree; a plan is empty."""
    nothing_is_left(workspace, state_dir)
    ledger_is_true(workspace)
    plan_is_empty(workspace)


def nothing_is_left(workspace: Path, state_dir: Path) -> None:
    """No process, build folder, key, lock, journal or half-written file."""
    no_process(workspace, state_dir)
    builds = list(state_dir.glob("builds/*"))
    assert not builds, builds
    ours = sorted((workspace / ".imagegen").glob("*"))
    assert not (workspace / ".imagegen").exists(), ours
    nothing_half_written(workspace, state_dir)


def no_process(*folders: Path) -> None:
    """Nothing of ours works in or on one of these folders."""
    running = [command for folder in folders for command in _running(str(folder), PROGRAMS)]
    assert not running, running


def nothing_half_written(*folders: Path) -> None:
    """No temporary file, half image or half base, and nothing that only an interrupted Terraform leaves."""
    names = [path for folder in folders for path in folder.rglob("*")]
    half = [str(path) for path in names if HALF.fullmatch(path.name) or TERRAFORMS.fullmatch(path.name)]
    assert not half, half


def ledger_is_true(workspace: Path) -> None:
    """Every released image is whole, on disk and in the state, and there is no other; none is only on its way."""
    ledger = read_ledger(workspace)
    assert {entry["status"] for entry in ledger.values()} <= {"released", "retired", "superseded"}
    released = {version: entry for version, entry in ledger.items() if entry["status"] == "released"}
    expected = {f"{output}/{version}" for version, entry in released.items() for output in entry["images"]}
    assert _images_in_state(workspace) == expected, (_images_in_state(workspace), expected)
    assert images_on_disk(workspace) == expected, (images_on_disk(workspace), expected)
    images_are_whole(workspace)


def images_are_whole(workspace: Path) -> None:
    """Each image is as large as its manifest says, and stands under the version that it says."""
    for image in workspace.glob("images/*/*/image.vhd"):
        said = json.loads(image.with_name("manifest.json").read_text())
        assert (said["size"], said["version"]) == (image.stat().st_size, image.parent.name)


def plan_is_empty(workspace: Path) -> None:
    """Plain Terraform finds nothing to do."""
    planned = terraform(workspace, "plan", "-detailed-exitcode")
    assert planned.returncode == 0, planned.stdout + planned.stderr


def nothing_secret(secrets: Iterable[str], *folders: Path) -> None:
    """None of these values stands in a file: workspace, state, plans, journals, logs. Images are not looked into."""
    known = [secret.encode() for secret in secrets]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".vhd"]
    telling = [path for path in files if any(secret in path.read_bytes() for secret in known)]
    assert not telling, telling


def contents(*folders: Path) -> dict[Path, str]:
    """The digest of every file: equal before and after, nothing was lost or changed."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def processes(text: str) -> list[str]:
    """The command lines of running machines that contain this text, or run in a folder that does."""
    return _running(text, ("qemu-system",))


def terraform(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Terraform by hand, as a user runs it."""
    return subprocess.run(
        ["terraform", arguments[0], "-no-color", *arguments[1:]],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=False,
    )


def images_on_disk(workspace: Path) -> set[str]:
    """The images of a local workspace, as output/version."""
    return {f"{path.parent.parent.name}/{path.parent.name}" for path in workspace.glob("images/*/*/image.vhd")}


def _running(text: str, programs: Iterable[str]) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue  # it ended meanwhile
        if any(program in command for program in programs) and text in command + _working_folder(path.parent):
            found.append(command)
    return found


def _working_folder(process: Path) -> str:
    try:
        return str((process / "cwd").readlink())
    except OSError:
        return ""


def read_ledger(workspace: Path) -> dict[str, dict[str, Any]]:
    """The releases of a workspace, by version."""
    paths = sorted(
        workspace.glob(LEDGER.format("*")), key=lambda path: [int(one) for one in path.parent.name.split(".")]
    )
    return {path.parent.name: json.loads(path.read_text()) for path in paths}


def write_ledger(workspace: Path, releases: Mapping[str, Any]) -> None:
    """Let the ledger of a workspace have these releases and no others."""
    for path in workspace.glob(LEDGER.format("*")):
        path.unlink()
        path.parent.rmdir()
    for version, release in releases.items():
        path = workspace / LEDGER.format(version)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"schema": 1, "version": version} | release, indent=2, sort_keys=True) + "\n")


def _images_in_state(workspace: Path) -> set[str]:
    state = workspace / "terraform.tfstate"
    if not state.exists():
        return set()
    resources = json.loads(state.read_text())["resources"]
    # A Terraform that was interrupted may name a resource of which it made nothing: `terraform state list` does not.
    modules = [resource["module"] for resource in resources if resource["instances"]]
    assert all(module.startswith("module.image") for module in modules), modules
    return {module.split('"')[1] for module in modules}
