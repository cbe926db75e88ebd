"""How the costs grow: with the steps of a template, and with the number of templates."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import builds
from tests.bench.commands import IMAGEGEN, run
from tests.bench.figures import Figure
from tests.bench.place import Place, file_system

MEMORY = Path("/dev/shm")
COUNTS = (1, 10, 100, 1000)
STEPS = (1, 10, 100)
BUILT_STEPS = (1, 10)


@dataclass(frozen=True)
class Row:
    """Seconds of one kind of work by its size."""

    name: str
    seconds: dict[int, float]

    def cells(self, sizes: Sequence[int]) -> list[str]:
        """As a line of a table."""
        return [self.name, *(f"{self.seconds[size]:.2f} s" if size in self.seconds else "" for size in sizes)]


@contextmanager
def in_memory(place: Place) -> Iterator[Path]:
    """A folder on a file system that is in memory, where there is one: there the disk is not what is measured."""
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-", dir=MEMORY if MEMORY.is_dir() else place.folder) as name:
        yield Path(name)


def templates(place: Place, rounds: int) -> tuple[list[Figure], list[Row]]:
    """1 to 1,000 workspaces by one command, in memory and on the disk."""
    figures, rows = [], []
    with in_memory(place) as memory:
        for folder in (memory, place.folder / "many"):
            folder.mkdir(exist_ok=True)
            kind = file_system(folder)
            sources = [place.template(f"many{number:04d}", ["true"], folder / "from") for number in range(max(COUNTS))]
            measured = {count: [_generate(place, sources[:count], folder / "to") for _ in range(rounds)]
                        for count in COUNTS}  # fmt: skip
            figures.append(Figure(f"1,000 workspaces, {kind}", 3 if folder == memory else None, measured[1000]))
            if folder == memory:
                of_many, of_few = (_each(measured, count) for count in (1000, 100))
                figures.append(Figure("  each of 1,000", 1.25, of_many, of_few, "each of 100"))
            rows.append(Row(f"templates: generate, {kind}", {count: min(of) for count, of in measured.items()}))
            shutil.rmtree(folder / "from")
    return figures, rows


def _each(measured: Mapping[int, Sequence[float]], count: int) -> list[float]:
    """The seconds for each further workspace, round by round: what the first takes is mostly starting up."""
    return [(many - one) / (count - 1) for many, one in zip(measured[count], measured[1], strict=True)]


def _generate(place: Place, sources: Sequence[Path], out: Path) -> float:
    """The seconds of `imagegen generate` for all of them, into a new folder."""
    command: list[str | Path] = [*IMAGEGEN, "generate", *sources, "--target", "local", "--out", out]
    try:
        return run(command, place.env).seconds
    finally:
        shutil.rmtree(out, ignore_errors=True)


def customizers(place: Place, rounds: int) -> Figure:
    """`imagegen validate` of a template with many customizers: what each of 10,000 takes, against each of 1,000."""
    path = {count: place.template(f"customizers{count}", ["true"] * count) for count in (1, 1_000, 10_000)}
    measured = {
        count: [run([*IMAGEGEN, "validate", one], place.env).seconds for _ in range(rounds)]
        for count, one in path.items()
    }
    of_many, of_few = (_each(measured, count) for count in (10_000, 1_000))
    return Figure("validate, each of 10,000 customizers", 1.5, of_many, of_few, "each of 1,000")


def steps(place: Place) -> list[Row]:
    """Templates of 1, 10 and 100 steps that do nothing: generate, plan, build from a warm base."""
    generated, planned, built = {}, {}, {}
    for count in STEPS:
        name = f"steps{count}"
        template = place.template(name, ["true"] * count)
        workspace = place.folder / f"{name}-workspace"
        generated[count] = run([*IMAGEGEN, "generate", template, "--target", "local", "--out", workspace], place.env)
        run([*IMAGEGEN, "plan", workspace], place.env)
        planned[count] = run([*IMAGEGEN, "plan", workspace], place.env)
        shutil.rmtree(workspace)
        if count in BUILT_STEPS:
            built[count] = builds.build_once(place, name, ["true"] * count)
    return [
        Row("steps: generate", {count: ran.seconds for count, ran in generated.items()}),
        Row("steps: plan", {count: ran.seconds for count, ran in planned.items()}),
        Row("steps: build", {count: made.seconds for count, made in built.items()}),
    ]
