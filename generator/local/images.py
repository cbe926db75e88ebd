"""Images: a machine's disk as a fixed VHD with its manifest, as Azure takes it."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError
from generator.local import fat, files, host
from generator.system.records import atomic_write, from_json, make_folder, to_json
from generator.system.run import run

MIB = 1024 * 1024
FOOTER = 512  # bytes that a fixed VHD has after the disk
IMAGE = "image.vhd"
MANIFEST = "manifest.json"
_ZEROS = bytes(MIB)


def digest(path: Path) -> str:
    """SHA-256 of a file, as sha256sum prints it. Holes are not read: they are fed from a buffer of zeros."""
    sha = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        for data, length in _extents(file.fileno()):
            for step in range(0, length, MIB):
                size = min(MIB, length - step)
                sha.update(_read(file.fileno(), size) if data else memoryview(_ZEROS)[:size])
    return sha.hexdigest()


def _extents(descriptor: int) -> Iterator[tuple[bool, int]]:
    """The file in order as (is it data, length). The descriptor stands at each data extent when it is yielded."""
    end = os.fstat(descriptor).st_size
    position = 0
    while position < end:
        try:
            data = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole up to the end
            data = end
        if data > position:
            yield False, data - position
        if data < end:
            position = os.lseek(descriptor, data, os.SEEK_HOLE)
            os.lseek(descriptor, data, os.SEEK_SET)
            yield True, position - data
        else:
            position = end


def _read(descriptor: int, size: int) -> bytes:
    """Exactly `size` bytes."""
    chunk = os.read(descriptor, size)
    while len(chunk) < size:
        more = os.read(descriptor, size - len(chunk))
        if not more:
            raise ImagegenError("the image changed while it was read")
        chunk += more
    return chunk


def convert(source: Path, destination: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """Make the folder `destination` with image.vhd (read-only) and manifest.json out of a qcow2 disk.

    The VHD is fixed and sparse: whole MiB of disk and a footer of 512 bytes (Azure: "Prepare Linux for imaging").
    The manifest is what was given and `format`, `size`, `virtual_size` (bytes) and `sha256`. The folder appears in
    one step. Raises ImagegenError when it is there already or the disk cannot be converted.
    """
    if destination.exists():
        raise ImagegenError(f"{destination} exists already", "choose another version, or remove it first")
    partial = _partial(destination)
    shutil.rmtree(partial, ignore_errors=True)
    make_folder(partial.parent)
    partial.mkdir()
    try:
        whole = _write(source, partial, about)
        files.publish(partial, destination)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return whole


def _partial(folder: Path) -> Path:
    """Where an image is while it is not whole."""
    return folder.with_name(f".{folder.name}.partial")


def _write(source: Path, folder: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write image and manifest into a folder, and return the manifest."""
    image = folder / IMAGE
    options = ("-O", "vpc", "-o", "subformat=fixed,force_size=on")
    run([host.program("qemu-img"), "convert", "-f", "qcow2", *options, str(source), str(image)])
    fat.clear_free_space(image)
    size = image.stat().st_size
    if (size - FOOTER) % MIB:
        raise ImagegenError(f"{source} is not a whole number of MiB", "resize the disk before capturing it")
    whole = {**about, "format": "vhd", "size": size, "virtual_size": size - FOOTER, "sha256": digest(image)}
    image.chmod(0o444)
    atomic_write(folder / MANIFEST, to_json(whole), sync=True)
    return whole


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an image. Raises ImagegenError when it is missing or not JSON."""
    try:
        return from_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise ImagegenError(f"{folder} is not an image: {error}") from error


def verify(folder: Path) -> dict[str, Any]:
    """Read an image again and return its manifest. Raises ImagegenError when size or digest differ from it."""
    said = manifest(folder)
    image = folder / IMAGE
    if not image.is_file():
        raise ImagegenError(f"{image} is missing")
    if image.stat().st_size != said.get("size"):
        raise ImagegenError(f"{image} has {image.stat().st_size} bytes, its manifest says {said.get('size')}")
    if digest(image) != said.get("sha256"):
        raise ImagegenError(f"{image} is not what its manifest says: the SHA-256 differs")
    return said


def discard(folder: Path) -> None:
    """Delete an image, whole or half made; nothing there is well too."""
    shutil.rmtree(_partial(folder), ignore_errors=True)
    if folder.exists():
        # Out of sight in one step: nobody finds half an image.
        folder.rename(_partial(folder))
        shutil.rmtree(_partial(folder))
