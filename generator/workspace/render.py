"""Blueprint in, files out. Pure: the same blueprint gives the same bytes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from generator import resources
from generator.workspace import hcl
from generator.workspace.blueprint import Blueprint, Step
from generator.workspace.hcl import Hcl

ROOT_FILES = {
    "main.tf": "main.tf", "variables.tf": "variables.tf", "outputs.tf": "outputs.tf", "terraform.tf": "terraform.tf",
    "providers.tf": "providers.tf", "README.md": "README.md", "gitignore": ".gitignore",
    "gitattributes": ".gitattributes",
}  # fmt: skip
TARGET_MODULES = {"local": ("local/staging", "local/vm", "local/image")}
STEP_LABELS = {"shell": "a script that runs in the machine", "file": "a file that is uploaded"}


def render(blueprint: Blueprint) -> dict[str, bytes]:
    """Every generated file but template.json and the lock: path in the workspace => content."""
    context = _context(blueprint)
    files = {
        output: _environment().get_template(f"workspace/{name}.jinja").render(context).encode()
        for name, output in ROOT_FILES.items()
    }
    files["template.auto.tfvars.json"] = _tfvars(blueprint)
    for step in blueprint.steps + blueprint.validations:
        files[step.file] = step.content
    for module in _modules(blueprint):
        files |= _module_files(module)
    return dict(sorted(files.items()))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(resources.folder("templates")), undefined=StrictUndefined, finalize=hcl.finalize,
        autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,  # noqa: S701 - HCL
    )  # fmt: skip


def _context(blueprint: Blueprint) -> dict[str, Any]:
    steps = _chain(blueprint.steps, machine="vm", counter="var.build_version", first="step_000_prepare")
    validations = _chain(
        blueprint.validations, machine="validation_vm", counter="var.validation_machine", first="validation_vm"
    )
    return {
        "all_steps": steps + validations,
        "last_step": steps[-1]["module"] if steps else Hcl("step_000_prepare"),
        "local_clean": Hcl("true" if blueprint.target == "local" else "false"),
        "steps": steps,
        "target": Hcl(blueprint.target),
        "title": Hcl(blueprint.name),
        "validations": validations,
    }


def _chain(steps: tuple[Step, ...], *, machine: str, counter: str, first: str) -> list[dict[str, Any]]:
    """What the fragments print of each step. All of it is made by names.py, none of it is a user's text."""
    chained: list[dict[str, Any]] = []
    for step in steps:
        chained.append({
            "counter": Hcl(counter),
            "file": Hcl(step.file),
            "key": Hcl(step.key),
            "kind": step.kind,
            "label": Hcl(STEP_LABELS[step.kind]),
            "machine": Hcl(machine),
            "module": Hcl(step.module),
            "previous": chained[-1]["module"] if chained else Hcl(first),
            "variable": Hcl("steps" if machine == "vm" else "validations"),
        })  # fmt: skip
    return chained


def _tfvars(blueprint: Blueprint) -> bytes:
    """The template's own text: Terraform takes strings in a tfvars.json as they are."""
    values: dict[str, Any] = {"steps": {step.key: _step_values(step) for step in blueprint.steps}}
    if blueprint.validations:
        values["validations"] = {step.key: _step_values(step) for step in blueprint.validations}
    return to_json(values)


def _step_values(step: Step) -> dict[str, Any]:
    values = {"file": step.file, "name": step.title, "type": step.kind.capitalize()}
    return values | dict(step.options)


def to_json(value: Any) -> bytes:
    """JSON as we write it everywhere: sorted, two spaces, a newline at the end."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _modules(blueprint: Blueprint) -> list[str]:
    """The modules in use, each once."""
    kinds = {step.kind for step in blueprint.steps + blueprint.validations}
    return [
        *TARGET_MODULES[blueprint.target],
        "steps/prepare",
        *(f"steps/{kind}" for kind in sorted(kinds)),
        "steps/deprovision",
    ]


@cache
def _module_files(module: str) -> dict[str, bytes]:
    folder = resources.folder("modules")
    return {
        f"modules/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(Path(folder / module).iterdir())
        if path.is_file()
    }
