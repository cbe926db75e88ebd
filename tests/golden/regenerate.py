"""Generate every golden workspace anew, by the command line. Read the difference before you commit it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def cases() -> dict[str, tuple[Path, Path]]:
    """Name => template and committed workspace: the examples, and the cases of this folder."""
    examples = {f"example-{path.parent.name}": path for path in sorted(ROOT.glob("examples/*/template.json"))}
    own = {path.parent.name: path for path in sorted(Path(__file__).parent.glob("cases/*/template.json"))}
    return {name: (path, path.parent / "workspace") for name, path in (examples | own).items()}


def generate(template: Path, out: Path) -> None:
    """Run the command as a user does, on a template or on the workspace itself."""
    options = [] if template == out else ["--target", "local", "--out", str(out), "--force"]
    subprocess.run([sys.executable, "-m", "generator", "generate", str(template), *options], check=True)


if __name__ == "__main__":
    for template, workspace in cases().values():
        generate(template, workspace)
