"""Free space of EFI partitions: what deleted files left is gone, and everything else is as it was."""

import os
import subprocess
from pathlib import Path

import pytest

from generator.local import fat

MIB = 1024 * 1024
START = MIB
KEPT = {"kept1": 700, "kept2": 5000, "kept3": 3}
DELETED = {"gone1": 100, "gone2": 30_000, "gone3": 513}


def _content(name: str, size: int) -> bytes:
    return (name.encode() * size)[:size]


def _mtools(*arguments: str, image: Path, stdin: bytes = b"") -> bytes:
    program, *rest = arguments
    argv = [program, "-i", f"{image}@@{START}", *rest]
    environment = os.environ | {"MTOOLS_SKIP_CHECK": "1"}
    return subprocess.run(argv, input=stdin, env=environment, check=True, capture_output=True).stdout


@pytest.fixture
def image(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A disk with an EFI partition of (bits of an entry, MiB, sectors of a cluster), files, and deleted files."""
    bits, size, per_cluster = request.param
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.truncate((size + 2) * MIB)
    table = f"label: gpt\nstart=2048,size={size}MiB,type=uefi\n".encode()
    subprocess.run(["sfdisk", "--quiet", path], input=table, check=True)
    options = ("--offset", "2048", "-F", str(bits), "-s", str(per_cluster))
    subprocess.run(["mkfs.vfat", *options, path, str(size * 1024)], check=True, capture_output=True)
    for name, length in sorted((KEPT | DELETED).items(), key=lambda item: item[0][-1]):
        _mtools("mcopy", "-", f"::{name}", image=path, stdin=_content(name, length))
    for name in DELETED:
        _mtools("mdel", f"::{name}", image=path)
    return path


# A 512-byte cluster is less than a block of the disk below, so trimming leaves most of a small file.
@pytest.mark.parametrize("image", [(32, 64, 1), (32, 300, 8), (16, 64, 8), (12, 8, 8)], indirect=True, ids=str)
def test_deleted_files_are_gone_and_the_others_as_they_were(image: Path) -> None:
    assert b"gone2gone2" in image.read_bytes()
    blocks = image.stat().st_blocks
    fat.clear_free_space(image)
    content = image.read_bytes()
    assert not any(name.encode() in content for name in DELETED)
    for name, length in KEPT.items():
        assert _mtools("mcopy", f"::{name}", "-", image=image) == _content(name, length)
    assert image.stat().st_blocks <= blocks
    partition = image.with_name("partition")
    partition.write_bytes(content[START:])
    subprocess.run(["fsck.vfat", "-n", partition], check=True, capture_output=True)


@pytest.mark.parametrize(
    "content", [b"", b"EFI PART" * 64, bytes(4 * MIB), b"\xff" * 4 * MIB], ids=["empty", "short", "zero", "ff"]
)
def test_what_is_no_such_disk_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(content)
    fat.clear_free_space(path)
    assert path.read_bytes() == content


def test_a_partition_with_another_file_system_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(10 * MIB))
    table = b"label: gpt\nstart=2048,size=8MiB,type=uefi\n"
    subprocess.run(["sfdisk", "--quiet", path], input=table, check=True)
    for sector in (b"\xeb\x3c\x90" + b"x" * 507 + b"\x55\xaa", bytes(510) + b"\x55\xaa"):
        with path.open("r+b") as file:
            file.seek(START)
            file.write(sector + b"data" * 1000)
        before = path.read_bytes()
        fat.clear_free_space(path)
        assert path.read_bytes() == before
