"""One template file, read whole: the entry to this wing."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import ImagegenError, InvalidTemplate, Problem
from generator.settings import Settings
from generator.template.document import Document
from generator.template.load import MAX_BYTES, load

if TYPE_CHECKING:
    from generator.template.schema import ImageTemplate


@dataclass(frozen=True)
class Read:
    """What a template file says: the model, the document with its places, the warnings and the bytes of the file."""

    template: "ImageTemplate"
    document: Document
    warnings: list[Problem]
    raw: bytes


def read(path: Path, settings: Settings) -> Read:
    """Read and check a template file; nothing is downloaded.

    Raises InvalidTemplate with every error and warning in the order of the file, ImagegenError when the file cannot
    be read.
    """
    return read_bytes(read_file(path), str(path), settings)


def read_bytes(raw: bytes, file: str, settings: Settings) -> Read:
    """Check a template that is already in memory; `file` is its name in messages. Raises InvalidTemplate."""
    # pydantic costs 0.1 s to import, which commands that read no template need not pay.
    from generator.template.check import check  # noqa: PLC0415

    document = load(raw, file)
    template, problems = check(document, settings)
    if template is None or any(problem.level == "error" for problem in problems):
        raise InvalidTemplate(problems)
    return Read(template, document, problems, raw)


def read_file(path: Path) -> bytes:
    """The bytes of a template file, at most one more than is allowed. Raises ImagegenError."""
    try:
        if path.is_dir():
            raise ImagegenError(f"{path} is a folder, not a template", "name the template's file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ImagegenError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise ImagegenError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
