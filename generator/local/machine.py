"""The local machine as a program for Terraform: `python -P -m generator.local.machine VERB JSON`."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from generator.errors import ImagegenError, Interrupted, in_words
from generator.local import boot, images, layers, pace, qemu, qmp, states, warm
from generator.local import guest_login as login
from generator.local.boot import GIB, Start
from generator.local.states import Ground, State
from generator.system import vms
from generator.system.process import Process
from generator.system.records import from_json, private_write, to_json

__all__ = ["VERBS", "Machine", "Start", "main", "running", "save", "start", "stop", "unpause", "wait_off"]
RECORD = "machine.json"
KILL_SECONDS = 60.0  # for the kernel to take down a process that was killed
LOOK_SECONDS = 5.0  # between two looks at a guest that is to power off


class DamagedRecord(ImagegenError):
    """What tells of a machine tells it no more."""


@dataclass(frozen=True)
class Machine:
    """A running machine, as recorded in its folder."""

    name: str
    pid: int
    start_time: int
    ssh_port: int
    user: str
    accelerator: str
    started: Literal["cold", "warm"] = "cold"
    layer: str = ""  # what it went on from, where that was a layer
    backing: str = ""  # the base that it stands on, and its digest
    digest: str = ""

    @property
    def process(self) -> Process:
        """QEMU itself."""
        return Process(self.pid, self.start_time)


_KINDS = {
    "name": str, "pid": int, "start_time": int, "ssh_port": int, "user": str, "accelerator": str, "started": str,
    "layer": str, "backing": str, "digest": str,
}  # fmt: skip


def running(directory: Path) -> Machine | None:
    """The machine of a folder while it runs."""
    machine = _recorded(directory)
    return machine if machine and machine.process.alive() and vms.works_in(machine.process, directory) else None


def start(wanted: Start, report: Callable[[str], None] = print) -> Machine:
    """Start a machine on a fresh overlay and return when `user` can log in by SSH and use sudo.

    It goes on from a saved machine where `wanted.states` allows that and one can be had, else it boots; the record
    says which. A machine that runs in the folder is ended first. Raises ImagegenError, with QEMU ended, when it does
    not come up within the time, or not from `wanted.layer`: whoever asks for that relies on what it holds.
    """
    directory = wanted.directory
    login.check(wanted.name, wanted.user, wanted.public_key)
    stop(directory)
    deadline = time.monotonic() + wanted.timeout_seconds
    if wanted.states and (slow := pace.note(wanted.states.parent)):
        report(slow)
    try:
        state = _layer(wanted) if wanted.layer else warm.ready(wanted, report, deadline)
        began = time.monotonic()
        if state is None or not _start_warm(wanted, state, report):
            if wanted.layer:
                raise ImagegenError("the cached steps are gone")
            report(f"booting {wanted.name} ({wanted.accelerator})")
            boot.cold(wanted, partial(_record, wanted, "cold"), deadline)
            if wanted.states:
                pace.remember(wanted.states.parent, time.monotonic() - began)
    except BaseException:
        stop(directory)
        raise
    machine = running(directory)
    if machine is None:
        raise boot.failure(directory, "the machine ended at once")
    _end_at_restart(directory)
    _reached(directory)
    report(f"ssh ready after {time.monotonic() - began:.1f} s ({wanted.accelerator}, {machine.started} start)")
    return machine


def _end_at_restart(directory: Path) -> None:
    """Let QEMU exit when the guest restarts: no step may do that, and so the build notices at once.

    While the VM starts it may: some images restart in their first boot.
    """
    with suppress(OSError, ImagegenError, ValueError):
        qmp.command(directory, "set-action", {"reboot": "shutdown"}, seconds=60)


def _layer(wanted: Start) -> State | None:
    """The layer to go on from, claimed for this machine; None when it is gone."""
    return states.claim(wanted.states, wanted.layer, wanted.directory, warm.ground(wanted)) if wanted.states else None


def _start_warm(wanted: Start, state: State, report: Callable[[str], None]) -> bool:
    """Go on from a saved machine; False, with nothing running, where that does not work."""
    try:
        warm.start(wanted, state, partial(_record, wanted, "warm"))
    except Interrupted:
        raise
    except (ImagegenError, OSError) as error:
        tried = (wanted.directory / RECORD).exists()  # else QEMU was not started: a full disk is not the state's fault
        stop(wanted.directory)
        if tried:
            states.discard(state, wanted.directory)
        report(f"the saved machine does not go on ({error or type(error).__name__})")
        return False
    return True


def stop(directory: Path) -> None:
    """End the machine of a folder now, if one runs, and forget it. May be called again, also where the folder is gone.

    Raises ImagegenError when it still runs afterwards.
    """
    if process := _process(directory):
        with suppress(OSError, ImagegenError, ValueError):  # by a signal, then
            qmp.command(directory, "quit", seconds=2)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.wait(2):
                break
            try:
                process.end(number)
            except PermissionError as error:
                message = f"the VM in {directory} (process {process.pid}) belongs to another user"
                raise ImagegenError(message, "run the command as that user") from error
        if not process.wait(KILL_SECONDS):
            raise ImagegenError(f"the VM in {directory} (process {process.pid}) was killed and still runs")
    (directory / RECORD).unlink(missing_ok=True)


def save(
    directory: Path, root: Path, layer: str, *, limit: int = states.LIMIT, about: str = "",
    report: Callable[[str], None] = print,
) -> None:  # fmt: skip
    """Keep the running machine as a layer: a later start with this `layer` goes on from here.

    It runs on, whether or not it could be kept: `report` is told.
    """
    began = time.monotonic()
    try:
        machine = _recorded(directory)
        if machine is None or not machine.digest:
            raise ImagegenError("its base is not known")
        kept = layers.save(directory, root, layer, Ground(Path(machine.backing), machine.digest), about)
        _reached(directory)
        taken = kept.size() if kept else 0
        gone = states.prune(root, limit)
    except Interrupted:
        raise
    except (ImagegenError, OSError, ValueError) as error:
        report(f"the machine was not kept ({error or type(error).__name__})")
        return
    if kept in gone:
        report(f"not kept: its {taken / images.MIB:.0f} MiB are more than the setting cache_size leaves room for")
    elif kept:
        report(f"kept for later builds in {time.monotonic() - began:.1f} s, {taken / images.MIB:.0f} MiB")


def unpause(directory: Path) -> None:
    """Let a machine run on that stands still because its saving was cut off; any other runs on anyway."""
    with suppress(OSError, ImagegenError, ValueError):
        qmp.command(directory, "cont", seconds=5)


def wait_off(directory: Path, timeout_seconds: float) -> None:
    """Wait until the guest has powered itself off; after the time it is asked to, once, and given 20 s.

    Raises ImagegenError when it stays on, when it cannot go on, or when QEMU ended in another way: its disk may be half
    written.
    """
    machine = running(directory)
    deadline = time.monotonic() + timeout_seconds
    while machine and not machine.process.wait(min(LOOK_SECONDS, max(0.0, deadline - time.monotonic()))):
        if error := boot.full(directory):
            raise error
        if time.monotonic() < deadline:
            continue
        with suppress(OSError, ImagegenError):  # it may have gone off just now
            qmp.command(directory, "system_powerdown")
        if not machine.process.wait(20):
            raise boot.failure(directory, f"the machine did not power off within {timeout_seconds:.0f} s")
    if not qemu.ended_by_itself(directory):
        raise boot.failure(directory, "the machine ended without powering itself off")
    (directory / RECORD).unlink(missing_ok=True)


def _reached(directory: Path) -> None:
    """Let the record's time say since when later builds would have to do again what the machine does (keep.sh)."""
    os.utime(directory / RECORD)


