"""Measure what imagegen costs, against Packer, Terraform and Python; print it, and write bench.json beside it.

Exit code 1 when a budget is not held.
"""

import argparse
import json
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from generator.cli import console
from tests.bench import figures, growth, jobs, packer, plot, start_up
from tests.bench.builds import Built
from tests.bench.commands import Failed
from tests.bench.place import Place, computer

RESULT = Path("bench.json")
PLOT = Path(__file__).with_name("build-times.svg")


def main() -> int:
    """Run everything, in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--pairs", type=int, default=3, metavar="N", help="builds of each kind and by each tool")
    parser.add_argument("--quick", action="store_true", help="one pair, to try it; the plot is left as it is")
    chosen = parser.parse_args()
    pairs = 1 if chosen.quick else chosen.pairs
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    scratch = Path(tempfile.mkdtemp(prefix="imagegen-bench-"))
    try:
        return _measure(Place.made(scratch), pairs, keep_plot=chosen.quick)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _measure(place: Place, pairs: int, *, keep_plot: bool) -> int:
    machine = computer(place)
    _say(_computer(machine))
    _say("starting up, planning, generating")
    short = 3 * pairs + 1
    rows = [start_up.help_shown(place, short), *start_up.planned(place, short)]
    generated, grown = growth.templates(place, pairs)
    rows += [*generated, growth.customizers(place, pairs)]
    _say("making Packer's base")
    built = jobs.measure(place, packer.ready(place, place.folder / "packer"), pairs, _say)
    rows += built.figures()
    _say("growing")
    grown += growth.steps(place)
    _show(machine, rows, built, grown)
    _write(machine, rows, built, grown)
    if not keep_plot:
        about = f"{machine['cores']} cores, {machine['accelerator'].upper()}; guest: {machine['guest']}"
        PLOT.write_text(plot.draw(built.groups(), f"Medians of {pairs}. {about}"))
    return int(not all(row.held for row in rows))


def _show(machine: dict[str, Any], rows: list[figures.Figure], built: jobs.Measured, grown: list[growth.Row]) -> None:
    """All of it, for people."""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", "terraform", "qemu", "packer"))
    print(f"\n{_computer(machine)}, {machine['file_system']}\n{versions}; guest: {machine['guest']}\n")
    print(figures.table(rows))
    for job in (jobs.ONE, jobs.AGAIN):
        cached = built.ours[job][-1].cached
        print(f"\nwhere the time goes, {job}, {cached} steps cached (medians; * the machine's own work)")
        print(console.table(_parts(built.ours[job])))
    sizes = sorted({size for row in grown for size in row.seconds})
    print("\nhow it grows")
    print(console.table([row.cells(sizes) for row in grown], ["", *map(str, sizes)]))


def _computer(machine: dict[str, Any]) -> str:
    """What it is measured on, in a line."""
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GiB, Linux {machine['kernel']}, "
        f"{machine['accelerator'].upper()} ({machine['why']}), load before {machine['load']}"
    )


def _parts(made: Sequence[Built]) -> list[list[str]]:
    """The parts of builds of one kind, each with its median."""
    seconds: dict[tuple[str, bool], list[float]] = {}
    for one in made:
        for part in one.parts:
            seconds.setdefault((part.name, part.machine), []).append(part.seconds)
    return [
        [f"  {name}{' *' if machine else ''}", f"{statistics.median(of):6.2f} s"]
        for (name, machine), of in seconds.items()
    ]


def _write(machine: dict[str, Any], rows: list[figures.Figure], built: jobs.Measured, grown: list[growth.Row]) -> None:
    """All of it, for programs."""
    result = {
        "machine": machine, "figures": [row.as_json() for row in rows],
        "builds": {job: [asdict(one) for one in made] for job, made in built.ours.items()},
        "packer": built.packer, "growth": {row.name: row.seconds for row in grown},
    }  # fmt: skip
    RESULT.write_text(json.dumps(result, indent=2) + "\n")


def _say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
