"""Settings, resolved once: flag > environment (IMAGEGEN_…) > imagegen.toml > default."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError
from generator.home import base_folder, expand

TARGETS = ("azure", "local")
COMMUNICATORS = ("auto", "ssh", "run-command", "extension")
KINDS = {str: "string", list: "list of strings", bool: "true or false", int: "number"}
LISTS = ("mirrors", "sets", "allow_from")
OF_TARGET = {
    "azure": ("communicator", "backend", "allow_from", "allow_local_state"),
    "local": ("no_cache", "no_cache_from"),
}
# Which program runs, and which of our files are believed: an imagegen.toml comes with a checkout, maybe a stranger's.
ONES_OWN = ("terraform", "cache_dir", "state_dir")
LARGEST_FILE = 1024 * 1024  # bytes of an imagegen.toml
SWITCHES = ("strict", "allow_local_state", "no_cache", "host_access")
# Rounds of WindowsUpdate: the default and the most (design.md section 7: bounded).
ROUNDS = 4
MOST_ROUNDS = 6
CACHE_SIZE = 10 * 1024**3
UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}  # powers of 1024


@dataclass(frozen=True)
class Settings:
    """What a command works with; nothing later asks whether a value was set.

    target: "azure" or "local"; cache_dir: bases and downloads; state_dir: keys and machines of running builds, and
    what workspaces were generated to (both outside any workspace); mirrors: (prefix, replacement) pairs for download
    addresses; sets: `--set` values; parameters: an ARM parameter file; resource: the image template among several of
    a deployment; strict: warnings are errors; cache_size: bytes that saved machines may take; no_cache, no_cache_from:
    see local/cache.py; host_access: local VMs may connect to this computer and to its cloud's metadata service. The
    rest is what ARM functions answer, such as `resourceGroup()`, `utcNow()` and (seed) `newGuid()`; "" is the default
    of template/arm/inputs.py.

    Of the Azure target: communicator: how steps reach the machine; bastion_host: `[USER@]HOST[:PORT]` for SSH to a
    private machine; allow_from: CIDR ranges that may reach it, else the caller's own address; update_rounds: see
    ROUNDS; backend: `azurerm:NAME=VALUE,…` for the Terraform state; allow_local_state: in CI too; end_of_life_date:
    of gallery versions, in RFC 3339.
    """

    target: str = "azure"
    cache_dir: Path = field(default_factory=lambda: base_folder("XDG_CACHE_HOME", ".cache") / "imagegen")
    state_dir: Path = field(default_factory=lambda: base_folder("XDG_STATE_HOME", ".local/state") / "imagegen")
    mirrors: tuple[tuple[str, str], ...] = ()
    sets: tuple[tuple[str, str], ...] = ()
    terraform: str = "terraform"
    parameters: Path | None = None
    resource: str = ""
    strict: bool = False
    resource_group: str = ""
    location: str = ""
    subscription_id: str = ""
    tenant_id: str = ""
    deployment_name: str = ""
    utc_now: str = ""
    seed: str = ""
    communicator: str = "auto"
    bastion_host: str = ""
    allow_from: tuple[str, ...] = ()
    update_rounds: int = ROUNDS
    backend: str = ""
    allow_local_state: bool = False
    end_of_life_date: str = ""
    cache_size: int = CACHE_SIZE
    no_cache: bool = False
    no_cache_from: str = ""
    host_access: bool = False


def resolve(config: Path | None = None, **flags: Any) -> Settings:
    """Settings from the flags that were given (None: not given), the environment and `imagegen.toml` in the folder.

    Raises ImagegenError for an unreadable file, an unknown name in it, or a value that is not allowed.
    """
    known = Settings.__dataclass_fields__
    values: dict[str, Any] = _from_file(config or Path("imagegen.toml"), set(known))
    for name in known:
        if text := os.environ.get(f"IMAGEGEN_{name.upper()}"):
            values[name] = text.split() if name == "allow_from" else _listed(text) if name in LISTS else text
    values |= {name: value for name, value in flags.items() if value is not None}
    for name in ("cache_dir", "state_dir", "parameters"):
        if name in values:
            values[name] = expand(str(values[name])).absolute()
    for name in ("mirrors", "sets"):
        values[name] = tuple(_pair(name, text) for text in values.get(name, ()))
    for name in SWITCHES:
        values[name] = str(values.get(name, "")).lower() in ("1", "true", "yes")
    values["allow_from"] = tuple(values.get("allow_from", ()))
    values["update_rounds"] = _rounds(values.get("update_rounds", ROUNDS))
    values["cache_size"] = _size(values.get("cache_size", CACHE_SIZE))
    settings = Settings(**values)
    return checked(settings)


def as_environment(**lists: Sequence[str] | None) -> dict[str, str]:
    """Variables that stand for flags, for a command that is started with them; without those that were not given."""
    return {
        f"IMAGEGEN_{name.upper()}": json.dumps(list(values), ensure_ascii=False)
        for name, values in lists.items()
        if values
    }


def _listed(text: str) -> list[str]:
    """The values of a list in the environment: one in a line, or all in JSON, where one has several lines."""
    with suppress(ValueError):
        if text.startswith('["') and isinstance(found := json.loads(text), list):
            return [str(one) for one in found]
    return text.splitlines()


def checked(settings: Settings) -> Settings:
    """The settings, if each word among them is one of ours. Raises ImagegenError."""
    if settings.target not in TARGETS:
        raise ImagegenError(f"unknown target `{settings.target}`", "use --target local or --target azure")
    if settings.communicator not in COMMUNICATORS:
        raise ImagegenError(f"unknown communicator `{settings.communicator}`", f"use {', '.join(COMMUNICATORS)}")
    _rounds(settings.update_rounds)
    return settings


def refuse_strange(target: str, flags: Mapping[str, Any]) -> None:
    """Raise ImagegenError for flags of another target than this: they would be dropped in silence."""
    others = next(names for other, names in OF_TARGET.items() if other != target)
    if strange := [f"--{name.replace('_', '-')}" for name in others if flags.get(name) not in (None, [], False)]:
        raise ImagegenError(
            f"{', '.join(strange)} means nothing with the target {target}", "leave it out, or choose the other --target"
        )


def _rounds(value: Any) -> int:
    """A number of update rounds."""
    if str(value) not in map(str, range(1, MOST_ROUNDS + 1)):
        raise ImagegenError(f"`update_rounds` is `{value}`", f"use a number from 1 to {MOST_ROUNDS}")
    return int(value)


def _size(value: Any) -> int:
    """Bytes, from a number of them or from a text such as `10G`."""
    found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?) ?([KMGT]?)(?:i?B)?", str(value), re.IGNORECASE | re.ASCII)
    if not found:
        raise ImagegenError(f"`cache_size` is `{value}`", "use a size such as 10G or 800M")
    return int(float(found[1]) * 1024 ** UNITS[found[2].upper()])


_KIND: dict[str, type] = {"update_rounds": int}


def _from_file(path: Path, known: set[str]) -> dict[str, Any]:
    """The values of an imagegen.toml, empty when there is none."""
    if not path.is_file():
        return {}
    import tomllib  # noqa: PLC0415 - slow to import, and there is rarely a file

    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE)
        if len(content) == LARGEST_FILE:
            raise ImagegenError(f"{path} is too large")
        values = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ImagegenError(f"{path} is not valid TOML: {error}") from error
    for name, value in values.items():
        wanted: type = list if name in LISTS else bool if name in SWITCHES else _KIND.get(name, str)
        if name in known and not isinstance(value, wanted):
            raise ImagegenError(f"{path}: `{name}` must be a {KINDS[wanted]}")
    if chosen := sorted(set(values) & set(ONES_OWN)):
        raise ImagegenError(
            f"{path} may not choose {', '.join(chosen)}: it comes with a checkout",
            f"set {', '.join(f'IMAGEGEN_{name.upper()}' for name in chosen)} in the environment",
        )
    if unknown := sorted(set(values) - known):
        raise ImagegenError(
            f"{path} has unknown settings: {', '.join(unknown)}",
            f"known are {', '.join(sorted(known - set(ONES_OWN)))}",
        )
    return values


def _pair(name: str, text: Any) -> tuple[str, str]:
    """`NAME=VALUE` as a pair."""
    left, equals, right = str(text).partition("=")
    if not equals or not left:
        flag = {"mirrors": "--mirror PREFIX=PREFIX", "sets": "--set NAME=VALUE"}[name]
        what = "what is given" if name == "sets" else f"`{text}`"  # it may be a secret
        raise ImagegenError(f"{what} is not of the form {flag}")
    return left, right
