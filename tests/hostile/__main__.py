"""`python -m tests.hostile --count 10000 --seed N`: hostile documents by the thousand, and what came of them."""

import argparse
import os
import random
import sys
import time

from tests.hostile import campaign


def main() -> int:
    """Run, print the seed and every finding; exit code 1 when there is one."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    os.environ["NO_COLOR"] = "1"
    began = time.monotonic()
    findings = campaign.run(given.count, given.seed)
    for wrong in findings.wrong[:50]:
        print(wrong)
    print(
        f"{findings.documents} hostile documents, {findings.generated} of them workspaces: "
        f"{len(findings.wrong)} escapes and tracebacks, in {time.monotonic() - began:.0f} s"
    )
    return int(bool(findings.wrong))


if __name__ == "__main__":
    sys.exit(main())