def _record(wanted: Start, started: Literal["cold", "warm"], process: Process) -> None:
    """Write down the machine's process, so that whoever comes next can end it.

    By name only: the process is in the machine's folder, and no machine shall run where that is gone.
    """
    machine = Machine(
        wanted.name, process.pid, process.start_time, wanted.ssh_port, wanted.user, wanted.accelerator, started,
        wanted.layer, str(wanted.backing), wanted.digest,
    )  # fmt: skip
    private_write(Path(RECORD), to_json(asdict(machine)), sync=True)


def _process(directory: Path) -> Process | None:
    """The machine's process: the recorded one. Where the record tells of none, it is whoever listens at its socket, or
    the VM of this user that works there."""
    with suppress(DamagedRecord):
        if machine := running(directory):
            return machine.process
    found = (vm.process for vm in vms.running() if vms.works_in(vm.process, directory))
    return qmp.listener(directory) or next(found, None)


def _recorded(directory: Path) -> Machine | None:
    """The machine that a folder's record names."""
    try:
        return Machine(**from_json((directory / RECORD).read_bytes(), _KINDS))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise DamagedRecord(
            f"{directory / RECORD} is damaged: {error}", "`imagegen cleanup DIR` ends its machine"
        ) from error


def _arguments(text: str) -> dict[str, Any]:
    """The JSON object of the command line."""
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise ImagegenError(f"the argument is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ImagegenError("the argument is not a JSON object")
    paths = ("directory", "backing", "source", "destination", "states")
    return {name: (Path(value) if value else None) if name in paths else value for name, value in fields.items()}


def _image(source: Path, destination: Path, manifest: dict[str, Any]) -> None:
    """The verb `image`."""
    whole = images.convert(source, destination, manifest)
    print(f"{destination / images.IMAGE}: {whole['virtual_size'] / GIB:.1f} GiB, sha256 {whole['sha256']}")  # noqa: T201


def _say(line: str) -> None:
    """A line of progress, at once: Terraform shows it as it comes."""
    print(line, flush=True)  # noqa: T201


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(f"ended by {signal.Signals(number).name}")


VERBS: dict[str, Callable[..., object]] = {
    "start": lambda **fields: start(Start(**fields), _say),
    "save": lambda directory, states, layer, **about: save(directory, states, layer, report=_say, **about),
    "stop": stop,
    "wait-off": wait_off,
    "image": _image,
}


def main(argv: list[str]) -> int:
    """Run one verb. Returns the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        if len(argv) != 2 or argv[0] not in VERBS:
            raise ImagegenError(f"usage: machine {'|'.join(VERBS)} JSON")
        verb, fields = VERBS[argv[0]], _arguments(argv[1])
        if argv[0] != "image":  # that one is for others to read
            os.umask(qemu.PRIVATE)
        try:
            verb(**fields)
        except TypeError as error:
            raise ImagegenError(f"{argv[0]}: {error}") from error
    except ImagegenError as error:
        print(error.message, file=sys.stderr)  # noqa: T201
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except OSError as error:
        print(in_words(error), file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
