"""Ways in which a build is cut off."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.chaos import processes
from tests.chaos.place import Command, Place
from tests.chaos.processes import Program

PROVIDER = "azure_sim.provider"
QEMU = "qemu-system"
PAUSE_SECONDS = 3.0  # at most, between two interrupts


@dataclass(frozen=True)
class Kill:
    """strike: does it; codes: how imagegen may end then; weight: how often it is chosen."""

    name: str
    weight: int
    codes: tuple[int, ...]
    strike: Callable[[Place, Command, Random], None]


def choose(random: Random, name: str) -> Kill:
    """The one of this name, or one of those that have this in their names, by weight."""
    able = [kill for kill in KILLS if kill.name == name] or [kill for kill in KILLS if name in kill.name]
    return random.choices(able, [kill.weight for kill in able])[0]


def _only_imagegen(_place: Place, command: Command, _random: Random) -> None:
    command.child.kill()


def _with_terraform(_place: Place, command: Command, _random: Random) -> None:
    processes.kill(one for one in processes.tree(command.child.pid) if not one.is_a(QEMU))


def _only_machine(place: Place, command: Command, _random: Random) -> None:
    """QEMU, or the provider where there is none; before either runs, imagegen itself."""
    victims = _victims(place)
    processes.kill(victims)
    if not victims:
        command.child.kill()


def _victims(place: Place) -> list[Program]:
    return [one for one in processes.of_folder(place.folder) if one.is_a(QEMU) or one.is_a(PROVIDER)]


def _everything(place: Place, _command: Command, _random: Random) -> None:
    """As when the computer goes off."""
    processes.kill_folder(place.folder)


def _interrupts(*numbers: signal.Signals) -> Callable[[Place, Command, Random], None]:
    def strike(_place: Place, command: Command, random: Random) -> None:
        while command.runs(0.01) and not processes.heeds(command.child.pid, signal.SIGTERM):
            pass  # Python itself is still starting: nothing is begun, and a signal just ends it
        for place, number in enumerate(numbers):
            if place and not command.runs(random.uniform(0, PAUSE_SECONDS)):
                return
            command.child.send_signal(number)
            time.sleep(0.01)

    return strike


ENDED = 0, 130
KILLED = 0, -signal.SIGKILL
KILLS = (
    Kill("kill imagegen", 4, KILLED, _only_imagegen),
    Kill("kill imagegen, Terraform, provider", 4, KILLED, _with_terraform),
    Kill("kill the machine or the provider", 2, (0, 1, -signal.SIGKILL), _only_machine),
    Kill("kill everything", 4, KILLED, _everything),
    Kill("SIGINT", 1, ENDED, _interrupts(signal.SIGINT)),
    Kill("SIGTERM", 1, ENDED, _interrupts(signal.SIGTERM)),
    Kill("SIGHUP", 1, ENDED, _interrupts(signal.SIGHUP)),
    Kill("SIGINT twice", 1, ENDED, _interrupts(signal.SIGINT, signal.SIGINT)),
    Kill("SIGTERM, SIGINT", 1, ENDED, _interrupts(signal.SIGTERM, signal.SIGINT)),
)
