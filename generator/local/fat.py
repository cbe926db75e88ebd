"""The EFI partition of an image: what deleted files left there is overwritten.

Trimming in the guest does not reach all of it: the clusters of a FAT file system may be smaller than the blocks of the
disk below, of which only whole ones go.
"""

import os
import struct
import uuid
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
EFI = uuid.UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B").bytes_le
GPT_HEADER = struct.Struct("<8s64xQII")  # UEFI specification, 5.3.2: signature, place, number and size of entries
GPT_ENTRY = struct.Struct("<16s16xQQ")  # type, first and last sector
# Microsoft, "FAT: General Overview of On-Disk Format": the fields that say where things are.
BOOT_SECTOR = struct.Struct("<11xHBHBHHxHxxxxxxxxII")
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class _Fat:
    """A FAT file system: where its table and its data begin, in bytes of the image; the size of a cluster; bits of an
    entry in the table."""

    table: int
    data: int
    cluster: int
    clusters: int
    bits: int


def clear_free_space(image: Path) -> None:
    """Overwrite with zeros what is free in the EFI partitions of a raw disk; holes stay holes.

    Does nothing to a disk without GPT, and to a partition that has no FAT file system.
    """
    with image.open("r+b", buffering=0) as file:
        for start in _efi_partitions(file.fileno()):
            if fat := _fat(file.fileno(), start):
                for first, count in _free(file.fileno(), fat):
                    _clear(file.fileno(), fat.data + first * fat.cluster, count * fat.cluster)


def _efi_partitions(disk: int) -> list[int]:
    """Where the EFI partitions of a disk begin, in bytes."""
    header = os.pread(disk, GPT_HEADER.size, SECTOR)
    if len(header) < GPT_HEADER.size:
        return []
    signature, place, number, size = GPT_HEADER.unpack(header)
    if signature != b"EFI PART" or not GPT_ENTRY.size <= size <= 4096 or number > 1024:
        return []
    table = os.pread(disk, number * size, place * SECTOR)
    entries = (GPT_ENTRY.unpack_from(table, at) for at in range(0, len(table) - size + 1, size))
    return [first * SECTOR for kind, first, _last in entries if kind == EFI]


def _fat(disk: int, start: int) -> _Fat | None:
    """The file system of a partition; None where it is not FAT."""
    boot = os.pread(disk, SECTOR, start)
    if len(boot) < SECTOR or boot[510:] != b"\x55\xaa":
        return None
    sector, per_cluster, reserved, tables, root, few, short, many, long = BOOT_SECTOR.unpack_from(boot)
    if sector not in (512, 1024, 2048, 4096) or not per_cluster or not reserved or not tables:
        return None
    length, total = short or long, few or many
    data = reserved + tables * length + -(-root * 32 // sector)
    clusters = (total - data) // per_cluster
    if clusters <= 0:
        return None
    bits = 12 if clusters < 4085 else 16 if clusters < 65525 else 32
    return _Fat(start + reserved * sector, start + data * sector, per_cluster * sector, clusters, bits)


def _free(disk: int, fat: _Fat) -> Iterator[tuple[int, int]]:
    """The runs of free clusters, as (first, count); the first cluster of the data is 0 here."""
    begin = None
    for number, entry in enumerate(_entries(disk, fat)):
        if entry == 0:
            begin = number if begin is None else begin
        elif begin is not None:
            yield begin, number - begin
            begin = None
    if begin is not None:
        yield begin, fat.clusters - begin


def _entries(disk: int, fat: _Fat) -> Iterator[int]:
    """What the table says of each cluster: 0 for a free one. Its first two entries are of no cluster."""
    raw = os.pread(disk, (fat.clusters + 2) * fat.bits // 8 + 1, fat.table)
    if fat.bits == 12:
        for number in range(2, fat.clusters + 2):
            pair = int.from_bytes(raw[number * 3 // 2 : number * 3 // 2 + 2], "little")
            yield pair >> 4 if number % 2 else pair & 0xFFF
        return
    entries = array("H" if fat.bits == 16 else "I")
    entries.frombytes(raw[: (fat.clusters + 2) * fat.bits // 8])
    yield from (entry & 0x0FFFFFFF for entry in entries[2:])


def _clear(disk: int, place: int, length: int) -> None:
    """Overwrite a part of a file, as far as there is anything in it."""
    end = place + length
    while place < end:
        try:
            place = max(place, os.lseek(disk, place, os.SEEK_DATA))
        except OSError:  # ENXIO: a hole up to the end of the file
            return
        size = min(end, os.lseek(disk, place, os.SEEK_HOLE), place + CHUNK) - place if place < end else 0
        if size and os.pread(disk, size, place).strip(b"\0"):
            os.pwrite(disk, bytes(size), place)
        place += size or 1
