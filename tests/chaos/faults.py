"""What goes wrong with the world while a build runs. Each fault is a context: it breaks, and mends when left."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos.place import IMAGEGEN, Command, Place
from tests.chaos.trial import BOUND_SECONDS, Session, recover

EITHER = 0, 1  # it came through, or failed in words


@dataclass(frozen=True)
class Scene:
    """How the build is started in a broken world.

    about: what was chosen at random; inline: its step; more: properties of its template; codes: how it may end; heard:
    whether what it says is seen; during: what happens while it runs.
    """

    about: str = ""
    inline: Sequence[str] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    command: Sequence[str] = IMAGEGEN
    codes: tuple[int, ...] = EITHER
    heard: bool = True
    during: Callable[[Command], None] = lambda _command: None


Cause = Callable[[Any, Random], AbstractContextManager[Scene]]


@dataclass(frozen=True)
class Fault:
    """cause: breaks the world around a place; targets: where; weight: how often it is chosen; needs: what the place
    must have of its own (see Place.own), "" for nothing; slow: takes minutes, and is left out where time is short."""

    name: str
    cause: Cause
    targets: Sequence[str] = ("azure", "local")
    weight: int = 2
    needs: str = ""
    slow: bool = False


def listed() -> list[Fault]:
    """All there are."""
    from tests.chaos import azure_faults, disks, file_faults, guest_faults, local_faults, process_faults

    modules = (azure_faults, disks, file_faults, guest_faults, local_faults, process_faults)
    return [one for module in modules for one in module.FAULTS]


def choose(place: Place, random: Random, name: str, *, brief: bool = False) -> Fault:
    """One of those that the place can suffer and that have this name, or this in their names, by weight."""
    fitting = [one for one in listed() if place.target in one.targets and one.needs in ("", *place.own)]
    named = [one for one in fitting if one.name == name] or [one for one in fitting if name in one.name]
    able = [one for one in named if not (brief and one.slow)] if len(named) > 1 else named
    return random.choices(able, [one.weight for one in able])[0]


def suffer(session: Session, random: Random, name: str = "") -> None:
    """Build in a broken world; mend it, and see that all is well."""
    place, trial = session.place, session.trial
    chosen = choose(place, random, name, brief=session.brief)
    trial.name = trial.phase = chosen.name
    with chosen.cause(place, random) as scene:
        trial.name = f"{chosen.name}: {scene.about}" if scene.about else chosen.name
        place.write_template(*scene.inline, **scene.more)
        command = place.start(*place.apply(), command=scene.command)
        scene.during(command)
        session.expect_end(command.wait(BOUND_SECONDS), scene.codes, "the build", heard=scene.heard)
    place.write_template()
    recover(session, random)
