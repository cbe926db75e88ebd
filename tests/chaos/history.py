"""A history: some trials one after the other in one place, so that later ones meet what earlier ones released."""

import shutil
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from tests.chaos import disks, faults, processes, report, trial
from tests.chaos.place import Place
from tests.chaos.trial import Session, Trial
from tests.conftest import SHARED_CACHE

TRIALS = 4  # of a history
TYPICAL_SECONDS = {"azure": 8.0, "local": 13.0}  # of a build
# Of all histories: those in which disks, and a cache, are a place's own.
SHARE_OF_DISKS = 0.3
SHARE_OF_CACHES = 0.1
_durations: dict[tuple[str, str], float] = {}


@dataclass(frozen=True)
class History:
    """What is to be done in one place; `seed` and `number` decide all that is random."""

    seed: int
    number: int
    target: str
    kinds: Sequence[Literal["kill", "fault"]]
    name: str = ""  # a part of the names of kills and faults to choose from
    brief: bool = False  # no build only to measure one, or to see that a clean workspace takes one

    def random(self, part: object) -> Random:
        """Random numbers of one part of it."""
        return Random(f"{self.seed}/{self.number}/{part}")  # noqa: S311 - not a secret


def plan(seed: int, kills: int, faults: int, targets: Sequence[str], name: str = "") -> list[History]:
    """So many kills and faults over these targets, mixed."""
    random = Random(seed)  # noqa: S311 - not a secret
    of_target: dict[str, list[Literal["kill", "fault"]]] = {target: [] for target in sorted(set(targets))}
    for number in range(kills):
        of_target[targets[number % len(targets)]].append("kill")
    for number in range(faults):
        of_target[targets[number % len(targets)]].append("fault")
    histories = []
    for target, kinds in of_target.items():
        random.shuffle(kinds)
        histories += [(target, kinds[start : start + TRIALS]) for start in range(0, len(kinds), TRIALS)]
    random.shuffle(histories)
    return [History(seed, number, target, kinds, name) for number, (target, kinds) in enumerate(histories)]


def run(history: History, root: Path) -> list[Trial]:
    """Do it, in folders under `root`. A place with findings is kept there, and left: in a new one it goes on."""
    trials: list[Trial] = []
    while len(trials) < len(history.kinds):
        trials += _in_one_place(history, len(trials), root)
    return trials


def _in_one_place(history: History, first: int, root: Path) -> list[Trial]:
    """The trials from the first on, up to one with findings."""
    folder = Path(tempfile.mkdtemp(prefix=f"{history.number}-", dir=root))
    trials: list[Trial] = []
    place = _make(history, folder, root)
    sound = False
    try:
        _first_build(place, history)
        kept = place.released()
        for number, kind in list(enumerate(history.kinds))[first:]:
            done = Trial(kind, "", place.target, place.flavour, history.number * TRIALS + number)
            trials.append(done)
            session = Session(place, done, kept, brief=history.brief)
            _try(session, history.random(number), history.name)
            kept = session.kept
            print(report.line(done), flush=True)
            if done.findings:  # what comes next would only meet the same again
                break
        sound = not any(done.findings for done in trials)
    finally:
        processes.kill_folder(folder)
        place.end()
        if sound:
            disks.unmount(place.disk, place.state_dir, place.temp)
            shutil.rmtree(folder, ignore_errors=True)
    return trials


def _try(session: Session, random: Random, name: str) -> None:
    place, done = session.place, session.trial
    place.write_template()
    try:
        if done.kind == "kill":
            trial.kill(session, random, name)
        else:
            faults.suffer(session, random, name)
    except Exception:
        done.find("wrong", "the trial itself failed", traceback.format_exc())


def _make(history: History, folder: Path, root: Path) -> Place:
    from tests.chaos.azure import AzurePlace
    from tests.chaos.local import LocalPlace, process_cache

    random = history.random("place")
    needs = {one.needs for one in faults.listed() if history.name and history.name in one.name}
    has_disks = "disks" in needs or random.random() < SHARE_OF_DISKS
    has_cache = history.target == "local" and ("cache" in needs or random.random() < SHARE_OF_CACHES)
    kind = AzurePlace if history.target == "azure" else LocalPlace
    flavour = kind.flavours[0] if has_disks else random.choice(kind.flavours)  # one image a build: memory is dear
    if history.target == "azure":
        place: Place = AzurePlace(folder, flavour, root)
    else:
        place = LocalPlace(folder, flavour, process_cache(root) if has_cache else SHARED_CACHE)
    if has_cache:
        place.own.add("cache")
    if has_disks and disks.mount(place.disk, place.state_dir, place.temp):
        place.own.add("disks")
    return place


def _first_build(place: Place, history: History) -> None:
    """Some histories begin with a release; so does the first of a kind, which tells how long a build takes."""
    place.write_template()
    key = place.target, place.flavour
    first = key not in _durations
    if history.brief:
        _durations[key] = TYPICAL_SECONDS[place.target]
    elif first or history.random("first").random() < 0.5:
        for _ in range(2 if first and place.target == "local" else 1):  # the first may have to save a machine
            ended = place.run(*place.apply(), bound=trial.BOUND_SECONDS)
            assert ended.code == 0, ended.said
        _durations[key] = min(ended.seconds, _durations.get(key, ended.seconds))
        if first:
            place.learn()
    place.duration = _durations[key]
    place.forget_machines()
