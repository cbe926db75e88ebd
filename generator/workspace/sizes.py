"""What an Azure VM size means on this computer: cores and memory.

Source: Microsoft, "Sizes for virtual machines in Azure": a size's name has its family, its vCPUs and its features; the
memory is a multiple of the vCPUs, fixed for each family.
"""

import re
from dataclasses import dataclass

# GiB of memory for each vCPU, by family: the letters in front of the number of vCPUs.
_MEMORY_PER_CORE = {
    "D": 4.0, "DC": 4.0, "E": 8.0, "EC": 8.0, "F": 2.0, "FX": 21.0, "L": 8.0, "M": 28.0, "N": 8.0, "NC": 18.0,
    "ND": 18.0, "NV": 14.0, "H": 8.0, "HB": 4.0, "HC": 8.0, "A": 2.0, "B": 4.0, "G": 14.0,
}  # fmt: skip

# Sizes whose name does not tell: (vCPUs, GiB).
_EXACT = {
    "a0": (1, 0.75), "a1": (1, 1.75), "a2": (2, 3.5), "a3": (4, 7.0), "a4": (8, 14.0), "a5": (2, 14.0),
    "a6": (4, 28.0), "a7": (8, 56.0),
    "d1": (1, 3.5), "d2": (2, 7.0), "d3": (4, 14.0), "d4": (8, 28.0), "d5": (16, 56.0),
    "d11": (2, 14.0), "d12": (4, 28.0), "d13": (8, 56.0), "d14": (16, 112.0),
    "b1ls": (1, 0.5), "b1s": (1, 1.0), "b1ms": (1, 2.0), "b2s": (2, 4.0), "b2ms": (2, 8.0), "b4ms": (4, 16.0),
    "b8ms": (8, 32.0), "b12ms": (12, 48.0), "b16ms": (16, 64.0), "b20ms": (20, 80.0),
}  # fmt: skip

DEFAULT = "Standard_D2ds_v4"
SMALLEST_MB = 512


@dataclass(frozen=True)
class Shape:
    """A machine's processor cores and its memory in MiB."""

    cores: int
    memory_mb: int


def shape(vm_size: str) -> Shape | None:
    """The shape of an Azure size such as `Standard_D2s_v5`; None when the name is not one we know."""
    name = vm_size.strip().lower().removeprefix("standard_").removeprefix("basic_")
    stem, _, version = name.partition("_v")
    if stem.replace("s", "", 1) in _EXACT and stem[:1] == "d" and version in ("", "2"):
        stem = stem.replace("s", "", 1)  # DS1_v2 has the shape of D1_v2
    plain = not version or (version == "2" and stem[:1] == "d")
    if stem in _EXACT and plain:
        cores, gib = _EXACT[stem]
        return Shape(cores, int(gib * 1024))
    parts = re.fullmatch(r"([a-z]{1,2})(\d{1,3})(-\d+)?([a-z]*)(_[a-z0-9]+)?", stem)
    if not parts or parts[1].upper() not in _MEMORY_PER_CORE:
        return None
    cores = int(parts[2])
    # The letter l marks half the memory (Dls, Bls).
    per_core = _MEMORY_PER_CORE[parts[1].upper()] / (2 if "l" in parts[4] else 1)
    return Shape(max(1, cores), int(cores * per_core * 1024)) if cores else None


def capped(wanted: Shape, host_cores: int, host_memory_mb: int) -> Shape:
    """The shape that this host can give: at most its cores and half its memory, and never below 512 MiB."""
    return Shape(
        min(wanted.cores, max(1, host_cores)),
        max(SMALLEST_MB, min(wanted.memory_mb, host_memory_mb // 2)),
    )
