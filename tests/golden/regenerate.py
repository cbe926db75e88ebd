"""Generate every golden workspace anew, by the command line. Read the difference before you commit it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from generator.azure import permissions

ROOT = Path(__file__).parents[2]
CASES_FOLDER = Path(__file__).parent / "cases"


def cases() -> dict[str, tuple[Path, Path]]:
    """Name => template and committed workspace: the examples, and the cases of this folder."""
    examples = {f"example-{path.parent.name}": path for path in sorted(ROOT.glob("examples/*/template.json"))}
    own = {path.parent.name: path for path in sorted(CASES_FOLDER.glob("*/template.json"))}
    return {name: (path, path.parent / "workspace") for name, path in (examples | own).items()}


def generate(template: Path, out: Path, *more: str) -> None:
    """Run the command as a user does, on a template or on the workspace itself.

    Beside a template may lie the `imagegen.toml` that it is generated with; without one the target is local.
    `more`: further options. Raises CalledProcessError if the command fails.
    """
    folder, options = out, []
    if template != out:
        folder = template.parent
        target = [] if (folder / "imagegen.toml").is_file() else ["--target", "local"]
        options = [*target, "--out", str(out), "--force"]
    command = [sys.executable, "-m", "generator", "generate", str(template), *options, *more]
    subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)


def write_roles(folder: Path) -> None:
    """Write the custom roles of the examples, from the table of what a build needs."""
    for name, role in permissions.roles().items():
        (folder / name).write_text(json.dumps(role, indent=2) + "\n")


if __name__ == "__main__":
    for template, workspace in cases().values():
        generate(template, workspace)
    write_roles(ROOT / "examples/roles")
