"""Cached steps: what a machine has become by a step is kept, and a later build goes on from there (see layers.py).

A step's work is taken from the cache when nothing that led to it has changed: base, machine, our own part of each step,
and each step's content, up to and including it. Its name may have.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError
from generator.local import guest_login as login
from generator.local import states, warm
from generator.local.boot import Start
from generator.settings import Settings
from generator.workspace import render, store
from generator.workspace.blueprint import BUILD_USER, Blueprint, Step


def inputs(settings: Settings, workspace: Path, blueprint: Blueprint, machine: Mapping[str, Any]) -> dict[str, Any]:
    """What Terraform is told of the cache for a build on this machine (the root's variable `machine`): its `cache`.

    Only the limit where nothing may come from the cache or go there.
    """
    files, wanted, limit = render.render(blueprint), _start(machine), settings.cache_size
    root = wanted.states
    off = settings.no_cache or limit == 0
    if off or root is None or not warm.possible(wanted) or not _as_generated(workspace, files):
        return {"limit": limit}
    keys = dict(zip(*_keys(blueprint, files, wanted), strict=True))
    there = {state.key for state in states.sound(root, warm.ground(wanted))} - _unwanted(settings, blueprint, keys)
    done = max((number for number, key in enumerate(keys.values(), start=1) if key in there), default=0)
    return {
        "from": list(keys.values())[done - 1] if done else "",
        "keep": keys,
        "limit": limit,
        "steps": list(keys)[:done],
    }


def refresh(settings: Settings, blueprint: Blueprint, cache: Mapping[str, Any], root: Path) -> None:
    """Forget what `--no-cache-from` is to make anew: what is kept of a step once is not kept again."""
    states.forget(root, _unwanted(settings, blueprint, cache.get("keep", {})))


def check(settings: Settings, blueprint: Blueprint) -> None:
    """Raise ImagegenError when `--no-cache-from` names no step."""
    if settings.no_cache_from and _first(blueprint.steps, settings.no_cache_from) is None:
        titles = ", ".join(f"`{step.title}`" for step in blueprint.steps)
        raise ImagegenError(f"no step is named `{settings.no_cache_from}`", f"there are {titles or 'none'}")


def contents(blueprint: Blueprint, files: Mapping[str, bytes]) -> list[str]:
    """For each step a digest of all that the machine meets up to its end, but for the machine itself.

    files: those of the workspace.
    """
    digest = _digest([blueprint.name, BUILD_USER, _hash(login.SETUP.read_bytes()), _module(files, "steps/prepare")])
    found = []
    for step in blueprint.steps:
        module = render.STEP_MODULES["ssh"][step.kind]
        digest = _digest([digest, step.kind, _module(files, module), _hash(step.content), dict(step.options)])
        found.append(digest)
    return found


def _start(machine: Mapping[str, Any]) -> Start:
    """The machine as the program gets it from Terraform, as far as a layer's key depends on it."""
    disk = machine["disk"]
    known = {name: machine[name] for name in (
        "accelerator", "cores", "memory_mb", "name", "public_key", "ssh_port", "timeout_seconds", "user",
    )}  # fmt: skip
    return Start(
        directory=Path(machine["directory"]), backing=Path(disk["backing"]), format=disk["format"], seed=disk["seed"],
        disk_gb=disk["size_gb"], digest=disk["digest"], host_access=machine.get("host_access", False),
        states=Path(disk["states"]) if "states" in disk else None, **known,
    )  # fmt: skip


def _keys(blueprint: Blueprint, files: Mapping[str, bytes], wanted: Start) -> tuple[list[str], list[str]]:
    """The keys of the steps, and what the machine is kept under after each."""
    return [step.key for step in blueprint.steps], warm.layer_keys(wanted, contents(blueprint, files))


def _unwanted(settings: Settings, blueprint: Blueprint, keys: Mapping[str, str]) -> set[str]:
    """What is kept of the steps that `--no-cache-from` tells to run."""
    first = _first(blueprint.steps, settings.no_cache_from)
    return set() if first is None else {keys[step.key] for step in blueprint.steps[first:] if step.key in keys}


def _first(steps: Sequence[Step], name: str) -> int | None:
    """The number of the first step of that name, or key."""
    return next((number for number, step in enumerate(steps) if name in (step.title, step.key)), None)


def _as_generated(workspace: Path, files: Mapping[str, bytes]) -> bool:
    """Whether what runs is what the digests are of: `--trust` lets other files run too."""
    try:
        ours = all((workspace / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False
    return ours and not store.foreign_to_terraform(workspace, dict(files))


def _module(files: Mapping[str, bytes], name: str) -> dict[str, str]:
    """The files of a module, by their digests."""
    return {path: _hash(content) for path, content in files.items() if path.startswith(f"modules/{name}/")}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest(parts: list[Any]) -> str:
    return _hash(json.dumps(parts, sort_keys=True).encode())
