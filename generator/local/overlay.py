"""qcow2 overlays: disks that only hold what differs from the disk below them."""

import os
import struct
from contextlib import suppress
from pathlib import Path

from generator.local import host
from generator.system.run import run

MAGIC = b"QFI\xfb"
HEADER = struct.Struct(">4sIQI")  # magic, version, place and length of the name below (QEMU: docs/interop/qcow2.txt)
LONGEST_NAME = 1023


def make(disk: Path, backing: Path, form: str, size: int) -> None:
    """Make a disk of `size` bytes over another one, which is only read. A running VM may have that open."""
    disk.unlink(missing_ok=True)
    # Clusters of one block of the file system: whatever the guest discards really goes, and is in no image.
    options = ("-u", "-f", "qcow2", "-o", "cluster_size=4k", "-b", str(backing.absolute()), "-F", form)
    run([host.program("qemu-img"), "create", "-q", *options, str(disk), str(size)])
    disk.chmod(0o600)


def relate(disk: Path, backing: Path, form: str) -> None:
    """Let a disk name the one below it relative to its own folder, so that both can be copied or moved together."""
    name = os.path.relpath(backing.resolve(), disk.parent.resolve())
    run([host.program("qemu-img"), "rebase", "-q", "-u", "-f", "qcow2", "-F", form, "-b", name, str(disk)])


def below(disk: Path) -> Path | None:
    """The disk below, as the header of an overlay names it, links resolved; None where it names none."""
    with suppress(OSError, ValueError, struct.error), disk.open("rb") as file:
        magic, _version, place, length = HEADER.unpack(file.read(HEADER.size))
        if magic == MAGIC and place and 0 < length <= LONGEST_NAME:
            file.seek(place)
            return (disk.parent / os.fsdecode(file.read(length))).resolve()
    return None
