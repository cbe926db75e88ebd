"""The VMs of local builds as processes of this computer, found without any record: by name, folder and open files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from generator.system.process import Process

NAME = "imagegen"  # of the process: /proc/PID/comm
MARK = "workspace"  # the file in a build's folder that names its workspace
# The variable that names the open file by which a VM knows its workspace, wherever that is moved to.
DESCRIPTOR = "IMAGEGEN_WORKSPACE_DESCRIPTOR"
DELETED = " (deleted)"  # the kernel adds it to the name of what is gone: proc(5)


@dataclass(frozen=True)
class VirtualMachine:
    """A running VM.

    folder: where it works, which may be deleted; workspace: where the workspace of its build is now, or was when it was
    deleted; None where that is not known.
    """

    process: Process
    folder: Path
    workspace: Path | None


def running() -> list[VirtualMachine]:
    """The VMs of this user that run on this computer, whatever folders and variables are set."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):  # it has ended
                if (vm := _of(entry)) is not None:
                    found.append(vm)
    return sorted(found, key=lambda vm: vm.process.pid)


def works_in(process: Process, folder: Path) -> bool:
    """Whether a process works in a folder, by whatever name, deleted or not; True where that may not be looked at."""
    link = Path(f"/proc/{process.pid}/cwd")
    try:
        return link.samefile(folder) if folder.exists() else _target(link) == folder
    except PermissionError:
        return True
    except OSError:
        return False


@contextmanager
def workspace_of(folder: Path) -> Iterator[int | None]:
    """The open workspace that the mark in a build's folder names, as a descriptor; None where there is none."""
    try:
        descriptor = os.open(os.fsencode((folder / MARK).read_bytes()), os.O_PATH | os.O_DIRECTORY)
    except (OSError, ValueError):
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _of(entry: Path) -> VirtualMachine | None:
    """The VM that a process is, None for any other."""
    if entry.stat().st_uid != os.geteuid() or (entry / "comm").read_text("utf-8", "replace").strip() != NAME:
        return None
    if not (entry / "exe").readlink().name.startswith("qemu-system"):
        return None
    process = Process.of(int(entry.name))
    return VirtualMachine(process, _target(entry / "cwd"), _workspace(entry)) if process else None


def _workspace(entry: Path) -> Path | None:
    variables = (entry / "environ").read_bytes().split(b"\0")
    value = next((one for one in variables if one.startswith(f"{DESCRIPTOR}=".encode())), b"")
    number = os.fsdecode(value.partition(b"=")[2])
    return _target(entry / "fd" / number) if number.isdecimal() else None


def _target(link: Path) -> Path:
    """What a link of /proc leads to, without the kernel's word that it is gone."""
    target = str(link.readlink())
    return Path(target.removesuffix(DELETED)) if not os.path.lexists(target) else Path(target)
