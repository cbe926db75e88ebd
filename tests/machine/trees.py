"""The file trees of images, and how they differ."""

import hashlib
import json
import os
import stat
import subprocess
from pathlib import Path

# What two builds of the same steps do not have alike. ldconfig(8) notes when each library's inode was changed.
OF_TIME = ("/var/cache/ldconfig/aux-cache",)


def tree(vhd: Path, scratch: Path) -> dict[str, str]:
    """Path => kind, mode, owner and content of every file of an image's root file system, read without booting it."""
    table = json.loads(subprocess.run(["sfdisk", "--json", vhd], capture_output=True, check=True).stdout)
    root = max(table["partitiontable"]["partitions"], key=lambda partition: partition["size"])
    scratch.mkdir()
    argv = ["debugfs", "-R", f"rdump / {scratch}", f"{vhd}?offset={root['start'] * 512}"]
    subprocess.run(argv, capture_output=True, check=True)
    paths = [Path(folder, name) for folder, folders, files in os.walk(scratch) for name in (*folders, *files)]
    return {f"/{path.relative_to(scratch)}": _described(path) for path in paths}


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """The paths that only one has, or that are not the same in both."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def _described(path: Path) -> str:
    about = path.lstat()
    content = ""
    if stat.S_ISLNK(about.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(about.st_mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{stat.filemode(about.st_mode)} {about.st_uid}:{about.st_gid} {content}"
