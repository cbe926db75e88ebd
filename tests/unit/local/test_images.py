"""Digest, VHD and discard."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.errors import ImagegenError
from generator.local import images

MIB = images.MIB


def _sparse(path: Path, size: int, data: dict[int, bytes]) -> Path:
    """A file of `size` bytes with data at some places and holes elsewhere."""
    with path.open("wb") as file:
        for position, content in data.items():
            file.seek(position)
            file.write(content)
        file.truncate(size)
    return path


@pytest.mark.parametrize(
    ("size", "data"),
    [
        (0, {}),
        (1, {0: b"x"}),
        (5 * MIB, {}),
        (5 * MIB, {3 * MIB: b"end"}),
        (5 * MIB, {0: b"start"}),
        (5 * MIB, {MIB: b"middle" * 1000}),
        (5 * MIB + 511, {0: b"a" * 4096, 2 * MIB: b"b" * (MIB + 77), 5 * MIB + 500: b"c" * 11}),
    ],
    ids=["empty", "byte", "hole", "hole-first", "hole-last", "hole-around", "mixed"],
)
def test_digest_is_sha256(tmp_path: Path, size: int, data: dict[int, bytes]) -> None:
    path = _sparse(tmp_path / "file", size, data)
    assert images.digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def disk(tmp_path: Path) -> Callable[[int], Path]:
    def make(size: int) -> Path:
        raw = _sparse(tmp_path / "raw", size, {MIB: b"content"})
        qcow2 = tmp_path / "disk.qcow2"
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(qcow2)], check=True)
        return qcow2

    return make


def test_convert_makes_a_fixed_vhd(tmp_path: Path, disk: Callable[[int], Path]) -> None:
    folder = tmp_path / "images" / "web" / "1.0.0"
    manifest = images.convert(disk(3 * MIB), folder, {"name": "web"})
    vhd = (folder / "image.vhd").read_bytes()
    assert len(vhd) == 3 * MIB + 512
    assert vhd[MIB : MIB + 7] == b"content"
    footer = vhd[-512:]
    assert footer[:8] == b"conectix"
    assert int.from_bytes(footer[48:56], "big") == 3 * MIB  # current size
    assert int.from_bytes(footer[60:64], "big") == 2  # fixed
    assert manifest == images.manifest(folder) == images.verify(folder)
    assert manifest == {
        "format": "vhd", "name": "web", "sha256": hashlib.sha256(vhd).hexdigest(), "size": 3 * MIB + 512,
        "virtual_size": 3 * MIB,
    }  # fmt: skip
    assert [path.name for path in folder.parent.iterdir()] == ["1.0.0"]


def test_convert_refuses_what_is_no_whole_number_of_mib(tmp_path: Path, disk: Callable[[int], Path]) -> None:
    with pytest.raises(ImagegenError, match="whole number of MiB"):
        images.convert(disk(3 * MIB + 512), tmp_path / "images" / "1.0.0", {})
    assert list((tmp_path / "images").iterdir()) == []


def test_convert_refuses_what_is_there(tmp_path: Path, disk: Callable[[int], Path]) -> None:
    with pytest.raises(ImagegenError, match="exists already"):
        images.convert(disk(MIB * 2), tmp_path, {})


def test_convert_sweeps_what_a_killed_one_left(tmp_path: Path, disk: Callable[[int], Path]) -> None:
    (tmp_path / ".1.0.0.partial").mkdir()
    (tmp_path / ".1.0.0.partial" / "image.vhd").write_text("half")
    images.convert(disk(2 * MIB), tmp_path / "1.0.0", {})
    images.verify(tmp_path / "1.0.0")
    assert not (tmp_path / ".1.0.0.partial").exists()


def test_verify_sees_a_changed_byte(tmp_path: Path, disk: Callable[[int], Path]) -> None:
    folder = tmp_path / "1.0.0"
    images.convert(disk(2 * MIB), folder, {})
    image = folder / "image.vhd"
    image.chmod(0o600)
    with image.open("r+b") as file:
        file.seek(MIB)
        file.write(b"X")
    with pytest.raises(ImagegenError, match="SHA-256 differs"):
        images.verify(folder)


def test_discard_removes_and_may_be_repeated(tmp_path: Path, disk: Callable[[int], Path]) -> None:
    folder = tmp_path / "images" / "1.0.0"
    images.convert(disk(2 * MIB), folder, {})
    images.discard(folder)
    images.discard(folder)
    assert list((tmp_path / "images").iterdir()) == []
