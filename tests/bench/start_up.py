"""What it costs to start: the command alone, and a plan in an Azure workspace (its provider is the tests' stand-in)."""

import sys
from pathlib import Path

from tests.azure_sim import mirror
from tests.bench.commands import IMAGEGEN, environment, run
from tests.bench.figures import Figure, paired
from tests.bench.place import Place

AZURE = Path(__file__).parents[2] / "examples/gallery/template.json"


def help_shown(place: Place, rounds: int) -> Figure:
    """`imagegen --help` against a Python that does nothing."""
    ours, bare = paired(
        rounds,
        lambda: run([*IMAGEGEN, "--help"], place.env).seconds,
        lambda: run([sys.executable, "-c", "pass"], place.env).seconds,
    )
    return Figure("imagegen --help", 8, ours, bare, "python -c pass")


def planned(place: Place, rounds: int) -> list[Figure]:
    """`imagegen plan` in an initialised Azure workspace against `terraform plan` there, at rest; and its memory."""
    folder = place.folder / "plan"
    (folder / "azure").mkdir(parents=True)
    azure = mirror.make(folder / "mirror").configured(folder / "azure")
    env = place.env | azure.env
    workspace = folder / "workspace"
    run([*IMAGEGEN, "plan", AZURE, "--out", workspace], env)
    peaks: list[float] = []

    def ours() -> float:
        ran = run([*IMAGEGEN, "plan", workspace], env)
        peaks.append(ran.peak_mb)
        return ran.seconds

    bare_env = environment({}) | azure.env
    measured, bare = paired(
        rounds, ours, lambda: run(["terraform", "plan", "-input=false"], bare_env, cwd=workspace).seconds
    )
    return [
        Figure("imagegen plan, Azure", 1.5, measured, bare, "terraform plan"),
        Figure("  its memory", None, peaks, unit="MiB"),
    ]
