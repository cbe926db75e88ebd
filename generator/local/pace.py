"""How slow this computer is, by its last boots: waits grow with it, since a slow computer is not a broken one."""

from contextlib import suppress
from pathlib import Path

from generator.system.records import from_json, private_write, to_json

USUAL_BOOT_SECONDS = 30.0  # the bounds of this package are made for it, with a wide margin
REMEMBERED = 5


def times(cache: Path) -> float:
    """How many times longer than usual to wait here: 1 or more."""
    return max(1.0, max(_boots(cache), default=0.0) / USUAL_BOOT_SECONDS)


def note(cache: Path) -> str | None:
    """What a user is told of it; None where nothing is longer than usual."""
    longer = times(cache)
    slowest = longer * USUAL_BOOT_SECONDS
    return f"a boot took {slowest:.0f} s on this computer: waits are {longer:.1f} times as long" if longer > 1 else None


def remember(cache: Path, seconds: float) -> None:
    """Keep how long a boot took, where the cache can be written to."""
    with suppress(OSError):
        private_write(_file(cache), to_json({"boots": [*_boots(cache), round(seconds, 1)][-REMEMBERED:]}))


def _boots(cache: Path) -> list[float]:
    """Seconds of the last boots, the newest last."""
    try:
        boots = from_json(_file(cache).read_bytes(), {"boots": list})["boots"]
    except (OSError, ValueError):
        return []
    return [float(one) for one in boots if isinstance(one, (int, float)) and 0 < one < 24 * 3600]


def _file(cache: Path) -> Path:
    return cache / "pace.json"
