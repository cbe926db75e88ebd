"""A history: some trials one after the other in one place, so that later ones meet what earlier ones released."""

import shutil
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from tests.chaos import faults, processes, trial
from tests.chaos.place import Place
from tests.chaos.trial import Session, Trial

TRIALS = 4  # of a history
_durations: dict[tuple[str, str], float] = {}


@dataclass(frozen=True)
class History:
    """What is to be done in one place; `seed` and `number` decide all that is random."""

    seed: int
    number: int
    target: str
    kinds: Sequence[Literal["kill", "fault"]]

    def random(self, part: object) -> Random:
        """Random numbers of one part of it."""
        return Random(f"{self.seed}/{self.number}/{part}")


def plan(seed: int, kills: int, faults: int, targets: Sequence[str]) -> list[History]:
    """So many kills and faults over these targets, mixed."""
    random = Random(seed)
    of_target: dict[str, list[Literal["kill", "fault"]]] = {target: [] for target in targets}
    for number in range(kills):
        of_target[targets[number % len(targets)]].append("kill")
    for number in range(faults):
        of_target[targets[number % len(targets)]].append("fault")
    histories = []
    for target, kinds in of_target.items():
        random.shuffle(kinds)
        histories += [(target, kinds[start : start + TRIALS]) for start in range(0, len(kinds), TRIALS)]
    random.shuffle(histories)
    return [History(seed, number, target, kinds) for number, (target, kinds) in enumerate(histories)]


def run(history: History, root: Path) -> list[Trial]:
    """Do it, in a folder under `root`; a place with findings is kept there."""
    folder = Path(tempfile.mkdtemp(prefix=f"{history.number}-", dir=root))
    trials: list[Trial] = []
    place = _make(history, folder, root)
    try:
        _first_build(place, history)
        kept = place.released()
        for number, kind in enumerate(history.kinds):
            done = Trial(kind, "", place.target, place.flavour, history.number * TRIALS + number)
            trials.append(done)
            session = Session(place, done, kept)
            _try(session, history.random(number))
            kept = session.kept
            if done.findings:  # what comes next would only meet the same again
                break
    finally:
        place.end()
        processes.kill_folder(folder)
        if not any(done.findings for done in trials):
            shutil.rmtree(folder, ignore_errors=True)
    return trials


def _try(session: Session, random: Random) -> None:
    place, done = session.place, session.trial
    place.write_template()
    try:
        if done.kind == "kill":
            trial.kill(session, random, _durations[place.target, place.flavour])
        else:
            faults.suffer(session, random)
    except Exception:
        done.find("wrong", "the trial itself failed", traceback.format_exc())


def _make(history: History, folder: Path, root: Path) -> Place:
    from tests.chaos.azure import AzurePlace
    from tests.chaos.local import LocalPlace, process_cache

    random = history.random("place")
    if history.target == "azure":
        return AzurePlace(folder, random.choice(AzurePlace.flavours), root)
    place = LocalPlace(folder, random.choice(LocalPlace.flavours), process_cache(root))
    if random.random() < 0.05:
        place.forget_machines()
    return place


def _first_build(place: Place, history: History) -> None:
    """Some histories begin with a release; so does the first of a kind, which tells how long a build takes."""
    place.write_template()
    key = place.target, place.flavour
    if key not in _durations or history.random("first").random() < 0.5:
        ended = place.run(*place.apply(), bound=trial.BOUND_SECONDS)
        assert ended.code == 0, ended.said
        if key not in _durations and place.target == "local":  # it has saved a machine: the next one tells
            ended = place.run(*place.apply(), bound=trial.BOUND_SECONDS)
        _durations[key] = ended.seconds
