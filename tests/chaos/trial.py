"""One trial: a build is cut off, or its world breaks; then the next command, and what must hold."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Literal

from tests.chaos import kills
from tests.chaos.place import Ended, Place, told

BOUND_SECONDS = 420.0  # no command takes longer, whatever came before it
ERROR = re.compile(r"^([\w.-]+: )?error: ", re.MULTILINE)  # of the build, or of a template's line
What = Literal["leak", "loss", "stuck", "wrong"]


@dataclass(frozen=True)
class Finding:
    """What does not hold: leak, loss, stuck, or wrong (an exit code or a message)."""

    what: What
    told: str
    evidence: str


@dataclass
class Trial:
    """What was done, and what came of it. `seconds` are those of the recovery, by command."""

    kind: Literal["kill", "fault"]
    name: str
    target: str
    flavour: str
    number: int
    at: float = 0.0
    phase: str = ""
    recovery: str = ""
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def find(self, what: What, text: str, evidence: str) -> None:
        """Note what does not hold."""
        self.findings.append(Finding(what, text, evidence))


@dataclass
class Session:
    """A place, what was released in it by now, and the trial that is under way."""

    place: Place
    trial: Trial
    kept: dict[str, object]
    brief: bool = False

    def expect_end(self, ended: Ended, codes: tuple[int, ...], doing: str, *, heard: bool = True) -> None:
        """A command ended in time, in one of these ways, and in words if it failed."""
        if ended.code is None:
            self.trial.find("stuck", f"{doing} did not end in {ended.seconds:.0f} s", self._evidence(ended))
        elif ended.code not in codes:
            self.trial.find("wrong", f"{doing} ended with {ended.code}", self._evidence(ended))
        if "Traceback" in ended.said or (heard and ended.code == 1 and len(ERROR.findall(ended.said)) != 1):
            self.trial.find("wrong", f"{doing} did not say in one line what went wrong", self._evidence(ended))

    def must_work(self, *arguments: str) -> bool:
        """A command of the recovery: it ends in time, with success. False when it does not."""
        ended = self.place.run(*arguments, bound=BOUND_SECONDS)
        if ended.code != 0:
            text = f"{arguments[0]} ended with {ended.code} after {ended.seconds:.0f} s"
            self.trial.find("stuck", text, self._evidence(ended))
        return ended.code == 0

    def must_hold(self, after: str, *, built: bool = True) -> None:
        """Nothing leaked, nothing was lost; and what is released now is what has to be there next time."""
        leaks = partial(self.place.nothing_leaks, built=built)
        for what, ask in (("loss", self._nothing_lost), ("leak", leaks)):
            if wrong := told(ask):
                self.trial.find(what, f"after {after}: {wrong}", self.place.evidence())  # type: ignore[arg-type]

    def _nothing_lost(self) -> None:
        now = self.place.released()
        gave_way = {
            f"{version}/{output}"
            for version, release in self.place.ledger().items()
            for output, image in release["images"].items()
            if image["kind"] == "ManagedImage" and image.get("status") == "superseded"
        } | {name for name in self.kept if name.endswith("/blob") and f"{_newest(now)}/blob" in now}
        lost = [name for name, proof in self.kept.items() if name not in gave_way and now.get(name) != proof]
        assert not lost, f"{lost} of {sorted(self.kept)}"
        self.kept = now

    def _evidence(self, ended: Ended) -> str:
        return f"{ended.said[-3000:]}\n{self.place.evidence()}"


def _newest(released: dict[str, object]) -> str:
    versions = [name.partition("/")[0] for name in released]
    return max(versions, key=lambda text: [int(part) for part in text.split(".")], default="")


def kill(session: Session, random: Random, name: str = "") -> None:
    """Cut a build off at a random moment. One that was done sooner is built again, and cut off sooner."""
    place, trial = session.place, session.trial
    chosen = kills.choose(random, name)
    trial.name, trial.at = chosen.name, random.uniform(0, place.duration)
    while not (command := place.start(*place.apply())).runs(trial.at):
        session.expect_end(command.wait(0), (0,), "a build")
        session.must_hold("a build")
        trial.at *= 0.7
    trial.phase = place.phase(command)
    chosen.strike(place, command, random)
    session.expect_end(command.wait(BOUND_SECONDS), chosen.codes, "the build that was cut off")
    time.sleep(random.choice((0, 0, 0.5, 2)))
    recover(session, random)


def recover(session: Session, random: Random) -> None:
    """The next command, chosen at random, makes order; and a build works."""
    place, trial = session.place, session.trial
    with _timed(trial):
        if place.workspace.exists() and (place.workspace / "imagegen.lock.json").exists():
            session.must_work("status", str(place.workspace))
            if random.random() < 0.4:
                trial.recovery = "cleanup"
                session.must_work("cleanup", str(place.workspace))
        if not trial.recovery:
            trial.recovery = "apply"
            session.must_work(*place.apply())
    session.must_hold(trial.recovery, built=trial.recovery == "apply")
    if trial.recovery == "cleanup" and not session.brief:
        session.must_work(*place.apply())
        session.must_hold("the build after that")


@contextmanager
def _timed(trial: Trial) -> Iterator[None]:
    began = time.monotonic()
    yield
    trial.seconds = time.monotonic() - began
