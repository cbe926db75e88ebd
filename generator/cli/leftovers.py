"""Builds on this computer that no workspace tells of: listed by `doctor`, removed by `cleanup --all`."""

from pathlib import Path

from generator.builder import begun, folders
from generator.builder.folders import Abandoned
from generator.errors import ImagegenError, to_paste
from generator.local import machine
from generator.local.target import MACHINES

COMMAND = "imagegen cleanup --all"


def describe(build: Abandoned) -> str:
    """What is there of a build, in words."""
    where = f"workspace {build.workspace}" if build.workspace else "an unknown workspace"
    gone = "" if build.workspace is None else " (gone)" if not build.workspace.exists() else " (has no record of it)"
    running = ", ".join(f"VM runs as process {vm.process.pid}" for vm in build.machines) or "no VM runs"
    return f"build of {where}{gone}: {build.folder}, {running}"


def remove(build: Abandoned) -> None:
    """Stop the VMs of a build and remove its folder.

    Raises ImagegenError where that is not all of it, or another command works on it; nothing is removed then.
    """
    with folders.Held() as held:
        held.take(build.folder, None)
        if staging := begun.staging_of(build.folder):
            _refuse_cloud(build.folder, staging)
        for place in {*(build.folder / name for name in MACHINES), *(vm.folder for vm in build.machines)}:
            machine.stop(place)
        folders.remove(build.folder)


def _refuse_cloud(folder: Path, staging: dict[str, object]) -> None:
    """Raise ImagegenError: without its workspace the temporary resources of a build in Azure cannot be told apart."""
    group, subscription = staging.get("group"), staging.get("subscription_id")
    look = to_paste("az", "resource", "list", "--resource-group", group, "--subscription", subscription)
    raise ImagegenError(
        f"the build in {folder} began in Azure, and its temporary resources may still be in resource group {group}",
        f"look with `{look}` and delete them, then `{to_paste('rm', '-r', folder)}`",
    )
