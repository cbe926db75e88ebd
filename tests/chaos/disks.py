"""Disks that are full, folders that take no writes. For root only: nobody else may make one so."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.chaos.faults import Fault, Scene
from tests.chaos.place import Command, Place

MIB = 1024 * 1024
ROOMY = "6g"


def mount(*folders: Path) -> bool:
    """Give each of these folders a disk of its own, in memory. False where that is not permitted."""
    if os.geteuid() != 0:
        return False
    argv = ["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "none"]
    return all(subprocess.run([*argv, folder], capture_output=True, check=False).returncode == 0 for folder in folders)


def unmount(*folders: Path) -> None:
    """Take them away, with what is on them."""
    for folder in folders:
        subprocess.run(["umount", "-l", folder], capture_output=True, check=False)


def _remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True, capture_output=True)


@contextmanager
def full(place: Place, random: Random) -> Iterator[Scene]:
    """The disk under workspace, state or temporary space has little room left: none, or less than an image."""
    name, folder = random.choice([("workspace", place.disk), ("state", place.state_dir), ("temp", place.temp)])
    room = random.choice([0, random.randrange(64 * 1024), random.randrange(4 * MIB), random.randrange(400 * MIB)])
    size = shutil.disk_usage(folder).used + room
    _remount(folder, f"size={max(4096, size // 4096 * 4096)}")
    try:
        yield Scene(f"{name}, {room} bytes free")
    finally:
        _remount(folder, f"size={ROOMY}")


@contextmanager
def read_only(place: Place, random: Random) -> Iterator[Scene]:
    """The workspace takes no writes: from the start, or from some moment on."""
    at = random.choice([0.0, random.uniform(0, place.duration)])

    def during(command: Command) -> None:
        command.runs(at)
        _immutable(place.disk, "+i")

    try:
        yield Scene(f"at {at:.1f} s", during=during)
    finally:
        _immutable(place.disk, "-i")


def _immutable(folder: Path, change: str) -> None:
    """Let a folder and all in it take no changes, root's neither, or let it take them again (chattr(1)).

    A disk cannot be remounted for that: the kernel refuses while a file on it is open for writing, as a lock is. What
    comes and goes meanwhile is met again, until all is so.
    """
    argv = ["find", str(folder), "(", "-type", "d", "-o", "-type", "f", ")", "-exec", "chattr", change, "{}", "+"]
    for _ in range(20):  # links have no such mark
        done = subprocess.run(argv, capture_output=True, check=False)
        if done.returncode == 0:
            return
    raise AssertionError(f"chattr {change} {folder}: {done.stderr.decode()}")


FAULTS = (
    Fault("full disk", full, weight=6, needs="disks"),
    Fault("read-only workspace", read_only, weight=2, needs="disks"),
)
