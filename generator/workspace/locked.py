"""The settings that a workspace was generated with: those that decide its bytes stand in its lock."""

from dataclasses import replace
from typing import Any

from generator.settings import Settings, checked
from generator.workspace.store import Lock

# The settings, besides target and sets, on which the reading of a template depends.
DECIDING = (
    "resource", "resource_group", "location", "subscription_id", "tenant_id", "deployment_name", "utc_now", "seed",
    "communicator", "bastion_host", "update_rounds", "backend", "end_of_life_date",
)  # fmt: skip
_DEFAULTS = {name: Settings.__dataclass_fields__[name].default for name in DECIDING}


def deciding(settings: Settings) -> dict[str, Any]:
    """Those of DECIDING that are not as they are by default."""
    return {name: getattr(settings, name) for name in DECIDING if getattr(settings, name) != _DEFAULTS[name]}


def with_locked(settings: Settings, lock: Lock) -> Settings:
    """The settings that a workspace was generated with, over the present ones. Raises ImagegenError for one that is
    none."""
    sets = tuple(sorted((str(name), str(value)) for name, value in dict(lock.settings.get("sets", {})).items()))
    rest = {name: _typed(lock.settings.get(name), default) for name, default in _DEFAULTS.items()}
    return checked(replace(settings, target=str(lock.settings.get("target", settings.target)), sets=sets, **rest))


def _typed(locked: Any, default: Any) -> Any:
    """A setting from a lock, which somebody may have edited, as the kind of value that it is."""
    if isinstance(default, int):
        return locked if isinstance(locked, int) else default
    return default if locked is None else str(locked)
