"""The builds that imagegen and Packer both do, in turns, and what comes out of them."""

import shutil
import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import builds
from tests.bench.builds import Built
from tests.bench.figures import Figure
from tests.bench.packer import Packer
from tests.bench.place import Place
from tests.bench.plot import Group

GREET = "echo 'Welcome.' | sudo tee /etc/motd"
PACKAGES = ("hello", "sl", "cowsay", "figlet")
INSTALL = "sudo DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends {}"
ONE, FIVE, AGAIN = "one step", "five steps", "the last of five changed"


@dataclass
class Measured:
    """All builds, by job: imagegen's, and Packer's seconds."""

    ours: dict[str, list[Built]] = field(default_factory=lambda: defaultdict(list))
    packer: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def seconds(self, job: str) -> list[float]:
        """imagegen's wall seconds."""
        return [made.seconds for made in self.ours[job]]

    def figures(self) -> list[Figure]:
        """The rows of the table."""
        warm = self.ours[ONE]
        return [
            Figure("one shell step, warm base", 0.35, self.seconds(ONE), self.packer[ONE], "Packer"),
            Figure("five steps, four install", None, self.seconds(FIVE), self.packer[FIVE], "Packer"),
            Figure("the last of five changed", 0.15, self.seconds(AGAIN), self.packer[FIVE], "Packer"),
            Figure("added to a warm build", 3, [made.added for made in warm]),
            Figure("memory of imagegen, building", 150, [made.peak_mb for made in warm], unit="MiB"),
        ]

    def groups(self) -> list[Group]:
        """The bars of the plot."""
        middle = statistics.median
        return [
            Group(ONE, middle(self.seconds(ONE)), middle(self.packer[ONE])),
            Group(FIVE, middle(self.seconds(FIVE)), middle(self.packer[FIVE])),
            Group(AGAIN, middle(self.seconds(AGAIN)), middle(self.packer[FIVE])),
        ]


def five(mark: str, last: str) -> list[str]:
    """Five scripts, four of which install a package. The mark makes them unlike those of another round."""
    installs = [INSTALL.format(package) for package in PACKAGES]
    return [f": {mark}\nsudo apt-get update -q\n{installs[0]}", *installs[1:], f"echo '{last}' | sudo tee /etc/motd"]


def measure(place: Place, packer: Packer, pairs: int, say: Callable[[str], None]) -> Measured:
    """Every job by both, in turns, `pairs` times, after one build each that does not count."""
    say("a first build of each, which does not count")
    builds.build_once(place, "first", [GREET])
    packer.build([GREET])
    found = Measured()
    for number in range(1, pairs + 1):
        say(f"round {number} of {pairs}: {ONE}")
        found.ours[ONE].append(builds.build_once(place, "one", [GREET]))
        found.packer[ONE].append(packer.build([GREET]))
        say(f"round {number} of {pairs}: {FIVE}")
        scripts, workspace = five(f"round {number}", "first"), place.folder / "five-workspace"
        found.ours[FIVE].append(builds.build(place, place.template("five", scripts), workspace))
        found.packer[FIVE].append(packer.build(scripts))
        say(f"round {number} of {pairs}: {AGAIN}")
        changed = place.template("five", five(f"round {number}", "second"))
        found.ours[AGAIN].append(builds.build(place, changed, workspace))
        _compare(workspace)
        shutil.rmtree(workspace)
    return found


def _compare(workspace: Path) -> None:
    """Both builds of the workspace made an image."""
    made = sorted(path.parent.name for path in workspace.glob("images/disk/*/image.vhd"))
    assert len(made) == 2, made
