"""Blueprint in, files out. Pure: the same blueprint gives the same bytes."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from generator import resources
from generator.system.records import to_json
from generator.workspace import context, hcl, values
from generator.workspace.blueprint import Blueprint
from generator.workspace.hcl import Hcl

if TYPE_CHECKING:
    from jinja2 import Environment

ROOT_FILES = {
    "main.tf": "main.tf", "variables.tf": "variables.tf", "outputs.tf": "outputs.tf", "terraform.tf": "terraform.tf",
    "providers.tf": "providers.tf", "README.md": "README.md", "gitignore": ".gitignore",
    "gitattributes": ".gitattributes",
}  # fmt: skip
TARGET_MODULES = {
    "local": ("local/staging", "local/vm", "local/image"),
    "azure": ("azure/staging", "azure/gallery_image_version", "azure/managed_image"),
}
# A step's module by the way in which steps reach the machine. An extension carries all of them, as run commands would.
STEP_MODULES = {
    "ssh": {"shell": "steps/shell", "file": "steps/file"},
    "run-command": {
        "shell": "azure/run_command", "powershell": "azure/run_command", "file": "azure/upload",
        "restart": "azure/restart", "update": "azure/update",
    },
    "extension": {"shell": "azure/run_command", "powershell": "azure/run_command"},
}  # fmt: skip


def render(blueprint: Blueprint, other_subscriptions: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Every generated file but template.json and the lock: path in the workspace => content.

    other_subscriptions: those of released images that the template no longer names; see `context.others`.
    """
    known = context.of(blueprint, other_subscriptions)
    files = {
        output: _environment().get_template(f"workspace/{name}.jinja").render(known).encode()
        for name, output in ROOT_FILES.items()
    }
    files["template.auto.tfvars.json"] = to_json(values.of(blueprint, other_subscriptions))
    for step in blueprint.steps + blueprint.validations:
        if step.file:
            files[step.file] = step.content
    for module in _modules(blueprint):
        files |= _module_files(module)
    return dict(sorted(files.items()))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only where something is rendered

    environment = Environment(
        loader=FileSystemLoader(resources.folder("templates")), undefined=StrictUndefined, finalize=hcl.finalize,
        autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,  # noqa: S701 - HCL
        auto_reload=False,  # our templates stay as they are while we run
    )  # fmt: skip
    environment.filters["literal"] = lambda value: Hcl("true" if value else "false")
    return environment


def _modules(blueprint: Blueprint) -> list[str]:
    """The modules in use, each once, and those whose files they read."""
    azure = blueprint.azure
    communicator = azure.communicator if azure else "ssh"
    steps = blueprint.steps + blueprint.validations
    used = [*TARGET_MODULES[blueprint.target], *(STEP_MODULES[communicator][step.kind] for step in steps)]
    if communicator == "ssh":
        used += ["steps/prepare", "steps/deprovision"]
    else:
        used += ["azure/prepare", "azure/deprovision"]
    if communicator == "extension":
        used += ["azure/bundle", "azure/extension", "azure/run_command"]
    if azure:
        used.append(f"azure/{azure.system}_vm")
        if communicator != "ssh" and azure.system == "linux":  # what runs is the same as over SSH
            used += ["steps/prepare", "steps/shell", "steps/deprovision"]
        if not blueprint.source_validation_only:
            used += ["azure/captured_image", "azure/captured_gallery"]
    return sorted(set(used))


@cache
def _module_files(module: str) -> dict[str, bytes]:
    folder = resources.folder("modules")
    return {
        f"modules/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(Path(folder / module).iterdir())
        if path.is_file()
    }
