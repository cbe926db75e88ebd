"""What a local build needs of this computer: programs and files, and the packages that have them."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generator.errors import MissingTools

FIRMWARE_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
FIRMWARE_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
TERRAFORM_HINT = "https://developer.hashicorp.com/terraform/install"


@dataclass(frozen=True)
class Requirement:
    """A program (or, with a slash, a file), the Debian package that has it (empty: none), and what it is for."""

    name: str
    package: str
    purpose: str
    base_only: bool = False


@dataclass(frozen=True)
class Check:
    """A requirement and where it was found (None: missing)."""

    requirement: Requirement
    path: str | None


REQUIREMENTS = (
    Requirement("qemu-system-x86_64", "qemu-system-x86", "runs the machine"),
    Requirement("qemu-img", "qemu-utils", "makes disks and images"),
    Requirement(str(FIRMWARE_CODE), "ovmf", "UEFI firmware of the machine"),
    Requirement(str(FIRMWARE_VARIABLES), "ovmf", "UEFI firmware of the machine"),
    Requirement("mcopy", "mtools", "fills the EFI partition and the seed disk"),
    Requirement("mkfs.vfat", "dosfstools", "makes the EFI partition and the seed disk"),
    Requirement("sfdisk", "fdisk", "makes and reads partition tables"),
    Requirement("ssh", "openssh-client", "logs in to a kept machine"),
    Requirement("ssh-keygen", "openssh-client", "makes a build's key"),
    Requirement("terraform", "", "drives the build"),
    Requirement("mmdebstrap", "mmdebstrap", "builds the base from Debian's packages", base_only=True),
    Requirement("mke2fs", "e2fsprogs", "makes the base's root file system", base_only=True),
    Requirement("unshare", "util-linux", "keeps the mounts of building the base apart", base_only=True),
    Requirement("tar", "tar", "unpacks the base's tree", base_only=True),
    Requirement("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring",
                "verifies Debian's packages", base_only=True),
)  # fmt: skip
# Where an ordinary user may build the base too: owners are kept by fakeroot, packages unpacked in a user namespace.
UNPRIVILEGED = (
    Requirement("fakeroot", "fakeroot", "keeps owners when an ordinary user builds the base", base_only=True),
    Requirement("newuidmap", "uidmap", "lets an ordinary user build the base", base_only=True),
)


def cores() -> int:
    """Processor cores that we may use."""
    return len(os.sched_getaffinity(0))


def memory_mb() -> int:
    """Memory of the computer in MiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2


def search_path() -> str:
    """PATH with the folders of system programs, which ordinary users often have not in theirs."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def find(name: str) -> str | None:
    """Where a program or file is, None when it is missing."""
    if "/" in name:
        return name if Path(name).exists() else None
    return shutil.which(name, path=search_path())


def program(name: str) -> str:
    """Where a program is. Raises MissingTools when it is not there."""
    if path := find(name):
        return path
    raise _missing([requirement for requirement in (*REQUIREMENTS, *UNPRIVILEGED) if requirement.name == name]
                   or [Requirement(name, "", "")])  # fmt: skip


def check_tools(building_base: bool, terraform: str = "terraform") -> list[Check]:
    """Look for everything that a local build needs, and with `building_base` what building the base needs too."""
    wanted = [*REQUIREMENTS, *(UNPRIVILEGED if os.geteuid() != 0 else ())]
    names = {"terraform": terraform}
    return [
        Check(requirement, find(names.get(requirement.name, requirement.name)))
        for requirement in wanted
        if building_base or not requirement.base_only
    ]


def require(building_base: bool, terraform: str = "terraform") -> None:
    """Raise MissingTools, naming all that is missing at once and the one command that installs it."""
    if missing := [check.requirement for check in check_tools(building_base, terraform) if check.path is None]:
        raise _missing(missing)


def require_terraform(terraform: str) -> None:
    """Raise MissingTools where it is not there."""
    if missing := [one for one in REQUIREMENTS if one.name == "terraform" and find(terraform) is None]:
        raise _missing(missing)


def _missing(requirements: Iterable[Requirement]) -> MissingTools:
    """The error that names what is missing and how to get it."""
    requirements = list(requirements)
    packages = sorted({requirement.package for requirement in requirements if requirement.package})
    hints = [f"sudo apt-get install {' '.join(packages)}"] if packages else []
    if any(requirement.name == "terraform" for requirement in requirements):
        hints.append(f"Terraform: {TERRAFORM_HINT}")
    names = ", ".join(requirement.name for requirement in requirements)
    return MissingTools(f"not installed: {names}", "; ".join(hints) or None)
