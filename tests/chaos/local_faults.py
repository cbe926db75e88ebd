"""A local machine that does not come up, or cannot be reached."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from generator.errors import ImagegenError
from generator.local import machine, qmp
from tests.chaos.faults import Fault, Scene
from tests.chaos.local import LocalPlace
from tests.chaos.place import Command

SLOW_SECONDS = 20.0  # longer than a restored machine needs


def _machine_of(place: LocalPlace, command: Command) -> Path | None:
    """The folder of the build's machine, once QEMU runs in it; None when the build ends before."""
    while command.runs(0.05):
        for record in place.state_dir.glob(f"builds/*/*/{machine.RECORD}"):
            with suppress(ImagegenError, OSError, ValueError):
                if machine.running(record.parent):
                    return record.parent
    return None


@contextmanager
def no_forwarding(place: LocalPlace, random: Random) -> Iterator[Scene]:
    """SSH is refused for a while: the port leads nowhere, from some moment on."""
    wait, seconds = random.uniform(0, 3), random.uniform(1, 15)

    def during(command: Command) -> None:
        folder = _machine_of(place, command)
        if folder is None or not command.runs(wait):
            return
        port = json.loads((folder / machine.RECORD).read_text())["ssh_port"]
        _monitor(folder, f"hostfwd_remove net tcp:127.0.0.1:{port}")
        time.sleep(seconds)
        _monitor(folder, f"hostfwd_add net tcp:127.0.0.1:{port}-:22")

    yield Scene(f"for {seconds:.0f} s", during=during)


@contextmanager
def network_cut(place: LocalPlace, random: Random) -> Iterator[Scene]:
    """The machine's cable is pulled: for a while, or for good."""
    wait, seconds = random.uniform(0, 6), random.choice([2.0, 10.0, 10_000.0])

    def during(command: Command) -> None:
        folder = _machine_of(place, command)
        if folder is None or not command.runs(wait):
            return
        with suppress(OSError, ImagegenError):
            qmp.command(folder, "set_link", {"name": "net", "up": False}, seconds=10)
        if command.runs(min(seconds, 400)) and seconds < 1000:
            with suppress(OSError, ImagegenError):
                qmp.command(folder, "set_link", {"name": "net", "up": True}, seconds=10)

    yield Scene("for good" if seconds > 1000 else f"for {seconds:.0f} s", during=during)


def _monitor(folder: Path, line: str) -> None:
    with suppress(OSError, ImagegenError):
        qmp.command(folder, "human-monitor-command", {"command-line": line}, seconds=10)


@contextmanager
def saved_machine(place: LocalPlace, random: Random) -> Iterator[Scene]:
    """A saved machine is spoiled: it costs the time of a boot."""
    states = [path for path in (place.cache / "machines").glob("*.*/*") if path.is_file()]
    if not states:
        yield Scene("none there yet")
        return
    path = random.choice(states)
    size = path.stat().st_size
    path.chmod(0o644)
    way = random.choice(["cut off", "zeros", "gone"])
    if way == "gone":
        path.unlink()
    else:
        with path.open("r+b") as file:
            if way == "cut off":
                file.truncate(random.randrange(size))
            else:  # of the same size: only starting it tells
                at = random.randrange(max(1, size // 2))
                file.seek(at)
                for _ in range(min(64, (size - at) // 2**20 + 1)):
                    file.write(bytes(min(2**20, size - file.tell())))
    yield Scene(f"{path.name} {way}")
    place.forget_machines()  # a flipped bit in memory may show at any time later


@contextmanager
def never_boots(place: LocalPlace, random: Random) -> Iterator[Scene]:
    """The base is garbage, and its time may be as it was. Ten minutes are given to a boot; here it is interrupted."""
    unnoticed = random.random() < 0.5
    place.forget_machines()
    bases = place.cache / "bases"
    shutil.rmtree(bases.with_name("sound"), ignore_errors=True)
    bases.rename(bases.with_name("sound"))
    shutil.copytree(
        bases.with_name("sound"), bases, ignore=shutil.ignore_patterns("disk.raw"), copy_function=shutil.copy2
    )
    for sound in bases.with_name("sound").glob("*/disk.raw"):
        with (bases / sound.parent.name / "disk.raw").open("wb") as file:
            file.write(random.randbytes(2**20))
            file.truncate(sound.stat().st_size)
        if unnoticed:
            os.utime(file.name, ns=(0, sound.stat().st_mtime_ns))

    def during(command: Command) -> None:
        if command.runs(SLOW_SECONDS):
            command.child.send_signal(signal.SIGINT)

    try:
        yield Scene("unnoticed" if unnoticed else "", during=during, codes=(1, 130))
    finally:
        shutil.rmtree(bases)
        bases.with_name("sound").rename(bases)


@contextmanager
def cache_read_only(place: LocalPlace, random: Random) -> Iterator[Scene]:
    """Where saved machines would be is a file."""
    machines = place.cache / "machines"
    machines.rename(machines.with_name("kept")) if machines.exists() else machines.with_name("kept").mkdir()
    machines.write_text("no folder")
    try:
        yield Scene(codes=(0, 1))
    finally:
        machines.unlink()
        machines.with_name("kept").rename(machines)


FAULTS = (
    Fault("no SSH for a while", no_forwarding, ("local",), 4),
    Fault("network cut", network_cut, ("local",), 4, slow=True),
    Fault("spoiled saved machine", saved_machine, ("local",), 4, needs="cache"),
    Fault("machine never boots", never_boots, ("local",), 3, needs="cache"),
    Fault("no room for saved machines", cache_read_only, ("local",), 2, needs="cache"),
)
