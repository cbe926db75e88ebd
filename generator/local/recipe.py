"""How a base disk is made: our recipes from Debian's packages, or a file that a user has."""

import hashlib
import io
import json
import os
import secrets
import shutil
import tarfile
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from shlex import quote

from generator.errors import ImagegenError
from generator.local import host
from generator.system.run import run, stream

NAMES = ("debian-12",)
VERSION = 1  # raise it when this file changes what a recipe makes
SOURCES = (
    "deb http://deb.debian.org/debian bookworm main",
    "deb http://deb.debian.org/debian bookworm-updates main",
    "deb http://deb.debian.org/debian-security bookworm-security main",
)
SCRATCH = "scratch"
GUEST_UMASK = 0o022  # of what makes the files of a guest, whatever the user's own is
EFI_PARTITION = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
FORMATS = ("qcow2", "raw", "vpc", "vhdx")
# What a failed build has said somewhere, before all that fails for that; and what to do about it.
HINTS = {
    "E: Failed to fetch": "is Debian's mirror reachable from here?",
    "No space left on device": "make room for `cache_dir`, or choose another",
}
_FOLDER = Path(__file__).parent / "recipes"

Report = Callable[[str], None]


def key(name: str) -> str:
    """What a base is kept under: its name and a digest of all that its recipe says."""
    sha = hashlib.sha256(json.dumps([VERSION, SOURCES]).encode())
    folder = _FOLDER / name
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        sha.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return f"{name}-{sha.hexdigest()[:16]}"


def build(name: str, folder: Path, report: Report) -> str:
    """Make disk.raw, vmlinuz and packages in a folder, and return the Debian version. About a minute.

    Root is not needed where user namespaces are allowed. Raises ImagegenError when a tool is missing or fails.
    """
    host.require(building_base=True)
    recipe = _FOLDER / name
    overlay, tree = folder / "overlay.tar", folder / "tree.tar"
    _pack(recipe / "tree", overlay)
    scratch = _scratch(folder)
    _stream([
        *_own_mounts(), host.program("mmdebstrap"), "--mode=auto", "--variant=minbase", "--format=tar",
        f"--include={','.join(_packages(recipe))}", "--dpkgopt=force-unsafe-io", *_proxy(),
        f"--essential-hook=tar-in {quote(str(overlay))} /",
        f"--customize-hook={(recipe / 'customize.sh').read_text('utf-8')}",
        "bookworm", str(tree), *SOURCES,
    ], report, scratch)  # fmt: skip
    _remove_tree(scratch)
    (folder / SCRATCH).unlink()
    report("making the disk")
    owners = () if os.geteuid() == 0 else (host.program("fakeroot"),)
    _stream([*owners, "sh", str(recipe / "disk.sh"), str(tree), str(folder)], report)
    overlay.unlink()
    tree.unlink()
    version = folder / "version"
    text = version.read_text("utf-8").strip()
    version.unlink()
    return text


def remove(folder: Path) -> None:
    """Remove a folder in which a build was cut off. Raises ImagegenError when that cannot be."""
    link = folder / SCRATCH
    if link.is_symlink() and link.readlink().name.startswith(_scratch_name(folder)):  # else it is a copied folder
        _remove_tree(link.readlink())
    _remove_tree(folder)


def _scratch(folder: Path) -> Path:
    """A folder where mmdebstrap unpacks, with a link to it in the folder of the base.

    An ordinary user's mmdebstrap works as the other users of a user namespace: they may not enter the user's folders.
    """
    place = "/var/tmp" if os.access("/var/tmp", os.W_OK) else tempfile.gettempdir()  # noqa: S108 - the name is random
    scratch = Path(place, _scratch_name(folder) + secrets.token_hex(8))
    (folder / SCRATCH).symlink_to(scratch)
    scratch.mkdir(mode=0o700)
    scratch.chmod(0o711)
    return scratch


def _scratch_name(folder: Path) -> str:
    """How the name of a folder's scratch begins."""
    return f"imagegen-{folder.stat().st_ino:x}-"


