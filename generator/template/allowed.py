"""Which files of this computer a template may carry into a workspace, and reading one of them.

A workspace is committed, and a template may be a stranger's: it may use the files of its own folder, of the project
that it belongs to, and of the paths that the user allows.
"""

import os
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path

from generator.errors import ImagegenError
from generator.settings import Settings, project_of

# The kernel's own files: a process' environment, a device, a key of the firmware. Nobody can allow these.
KERNEL = ("/proc", "/sys", "/dev")
KERNEL_FILESYSTEMS = {
    "proc", "sysfs", "devtmpfs", "devpts", "debugfs", "tracefs", "securityfs", "configfs", "efivarfs", "pstore", "bpf",
    "cgroup", "cgroup2", "mqueue", "nsfs", "binfmt_misc", "fusectl", "rpc_pipefs", "selinuxfs", "resctrl",
}  # fmt: skip
KERNEL_REFUSAL = "a template may not use files of /proc, /sys or /dev"


def roots_of(template_path: Path, settings: Settings) -> list[Path]:
    """The folders and files below which a template may use any file; its own folder is the first."""
    folder = template_path.absolute().parent
    project = project_of(template_path).folder
    return [folder, *([project] if project else []), *settings.allow_files]


def require(path: Path, template_path: Path, settings: Settings) -> None:
    """Raise ImagegenError for a file, named by what comes with a checkout, that is neither in the template's repository
    nor one that the template may use."""
    real, top = path.resolve(), project_of(template_path).top
    if is_of_the_kernel(str(real)):
        raise ImagegenError(f"{path}: {KERNEL_REFUSAL}")
    roots = [*roots_of(template_path, settings), *([top] if top else [])]
    if not any(real.is_relative_to(root.resolve()) for root in roots):
        raise _outside(str(path), str(real), None)


def is_of_the_kernel(path: str) -> bool:
    """Whether a path, as it is written, lies in one of the kernel's folders."""
    plain = os.path.normpath("/" + path.lstrip("/")) if path.startswith("/") else os.path.normpath(path)
    return any(plain == folder or plain.startswith(f"{folder}/") for folder in KERNEL)


def read(path: Path, roots: Sequence[Path], shown: str, limit: int, *, mirror: bool = False) -> bytes:
    """The bytes of a regular file below one of `roots`, at most `limit` of them. shown: how messages name it; mirror:
    the only root is a mirror of the user's, in whose place nothing else can be allowed.

    The file is opened without being read, the kernel is asked where it really is (proc(5), /proc/pid/fd), and that very
    file is read: no link, `..` or exchange in between leads elsewhere. Raises ImagegenError for a file that is not
    allowed, OSError for one that is not there, cannot be read or is not a plain file.
    """
    if is_of_the_kernel(str(path)):
        raise ImagegenError(f"{shown}: {KERNEL_REFUSAL}")
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        opened = Path(f"/proc/self/fd/{handle}")
        real, about = str(opened.readlink()), os.fstat(handle)
        if is_of_the_kernel(real) or _filesystem(about.st_dev) in KERNEL_FILESYSTEMS:
            raise ImagegenError(f"{shown}: {KERNEL_REFUSAL}")
        if not any(Path(real).is_relative_to(root.resolve()) for root in roots):
            raise _outside(shown, real, roots[0] if mirror else None)
        if not stat.S_ISREG(about.st_mode):
            kind = "a folder" if stat.S_ISDIR(about.st_mode) else "not a plain file"
            raise ImagegenError(f"{shown} is {kind}")
        with opened.open("rb") as file:
            return file.read(limit)
    finally:
        os.close(handle)


def _outside(shown: str, real: str, mirror: Path | None) -> ImagegenError:
    if mirror:
        return ImagegenError(f"{shown} leads out of the mirror {mirror}", "put a copy of the file into the mirror")
    return ImagegenError(
        f"{shown} leads to {real}, outside the template's folder",
        f"if the template may use it, pass --allow-files {shlex.quote(real)}",
    )


def _filesystem(device: int) -> str:
    """The type of the filesystem of a device number (proc_pid_mountinfo(5)); "" where that is not known."""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines():
        fields = line.split()
        if fields[2] == number:
            return fields[fields.index("-") + 1]
    return ""
