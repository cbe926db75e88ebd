"""Programs that crash, clocks that jump, others that are at work too."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.chaos import processes
from tests.chaos.faults import Fault, Scene
from tests.chaos.kills import PROVIDER
from tests.chaos.place import IMAGEGEN, Command, Place

SECOND_SECONDS = 60.0


@contextmanager
def terraform_crashes(place: Place, random: Random) -> Iterator[Scene]:
    """At some moment."""
    yield _crash(place, random, "terraform ")


@contextmanager
def provider_crashes(place: Place, random: Random) -> Iterator[Scene]:
    """At some moment."""
    yield _crash(place, random, PROVIDER)


def _crash(place: Place, random: Random, name: str) -> Scene:
    at = random.uniform(0, place.duration)
    number = random.choice([signal.SIGSEGV, signal.SIGKILL])

    def during(command: Command) -> None:
        command.runs(at)
        while command.runs(0.01):  # the first that is there from then on
            if victims := [one for one in processes.of_folder(place.folder) if one.is_a(name)]:
                processes.kill(victims, number)
                return

    return Scene(f"{number.name} after {at:.1f} s", during=during)


@contextmanager
def second_command(place: Place, random: Random) -> Iterator[Scene]:
    """Another command comes in between: it is refused, and the build goes on."""
    at = random.uniform(0, place.duration)

    def during(command: Command) -> None:
        command.runs(at)
        if not (place.workspace / ".imagegen/lock").exists():
            return
        arguments = random.choice([place.apply(), ("cleanup", str(place.workspace))])
        second = place.run(*arguments, bound=SECOND_SECONDS)
        assert second.code in (0, 1), second.said
        assert second.code == 0 or not command.runs() or "another imagegen" in second.said, second.said

    yield Scene(f"at {at:.1f} s", during=during, codes=(0,))


@contextmanager
def clock_jumps(place: Place, random: Random) -> Iterator[Scene]:
    """The clock is wrong from some moment on, by up to ten years."""
    at, days = random.uniform(0, place.duration), random.choice([-3650, -1, -0.01, 0.01, 1, 3650])
    command = (sys.executable, "-m", "tests.chaos.jumping", str(at), str(days * 86400))
    yield Scene(f"by {days} days at {at:.1f} s", command=command)


@contextmanager
def nobody_listens(place: Place, random: Random) -> Iterator[Scene]:
    """Whoever read the output goes away: the build may end, but not leave anything."""
    lines = random.randrange(30)
    script = f'"$@" 2>&1 | head -n {lines} >&2; exit "${{PIPESTATUS[0]}}"'
    yield Scene(f"after {lines} lines", command=("bash", "-c", script, "-", *IMAGEGEN), codes=(0, 1, 141), heard=False)


@contextmanager
def stopped(place: Place, random: Random) -> Iterator[Scene]:
    """All of it stands still for a while, as when a computer sleeps."""
    at, seconds = random.uniform(0, place.duration), random.uniform(1, 20)

    def during(command: Command) -> None:
        if command.runs(at):
            found = processes.of_folder(place.folder)
            processes.kill(found, signal.SIGSTOP)
            time.sleep(seconds)
            processes.kill(found, signal.SIGCONT)

    yield Scene(f"{seconds:.0f} s at {at:.1f} s", during=during)


FAULTS = (
    Fault("Terraform crashes", terraform_crashes, weight=4),
    Fault("provider crashes", provider_crashes, ("azure",), 4),
    Fault("second command", second_command, weight=2),
    Fault("clock jumps", clock_jumps, weight=2),
    Fault("nobody listens", nobody_listens, weight=2),
    Fault("stopped for a while", stopped, weight=1),
)
