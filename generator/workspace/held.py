"""What a workspace holds of the addresses of its template: the scripts and files that were fetched for it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.template import plain
from generator.workspace.blueprint import Blueprint
from generator.workspace.store import Lock

if TYPE_CHECKING:
    from generator.template.fetch import Held, Kind


def read(folder: Path, template: Any, lock: Lock) -> dict[str, "Held"]:
    """What a workspace holds, by address. Nothing is read that does not lie in it.

    What is both a script and a file is taken from the file, which is as it was fetched.
    """
    from generator.template.fetch import Held  # noqa: PLC0415 - pydantic, only where it is needed

    found = {}
    named = zip(_addresses(template), lock.sources, strict=False)
    for uri, name in sorted(named, key=lambda pair: pair[1].startswith("files/")):
        path = folder / name
        if path.resolve() == folder.resolve() / name and path.is_file():
            kind: Kind = "file" if name.startswith("files/") else "script"
            found[uri] = Held(plain.read(path, plain.LARGEST), lock.files.get(name, ""), kind)
    return found


def names(blueprint: Blueprint, template: Any) -> list[str]:
    """The workspace's file for each address, in the order of the steps."""
    steps = blueprint.steps + blueprint.validations
    return [step.file for step, entry in zip(steps, _entries(template), strict=True) if _address(entry)]


def _addresses(template: Any) -> list[str]:
    return [uri for entry in _entries(template) if (uri := _address(entry))]


def _address(entry: Any) -> str | None:
    return getattr(entry, "script_uri", None) or getattr(entry, "source_uri", None)


def _entries(template: Any) -> list[Any]:
    """The steps that are carried out: with `sourceValidationOnly` the validators alone (FORMAT.md 2.5)."""
    validate = template.properties.validate_
    customize = () if validate and validate.source_validation_only else template.properties.customize or ()
    return [*customize, *((validate and validate.in_vm_validations) or ())]
