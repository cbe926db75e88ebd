"""Validate every broken template of this folder anew and keep what is said. Read the difference before you commit it.

NAME.json is the template, NAME.args its options, one a line (optional), NAME.txt the whole report.
"""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
CASES = sorted(path.stem for path in FOLDER.glob("*.json"))


def report(name: str) -> tuple[int, str]:
    """Exit code and report of a template, told as to a person without a terminal."""
    options = FOLDER / f"{name}.args"
    arguments = options.read_text("utf-8").splitlines() if options.exists() else []
    done = subprocess.run(
        [sys.executable, "-m", "generator", "validate", f"{name}.json", *arguments],
        cwd=FOLDER, capture_output=True, check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("IMAGEGEN_")}
        | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONUTF8": "1"},
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).decode("utf-8")


if __name__ == "__main__":
    for case in CASES:
        (FOLDER / f"{case}.txt").write_text(report(case)[1], "utf-8")
