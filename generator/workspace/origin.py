"""The origin of a workspace: the template that it was generated from, and the files that were read for it.

The lock records them by their paths relative to the workspace, with a digest each. So a workspace whose template or
scripts were edited since says so, instead of building what it still holds. A workspace travels alone too: then there is
no origin, and it is generated from what it holds.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.template import plain

MOST_UP = 4  # folders: outside a repository a template further away is not looked for


@dataclass(frozen=True)
class Origin:
    """template: its path relative to the workspace; parameters: that of the parameter file, "" for none; files: path =>
    SHA-256 of each file that was read, these two among them; None for a file with a secret in it."""

    template: str
    parameters: str = ""
    files: dict[str, str | None] = field(default_factory=dict)

    def template_in(self, folder: Path) -> Path | None:
        """The template, if it is there. folder: of the workspace."""
        path = _joined(folder, self.template)
        return path if path.is_file() and _is_near(folder, path) else None

    def parameters_in(self, folder: Path) -> Path | None:
        """The parameter file; None where there was none."""
        return _joined(folder, self.parameters) if self.parameters else None

    def differing(self, folder: Path) -> list[str]:
        """The files that are other than when they were read, or missing; nothing where the template is not there."""
        if self.template_in(folder) is None:
            return []
        return [
            str(_joined(folder, name)) for name, digest in self.files.items() if digest != _digest(folder, name, digest)
        ]

    def as_json(self) -> dict[str, Any]:
        """As it stands in the lock."""
        return {"files": self.files, "parameters": self.parameters, "template": self.template}


def record(
    folder: Path, template: Path, parameters: Path | None, read: Mapping[Path, bytes], secret: set[Path]
) -> Origin | None:
    """The origin of the workspace in a folder; None where the template is too far away to be found again, or a name is
    not text.

    read: the files that were read, with their bytes; secret: those of which no digest may be kept.
    """
    paths = [template, *read, *([parameters] if parameters else [])]
    if not _is_near(folder, template) or not all(_is_text(path) for path in paths):
        return None
    files = {
        _relative(folder, path): None if path in secret else hashlib.sha256(content).hexdigest()
        for path, content in read.items()
    }
    known = _relative(folder, parameters) if parameters else ""
    return Origin(_relative(folder, template), known, dict(sorted(files.items())))


def parse(value: Any) -> Origin | None:
    """An origin as it stands in a lock; None where there is none. Raises ValueError."""
    if value is None:
        return None
    try:
        files = {str(name): None if digest is None else str(digest) for name, digest in value["files"].items()}
        found = Origin(str(value["template"]), str(value["parameters"]), files)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("its origin is damaged") from error
    if any("\0" in name or Path(name).is_absolute() for name in (found.template, found.parameters, *files)):
        raise ValueError("its origin has a path that is not relative")
    return found


def _digest(folder: Path, name: str, recorded: str | None) -> str | None:
    """The digest of a file now; None where none was recorded, "" where it cannot be read."""
    if recorded is None:
        return None
    try:
        return hashlib.sha256(plain.read(_joined(folder, name), plain.LARGEST)).hexdigest()
    except (OSError, ValueError):
        return ""


def _is_text(path: Path) -> bool:
    """Whether a path can be written into a file: a name of Linux is any bytes."""
    return os.fsencode(path).decode("utf-8", "replace") == str(path)


def _joined(folder: Path, name: str) -> Path:
    return Path(os.path.normpath(folder / name))


def _relative(folder: Path, path: Path) -> str:
    return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()


def _is_near(folder: Path, template: Path) -> bool:
    """Whether a template belongs to a workspace: it is in the same repository, or a few folders away.

    A lock comes with a checkout, so it must not lead to any file of the computer.
    """
    top = next((one for one in (folder.absolute(), *folder.absolute().parents) if (one / ".git").exists()), None)
    place = Path(os.path.normpath(template.absolute()))
    if top is not None:
        return place.is_relative_to(top)
    relative = Path(os.path.relpath(place, folder.absolute()))
    ups = sum(part == ".." for part in relative.parts)
    return ups <= MOST_UP and Path(os.path.commonpath([place, folder.absolute()])) != Path("/")
