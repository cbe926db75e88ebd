"""Version numbers: which comes next."""

import re
from collections.abc import Iterable

from generator.errors import ImagegenError
from generator.workspace.blueprint import Versioning

# Microsoft, "Store and share images in an Azure Compute Gallery": three integers of 32 bits.
HIGHEST = 2**31 - 1
_VERSION = re.compile(r"(\d{1,10})\.(\d{1,10})\.(\d{1,10})")


def choose_version(versioning: Versioning, source_version: str, taken: Iterable[str], wanted: str | None = None) -> str:
    """The version of the next build. `taken`: all that ledger and galleries know; `wanted`: what template or user says.

    Raises ImagegenError for a version that exists, and for a source whose version is no gallery's.
    """
    known = {numbers for text in taken if (numbers := _numbers(text))}
    if wanted is not None:
        return _explicit(wanted, known)
    if versioning.scheme == "Source":
        return _of_source(source_version, known)
    within = [each for each in known if versioning.major in (None, each[0])]
    if within:
        major, minor, patch = max(within)
        if patch >= HIGHEST:
            raise ImagegenError(f"after {major}.{minor}.{patch} there is no higher patch", "choose one by --version")
        return f"{major}.{minor}.{patch + 1}"
    return {None: "1.0.0", 0: "0.0.1"}.get(versioning.major, f"{versioning.major}.0.0")


def _explicit(wanted: str, known: set[tuple[int, ...]]) -> str:
    numbers = _numbers(wanted)
    if not numbers or wanted != ".".join(map(str, numbers)):
        raise ImagegenError(f"`{wanted}` is not a version", "use the form MAJOR.MINOR.PATCH, such as 1.2.0")
    if numbers in known:
        raise ImagegenError(f"version {wanted} exists already", "choose another, or leave it out for the next")
    return wanted


def _of_source(source_version: str, known: set[tuple[int, ...]]) -> str:
    numbers = _numbers(source_version)
    if not numbers:
        what = f"the source's version {source_version}" if source_version else "the source, which has no version,"
        raise ImagegenError(
            f'{what} gives no gallery version by "scheme": "Source"', 'use "scheme": "Latest", or give --version'
        )
    version = ".".join(map(str, numbers))
    if numbers in known:
        raise ImagegenError(
            f"version {version} exists already: there is no newer source", "wait for one, or choose one by --version"
        )
    return version


def _numbers(text: str) -> tuple[int, ...]:
    """The three numbers of a version, () for what is none. `22.04.1` is 22.4.1: a gallery knows no leading zeros."""
    found = _VERSION.fullmatch(text)
    numbers = tuple(map(int, found.groups())) if found else ()
    return numbers if all(number <= HIGHEST for number in numbers) else ()