def _remove_tree(folder: Path) -> None:
    """Remove a folder, of which a user namespace may have left something that belongs to its other users."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        run([host.program("unshare"), "--map-root-user", "--map-auto", "rm", "-rf", str(folder)])


def take(file: Path, folder: Path) -> str:
    """Convert a user's disk to disk.raw in a folder, and return its file name as version.

    Raises ImagegenError when it is not a disk of its own that boots by UEFI.
    """
    file = file.absolute()  # with a / in front QEMU never takes it for an option, nor for an address as `nbd:…`
    img = host.program("qemu-img")
    form = "vpc" if _is_vhd(file) else ""
    about = json.loads(run([img, "info", "--output=json", *(("-f", form) if form else ()), str(file)]).stdout)
    if about["format"] not in FORMATS:
        raise ImagegenError(f"{file} is of format {about['format']}", f"convert it to one of {', '.join(FORMATS)}")
    if "backing-filename" in about or "data-file" in about.get("format-specific", {}).get("data", {}):
        raise ImagegenError(f"{file} needs other files", "make it one file: qemu-img convert -O qcow2 FILE OUT")
    disk = folder / "disk.raw"
    run([img, "convert", "-f", about["format"], "-O", "raw", str(file), str(disk)])
    table = run([host.program("sfdisk"), "--json", str(disk)], check=False)
    if EFI_PARTITION not in table.stdout.upper():
        raise ImagegenError(f"{file} has no EFI partition", "local machines boot by UEFI: take a generation 2 image")
    return file.stem


def _own_mounts() -> tuple[str, ...]:
    """As root, mmdebstrap mounts: in a namespace of its own nothing of that stays on the host, even after kill -9."""
    return (host.program("unshare"), "--mount", "--propagation", "private") if os.geteuid() == 0 else ()


def _packages(recipe: Path) -> list[str]:
    """The package names of a recipe."""
    lines = (line.strip() for line in (recipe / "packages").read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _pack(tree: Path, archive: Path) -> None:
    """Put a recipe's files in an archive as root's, with usual modes, whatever the checkout made of them."""
    with tarfile.open(archive, "w") as tar:
        for path in sorted(tree.rglob("*")):
            entry = tarfile.TarInfo(path.relative_to(tree).as_posix())
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                content = path.read_bytes()
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, io.BytesIO(content))


def _proxy() -> list[str]:
    """mmdebstrap's options for the host's own apt proxy, which the environment does not tell."""
    if (config := host.find("apt-config")) is None:
        return []
    proxy = run([config, "shell", "PROXY", "Acquire::http::Proxy"], check=False).stdout.partition("=")[2].strip(" '\n")
    return [f'--aptopt=Acquire::http::Proxy "{proxy}"'] if proxy else []


def _stream(argv: list[str], report: Report, scratch: Path | None = None) -> None:
    """Run a program, pass its lines on, and raise ImagegenError with the last of them when it fails."""
    last: deque[str] = deque(maxlen=10)
    reasons: list[tuple[str, str]] = []

    def on_line(line: str) -> None:
        if line.strip():
            last.append(line.strip())
            report(line)
        reasons.extend((line.removeprefix("E: ").strip(), hint) for words, hint in HINTS.items() if words in line)

    extra = {"PATH": host.search_path()} | ({"TMPDIR": str(scratch)} if scratch else {})
    code = stream(argv, on_line, extra_env=extra, umask=GUEST_UMASK)
    if code != 0:
        reason, hint = (reasons or [(" / ".join(list(last)[-3:]), f"{argv[0]} ended with {code}")])[0]
        raise ImagegenError(f"the base was not built: {reason}", hint)


def _is_vhd(file: Path) -> bool:
    """Whether a file ends as a VHD does: qemu-img takes a fixed one for raw."""
    with file.open("rb") as content:
        content.seek(max(0, file.stat().st_size - 512))
        return content.read(8) == b"conectix"
