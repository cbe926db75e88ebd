"""KVM where it works, else TCG (QEMU's own translation, about ten times slower)."""

import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from generator.errors import ImagegenError
from generator.local import bases, host, pace
from generator.local.bases import Base
from generator.settings import Settings
from generator.system.records import from_json, private_write, to_json
from generator.system.run import run

Name = Literal["kvm", "tcg"]
DEVICE = Path("/dev/kvm")
PROBE_SECONDS = 6.0
MODELS: dict[Name, str] = {"kvm": "host", "tcg": "max"}  # -cpu


@dataclass(frozen=True)
class Accelerator:
    """What machines run with, and why."""

    name: Name
    why: str


def choose(settings: Settings, base: Base | None = None) -> Name:
    """The accelerator for machines on this computer; `explain` tells why."""
    return explain(settings, base).name


def explain(settings: Settings, base: Base | None = None) -> Accelerator:
    """The accelerator with its reason. KVM is tried at most once a start of the computer and QEMU version.

    Small probes say that KVM works where it hangs, so the kernel of a base is booted, for some seconds.
    """
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        there = DEVICE.exists()
        return Accelerator("tcg", f"{DEVICE} is not accessible to this user" if there else f"there is no {DEVICE}")
    kernel = next((found for one in (base, *bases.list_bases(settings)) if one and (found := one.kernel)), None)
    if kernel is None:
        return Accelerator("tcg", "no kernel at hand to try KVM with")
    cache, mark = settings.cache_dir / "accelerator.json", _mark()
    if known := _recall(cache, mark):
        return known
    accelerator = _probe(kernel, PROBE_SECONDS * pace.times(settings.cache_dir))
    with suppress(OSError):  # it is found out anew, then
        private_write(cache, to_json(asdict(accelerator) | {"mark": mark}))
    return accelerator


def qemu_version() -> str:
    """The version of QEMU, such as "7.2.22". Raises ImagegenError when it does not say."""
    return _version_of(host.program("qemu-system-x86_64"))


@cache
def _version_of(program: str) -> str:
    words = run([program, "--version"]).stdout.split()
    if "version" not in words[:-1]:
        raise ImagegenError("qemu-system-x86_64 --version says no version", "run `imagegen doctor`")
    return words[words.index("version") + 1]


def machine_type(version: str) -> str:
    """The machine type of a QEMU version, named exactly so that a saved machine fits a later start."""
    return "pc-q35-" + ".".join(version.split(".")[:2])


def _mark() -> str:
    """What a probe's result holds for."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return f"{boot} {qemu_version()}"


def _recall(cache: Path, mark: str) -> Accelerator | None:
    """A result found before, if it still holds."""
    try:
        known = from_json(cache.read_bytes(), {"name": str, "why": str, "mark": str})
        return Accelerator(known["name"], known["why"]) if known["mark"] == mark and known["name"] in MODELS else None
    except (OSError, ValueError):
        return None


def _probe(kernel: Path, seconds: float) -> Accelerator:
    """Boot a kernel with nothing else by KVM: it must greet, find no root, and reset the machine."""
    argv = [
        host.program("qemu-system-x86_64"), "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
        "-machine", f"{machine_type(qemu_version())},accel=kvm", "-cpu", MODELS["kvm"], "-m", "256",
        "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1",
    ]  # fmt: skip
    try:
        done = run(argv, check=False, timeout=seconds)
    except ImagegenError:
        return Accelerator("tcg", f"a kernel did not run by KVM within {seconds:.0f} s")
    if done.code == 0 and "Linux version" in done.stdout:
        return Accelerator("kvm", "a kernel ran by KVM")
    return Accelerator("tcg", f"KVM failed: QEMU ended with {done.code}")
