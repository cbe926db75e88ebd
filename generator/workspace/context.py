"""What the templates print and ask of a blueprint. What they print is made here or in names.py, never a user's text."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from generator.template import ids
from generator.workspace import hcl
from generator.workspace.blueprint import BUILD_USER, Azure, Blueprint, Step
from generator.workspace.hcl import Hcl

# A VM takes 25 run commands, and each step leaves its own. At this number they are removed, which leaves room for those
# that imagegen itself runs, one at a time, and for what a killed build left.
RUN_COMMANDS_KEPT = 20
PREPARE, DEPROVISION = "000-prepare", "999-deprovision"
STEP_LABELS = {
    "shell": "a script that runs in the machine", "powershell": "a script that runs in the machine",
    "file": "a file that is uploaded", "restart": "a restart", "update": "Windows updates",
}  # fmt: skip


def of(blueprint: Blueprint, other_subscriptions: tuple[str, ...]) -> dict[str, Any]:
    """The variables of every template."""
    azure = blueprint.azure
    build = None if blueprint.source_validation_only else _build(blueprint)
    validation = _validation(blueprint) if blueprint.validations else None
    chains = [chain for chain in (build, validation) if chain]
    return {
        "all_steps": [step for chain in chains for step in chain["steps"]],
        "bastion": azure is not None and azure.bastion is not None,
        "build": build,
        "build_user": Hcl("local.user" if azure else "var.machine.user"),
        "communicator": azure.communicator if azure else "ssh",
        "last_step": build["steps"][-1]["module"] if build and build["steps"] else Hcl("step_000_prepare"),
        "local_clean": Hcl("false" if azure else "true"),
        "target": Hcl(blueprint.target),
        "timeout_minutes": blueprint.timeout_minutes,
        "title": Hcl(blueprint.name),
        "validation": validation,
    } | (_azure(blueprint, azure, other_subscriptions) if azure else {})


def others(blueprint: Blueprint, more: tuple[str, ...] = ()) -> dict[str, str]:
    """The subscriptions besides the build's that images go to, or went to: first digits of the id => id."""
    home = blueprint.azure.subscription_id.lower() if blueprint.azure else ""
    found = [*_subscriptions(blueprint), *more]
    subscriptions = sorted({one.lower() for one in found} - {home})
    return {re.sub(r"[^a-z0-9]", "_", one)[:8]: one for one in subscriptions}


def uploads(blueprint: Blueprint) -> bool:
    """Whether files pass through a storage account."""
    ssh = blueprint.azure is None or blueprint.azure.communicator == "ssh"
    return not ssh and any(step.kind == "file" for step in blueprint.steps + blueprint.validations)


def updates(blueprint: Blueprint) -> bool:
    """Whether a step installs Windows updates."""
    return any(step.kind == "update" for step in blueprint.steps)


def _subscriptions(blueprint: Blueprint) -> Iterator[str]:
    for destination in blueprint.destinations:
        if destination.kind == "SharedImage" and (found := ids.subscription(destination.resource)):
            yield found


def _azure(blueprint: Blueprint, azure: Azure, other_subscriptions: tuple[str, ...]) -> dict[str, Any]:
    """What only the Azure target's templates ask for."""
    inputs = "validation_machine" if blueprint.source_validation_only else "machine"
    return {
        "allow_from": Hcl(f"try(var.{inputs}.allow_from, [])"),
        "backend": _backend(azure),
        "id": Hcl(azure.id),
        "others": [Hcl(name) for name in others(blueprint, other_subscriptions)],
        "own_group": azure.own_group,
        "suffix": Hcl("" if azure.own_group else f"-{azure.id[:8]}"),
        "system": Hcl(azure.system),
        "updates": updates(blueprint),
        "uploads": uploads(blueprint),
        "user": Hcl(BUILD_USER),
    }


def _backend(azure: Azure) -> list[Hcl]:
    """The arguments of the backend block, which takes no variables, aligned as `terraform fmt` does."""
    width = max((len(name) for name, _ in azure.backend), default=0)
    return [Hcl(f"{name:<{width}} = {hcl.quote(value)}") for name, value in azure.backend]


def _build(blueprint: Blueprint) -> dict[str, Any]:
    """The machine that becomes an image, and its steps."""
    finished = _finished(blueprint, (PREPARE, *_run_commands(blueprint.steps), DEPROVISION))
    steps = _chain(blueprint.steps, finished, machine="vm", first="step_000_prepare", cache=blueprint.target == "local")
    return {
        "bundle": Hcl("bundle"),
        "cache": blueprint.target == "local",
        "counter": Hcl("var.build_version"),
        "finished": finished.get(DEPROVISION, []),
        "generalize": True,
        "inputs": Hcl("var.machine"),
        "machine": Hcl("vm"),
        "module": Hcl("step_all"),
        "name": Hcl("machine"),
        "resized": True,
        "steps": steps,
    }


def _validation(blueprint: Blueprint) -> dict[str, Any]:
    """The machine that the validators run in; the disk of an image has its size already."""
    return {
        "bundle": Hcl("validation_bundle"),
        "counter": Hcl("var.validation_machine"),
        "generalize": False,
        "inputs": Hcl("var.validation_machine"),
        "machine": Hcl("validation_vm"),
        "module": Hcl("validation_all"),
        "name": Hcl("validation"),
        "resized": blueprint.source_validation_only,
        "steps": _chain(
            blueprint.validations, _finished(blueprint, _run_commands(blueprint.validations)),
            machine="validation_vm", first="validation_vm",
        ),
    }  # fmt: skip


def _run_commands(steps: tuple[Step, ...]) -> list[str]:
    """The steps that leave a run command on their machine, by key."""
    return [step.key for step in steps if step.kind in ("shell", "powershell")]


def _finished(blueprint: Blueprint, names: Iterable[str]) -> dict[str, list[Hcl]]:
    """The run commands that make room: the name of one => those that have ended before it and are removed then."""
    if blueprint.azure is None or blueprint.azure.communicator != "run-command":
        return {}
    found: dict[str, list[Hcl]] = {}
    kept: list[Hcl] = []
    for name in names:
        if len(kept) == RUN_COMMANDS_KEPT:
            found[name], kept = kept, []
        kept.append(Hcl(name))
    return found


def _chain(
    steps: tuple[Step, ...], finished: dict[str, list[Hcl]], *, machine: str, first: str, cache: bool = False
) -> list[dict[str, Any]]:
    """What the fragments print of each step."""
    building = machine == "vm"
    chained: list[dict[str, Any]] = []
    for step in steps:
        chained.append({
            "cache": cache,
            "counter": Hcl("var.build_version" if building else "var.validation_machine"),
            "file": Hcl(step.file),
            "finished": finished.get(step.key, []),
            "inputs": Hcl("var.machine" if building else "var.validation_machine"),
            "key": Hcl(step.key),
            "kind": step.kind,
            "label": Hcl(STEP_LABELS[step.kind]),
            "machine": Hcl(machine),
            "module": Hcl(step.module),
            "previous": chained[-1]["module"] if chained else Hcl(first),
            "variable": Hcl("steps" if building else "validations"),
        })  # fmt: skip
    return chained
