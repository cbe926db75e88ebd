"""`python -m tests.chaos --kills 200 --faults 200 --seed N`: builds under chaos, and what did not hold."""

import argparse
import random
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.chaos import history, report
from tests.chaos.trial import Trial

BOTH = ("azure", "local")
MIX = ("azure", "azure", "local")  # local trials take three times as long


def main() -> int:
    """Run, print the seed, every trial and a table; exit code 1 when anything does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--target", choices=("both", *BOTH), default="both")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", type=Path, default=Path("build/chaos.json"))
    parser.add_argument("--only", type=int, metavar="HISTORY", help="one history of the plan, by its number")
    parser.add_argument("--name", default="", help="only kills and faults with this in their names")
    given = parser.parse_args()
    given.report.parent.mkdir(parents=True, exist_ok=True)
    print(f"seed {given.seed}", flush=True)
    targets = MIX if given.target == "both" else (given.target,)
    planned = history.plan(given.seed, given.kills, given.faults, targets, given.name)
    chosen = [one for one in planned if given.only in (None, one.number)]
    root = Path(tempfile.mkdtemp(prefix="chaos-"))
    began = time.monotonic()
    done: list[Trial] = []
    broken = 0
    with ProcessPoolExecutor(given.workers) as pool:
        for future in as_completed(pool.submit(history.run, one, root) for one in chosen):
            try:
                done += future.result()
            except Exception:  # of the trials' own: the others go on
                broken += 1
                traceback.print_exc()
            report.write(given.report, given.seed, done, time.monotonic() - began)
    print(report.table(done))
    found = [trial for trial in done if trial.findings]
    print(f"{len(done)} trials in {time.monotonic() - began:.0f} s; {report.verdict(done)}, {broken} broken histories")
    if found:
        print(f"what is left of the places with findings: {root}")
    return int(bool(found or broken))


if __name__ == "__main__":
    sys.exit(main())
