"""Versions of images: MAJOR.MINOR.PATCH.

Source: Microsoft, "Store and share images in an Azure Compute Gallery": three integers of 32 bits.
"""

import re

HIGHEST = 2**31 - 1
_PART = r"(0|[1-9]\d{0,9})"
_VERSION = re.compile(rf"{_PART}\.{_PART}\.{_PART}", re.ASCII)


def is_version(text: str) -> bool:
    """Whether a text is a version as a gallery has them: MAJOR.MINOR.PATCH without leading zeros."""
    return bool(_VERSION.fullmatch(text)) and max(sort_key(text)) <= HIGHEST


def sort_key(version: str) -> tuple[int, int, int]:
    """A version as numbers, to compare."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch
