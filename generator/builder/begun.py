"""What a build was begun with, in its own folder: the template may say something else when it goes on, or is ended."""

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from generator.system.records import from_json, private_write, to_json
from generator.workspace.blueprint import Blueprint

FILE = "begun.json"
# Where staging is in Azure, and by what it is known.
STAGING = ("group", "id", "location", "own_group", "storage_account", "subscription_id")


def keep(directory: Path, blueprint: Blueprint, secrets: Iterable[str] = ()) -> None:
    """Put it on record, before anything is made; `secrets`: the names of those that its machine gets."""
    about = {"machine": _machine(blueprint), "secrets": sorted(secrets), "staging": _staging(blueprint)}
    private_write(directory / FILE, to_json(about), sync=True)


def secrets_of(directory: Path) -> list[str]:
    """The names of the secrets that a build's machine has."""
    return [str(name) for name in _read(directory).get("secrets", [])]


def staging_of(directory: Path) -> dict[str, Any]:
    """Where the temporary resources of a build are in Azure; empty for a local build, and where that is not known."""
    staging: dict[str, Any] = _read(directory).get("staging", {})
    return staging


def is_changed(directory: Path, blueprint: Blueprint) -> bool:
    """Whether the template has another source, machine or staging by now; also where that is not known any more."""
    known = _read(directory)
    return (known.get("machine"), known.get("staging")) != (_machine(blueprint), _staging(blueprint))


def elsewhere(directories: Iterable[Path], blueprint: Blueprint) -> tuple[Blueprint, ...]:
    """The blueprint with the staging of each of these builds whose staging is another than that of the template now."""
    known = (_read(directory).get("staging") for directory in directories)
    others = [said for said in known if blueprint.azure and said and set(said) == set(STAGING)]
    return tuple(
        replace(blueprint, azure=replace(blueprint.azure, **said))  # type: ignore[type-var] # asked for above
        for said in others
        if said != _staging(blueprint)
    )


def _machine(blueprint: Blueprint) -> dict[str, Any]:
    source = json.loads(json.dumps(asdict(blueprint.source)))
    return {"disk_size_gb": blueprint.disk_size_gb, "source": source, "vm_size": blueprint.vm_size}


def _staging(blueprint: Blueprint) -> dict[str, Any]:
    return {name: getattr(blueprint.azure, name) for name in STAGING} if blueprint.azure else {}


def _read(directory: Path) -> dict[str, Any]:
    try:
        return from_json((directory / FILE).read_bytes(), {"machine": dict, "secrets": list, "staging": dict})
    except (OSError, ValueError):
        return {}
