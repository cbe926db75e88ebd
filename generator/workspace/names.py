"""Names that are safe in Terraform, in a path and in a shell, made from text that is not."""

import re
import unicodedata
from pathlib import Path

SLUG_LENGTH = 40


def slug(text: str, default: str) -> str:
    """Lower-case letters, digits and inner hyphens; `default` where nothing of the text is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return words[:SLUG_LENGTH].strip("-") or default


def step_key(position: int, text: str, default: str) -> str:
    """The key of a step: its place in steps of ten, which leaves room to read, and its name: `010-install-nginx`."""
    return f"{position * 10:03d}-{slug(text, default)}"


def module_name(prefix: str, key: str) -> str:
    """The name of a step's module call: `step_010_install_nginx`."""
    return f"{prefix}_{key.replace('-', '_')}"


def suffix(name: str, default: str) -> str:
    """The ending of a file name where it is a plain one, such as `.sh`, else `default`."""
    found = re.search(r"\.[A-Za-z0-9]{1,10}$", name)
    return found.group() if found else default


def image_folder(output: str, version: str) -> str:
    """Where an image lies in a local workspace: `images/NAME/VERSION`, NAME being the distributor's runOutputName.

    `.` and `..` are legal there (FORMAT.md 1.1) and mean something else in a path. Raises ValueError for a name
    that is not legal.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", output):
        raise ValueError(f"{output!r} is not a runOutputName")
    return f"images/{'dot' + output if output in ('.', '..') else output}/{version}"


def title_of(path: Path) -> str:
    """What a template or workspace is called among others: its file, or the folder of a `template.json`."""
    return path.absolute().parent.name if path.stem == "template" else path.stem
