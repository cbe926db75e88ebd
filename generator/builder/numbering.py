"""Version numbers: which the next build has (FORMAT.md 2.6)."""

import re
from collections.abc import Collection, Mapping

from generator.errors import ImagegenError
from generator.workspace.blueprint import Versioning
from generator.workspace.versions import HIGHEST, is_version, sort_key

FIRST = "1.0.0"
_LIKE_ONE = re.compile(r"(\d{1,10})\.(\d{1,10})\.(\d{1,10})", re.ASCII)
DEFAULT = Versioning()


def choose_version(
    known: Mapping[str, str], wanted: str | None = None, *, occupied: Collection[str] = (),
    versioning: Versioning = DEFAULT, source_version: str = "",
) -> str:  # fmt: skip
    """The version of the next build: the wanted one, else as `versioning` says.

    known: each version of the ledger and its status; occupied: those that the destinations have. `Latest`: the highest
    of them all, with its patch raised by one; in an empty place 1.0.0, or the first of the major number. `Source`: the
    source's own. Raises ImagegenError for a version that exists, in whatever state, or that is none.
    """
    taken = {version: f" ({status})" for version, status in known.items()}
    taken |= dict.fromkeys(set(occupied) - set(taken), ", where the images would go")
    if wanted is not None:
        if not is_version(wanted):
            raise ImagegenError(f"`{wanted}` is not a version", "use the form MAJOR.MINOR.PATCH, such as 1.2.0")
        if wanted in taken:
            raise ImagegenError(
                f"version {wanted} exists already{taken[wanted]}",
                f"choose another, or leave it out for {_next(taken, versioning.major)}",
            )
        return wanted
    if versioning.scheme == "Source":
        return _as_source(source_version, taken)
    return _next(taken, versioning.major)


def _next(taken: Collection[str], major: int | None) -> str:
    """The version after the highest one, of all or of a major number."""
    numbers = [number for number in map(sort_key, filter(is_version, taken)) if major in (None, number[0])]
    if not numbers:
        return {None: FIRST, 0: "0.0.1"}.get(major, f"{major}.0.0")
    highest = max(numbers)
    if highest[2] >= HIGHEST:
        raise ImagegenError(f"after {'.'.join(map(str, highest))} there is no higher patch", "choose one by --version")
    return f"{highest[0]}.{highest[1]}.{highest[2] + 1}"


def _as_source(source_version: str, taken: Mapping[str, str]) -> str:
    """The source's version, which has to be one, and free. `22.04.1` is 22.4.1: a gallery knows no leading zeros."""
    found = _LIKE_ONE.fullmatch(source_version)
    version = ".".join(str(int(part)) for part in found.groups()) if found else ""
    if not is_version(version):
        what = f"the source's version {source_version}" if source_version else "the source, which has no version,"
        raise ImagegenError(
            f'{what} gives no gallery version by "scheme": "Source"', 'use "scheme": "Latest", or give --version'
        )
    if version in taken:
        raise ImagegenError(
            f"version {version} exists already{taken[version]}: there is no newer source",
            "wait for one, or choose one by --version",
        )
    return version
