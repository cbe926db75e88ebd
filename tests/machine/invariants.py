"""What must hold after anything: no process, lock, key, machine or half-written image, and a true ledger."""

import json
import subprocess
from pathlib import Path


def processes(text: str) -> list[str]:
    """The command lines of running processes that contain this text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue  # it ended meanwhile
        working = _working_folder(path.parent)
        if "qemu-system" in command and (text in command or text in working):
            found.append(command)
    return found


def _working_folder(process: Path) -> str:
    try:
        return str((process / "cwd").readlink())
    except OSError:
        return ""


def at_rest(workspace: Path, state_dir: Path) -> None:
    """Nothing of a build is left, in the workspace or outside it; ledger, state and images agree."""
    assert processes(str(state_dir)) == []
    builds = state_dir / "builds"
    assert not builds.exists() or list(builds.iterdir()) == []
    assert not (workspace / ".imagegen").exists()
    assert list(workspace.rglob("*.partial*")) == []
    assert list(workspace.glob("terraform.tfstate.*.backup")) == []
    ledger = (
        json.loads((workspace / "releases.auto.tfvars.json").read_text())["releases"] if _has_ledger(workspace) else {}
    )
    released = {version: entry for version, entry in ledger.items() if entry["status"] == "released"}
    assert all(entry["status"] != "coming" for entry in ledger.values())
    expected = {f"{output}/{version}" for version, entry in released.items() for output in entry["images"]}
    assert _images_in_state(workspace) == expected
    assert _images_on_disk(workspace) == expected
    planned = terraform(workspace, "plan", "-detailed-exitcode")
    assert planned.returncode == 0, planned.stdout + planned.stderr


def terraform(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Terraform by hand, as a user runs it."""
    return subprocess.run(
        ["terraform", arguments[0], "-no-color", *arguments[1:]],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=False,
    )


def _has_ledger(workspace: Path) -> bool:
    return (workspace / "releases.auto.tfvars.json").exists()


def _images_in_state(workspace: Path) -> set[str]:
    state = workspace / "terraform.tfstate"
    if not state.exists():
        return set()
    resources = json.loads(state.read_text())["resources"]
    assert {resource["module"].split("[")[0] for resource in resources} <= {"module.image"}
    return {resource["module"].split('"')[1] for resource in resources}


def _images_on_disk(workspace: Path) -> set[str]:
    return {f"{path.parent.parent.name}/{path.parent.name}" for path in workspace.glob("images/*/*/image.vhd")}
