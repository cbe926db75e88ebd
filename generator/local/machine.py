"""The local machine as a program for Terraform: `python -P -m generator.local.machine VERB JSON`."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from generator.errors import ImagegenError, Interrupted
from generator.local import files, host, images, login, qemu, qmp
from generator.local.accelerator import Name
from generator.local.qemu import Process
from generator.run import run

RECORD = "machine.json"
GIB = 1024**3
POWERED_OFF = "reboot: Power down"  # the kernel's last word, whatever its log level


@dataclass(frozen=True)
class Machine:
    """A running machine, as recorded in its folder."""

    name: str
    pid: int
    start_time: int
    ssh_port: int
    user: str
    accelerator: str

    @property
    def process(self) -> Process:
        """QEMU itself."""
        return Process(self.pid, self.start_time)


@dataclass(frozen=True)
class Start:
    """What a machine is made of. `disk_gb` is in GiB, 0 for the backing disk's size; `directory` exists."""

    directory: Path
    backing: Path
    format: Literal["raw", "qcow2"]
    seed: Literal["agent", "nocloud"]
    name: str
    cores: int
    memory_mb: int
    disk_gb: int
    ssh_port: int
    user: str
    public_key: str
    accelerator: Name
    timeout_seconds: float


def running(directory: Path) -> Machine | None:
    """The machine of a folder while it runs."""
    machine = _recorded(directory)
    return machine if machine and machine.process.alive() else None


def start(wanted: Start, report: Callable[[str], None] = print) -> Machine:
    """Boot a machine on a fresh overlay and return when `user` can log in by SSH and use sudo.

    A machine that runs in the folder is ended first. Raises ImagegenError, with QEMU ended, when it does not come up
    within the time.
    """
    directory = wanted.directory
    login.check(wanted.name, wanted.user, wanted.public_key)
    stop(directory)
    grown = _make_disk(wanted)
    shutil.copyfile(host.FIRMWARE_VARIABLES, directory / qemu.VARIABLES)
    (directory / qemu.CONSOLE).unlink(missing_ok=True)
    seed = None
    if wanted.seed == "nocloud":
        seed = login.seed_disk(directory, wanted.name, wanted.user, wanted.public_key).name
    argv = qemu.arguments(
        qemu.Shape(wanted.name, wanted.cores, wanted.memory_mb, wanted.ssh_port, wanted.accelerator, seed)
    )
    began = time.monotonic()
    report(f"booting {wanted.name} ({wanted.accelerator})")
    try:
        child = qemu.launch(argv, directory, lambda process: _record(wanted, process))
        _come_up(wanted, child, grown, began + wanted.timeout_seconds)
    except BaseException:
        stop(directory)
        raise
    report(f"ssh ready after {time.monotonic() - began:.1f} s ({wanted.accelerator})")
    machine = running(directory)
    if machine is None:
        raise _failure(directory, "the machine ended at once")
    return machine


def stop(directory: Path) -> None:
    """End the machine of a folder now, if one runs, and forget it. May be called again."""
    machine = running(directory)
    if machine:
        with suppress(OSError, ImagegenError, ValueError):  # by a signal, then
            qmp.command(directory, "quit", seconds=2)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if machine.process.wait(2):
                break
            machine.process.end(number)
        machine.process.wait(10)
    (directory / RECORD).unlink(missing_ok=True)


def wait_off(directory: Path, timeout_seconds: float) -> None:
    """Wait until the guest has powered itself off; after the time it is asked to, once, and given 20 s.

    Raises ImagegenError when it stays on, or when QEMU ended in another way: its disk may be half written.
    """
    machine = running(directory)
    if machine and not machine.process.wait(timeout_seconds):
        with suppress(OSError, ImagegenError, ValueError):  # it may have gone off just now
            qmp.command(directory, "system_powerdown")
        if not machine.process.wait(20):
            raise _failure(directory, f"the machine did not power off within {timeout_seconds:.0f} s")
    if not any(POWERED_OFF in line for line in files.tail(directory / qemu.CONSOLE, 20)):
        raise _failure(directory, "the machine ended without powering itself off")
    (directory / RECORD).unlink(missing_ok=True)


def _record(wanted: Start, process: Process) -> None:
    """Write down the machine's process, so that whoever comes next can end it."""
    machine = Machine(
        wanted.name, process.pid, process.start_time, wanted.ssh_port, wanted.user, wanted.accelerator
    )  # fmt: skip
    files.write(wanted.directory / RECORD, json.dumps(asdict(machine)) + "\n")


def _recorded(directory: Path) -> Machine | None:
    """The machine that a folder's record names."""
    try:
        return Machine(**json.loads((directory / RECORD).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ImagegenError(f"{directory / RECORD} is damaged: {error}", "end its QEMU by hand, remove it") from error


def _make_disk(wanted: Start) -> bool:
    """Make the overlay that the machine writes to. True when it is larger than what lies beneath."""
    img = host.program("qemu-img")
    about = json.loads(run([img, "info", "--output=json", "-U", "-f", wanted.format, str(wanted.backing)]).stdout)
    size: int = about["virtual-size"]
    asked = wanted.disk_gb * GIB or size
    if asked < size:
        raise ImagegenError(f"a disk of {wanted.disk_gb} GiB is too small: the source has {size / GIB:.1f} GiB")
    whole: int = -(-asked // images.MIB) * images.MIB  # Azure takes whole MiB only
    disk = wanted.directory / qemu.DISK
    disk.unlink(missing_ok=True)
    backing = ("-b", str(wanted.backing.absolute()), "-F", wanted.format)
    # Clusters of one block of the file system: whatever the guest discards really goes, and is in no image.
    run([img, "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", *backing, str(disk), str(whole)])
    return whole > size


def _come_up(wanted: Start, child: "subprocess.Popen[bytes]", grown: bool, deadline: float) -> None:
    """Set up the login and wait for sshd. Raises ImagegenError with the console's last lines when that fails."""
    directory = wanted.directory
    try:
        _until(lambda: (directory / "agent.sock").exists() and (directory / "qmp.sock").exists(), child, deadline)
        if wanted.seed == "agent":
            script = partial(login.setup_script, wanted.name, wanted.user, wanted.public_key, grown)
            login.by_agent(directory, script, deadline)
        else:
            _until(lambda: login.READY in "\n".join(files.tail(directory / qemu.CONSOLE, 200)), child, deadline)
        _until(lambda: _greets(wanted.ssh_port), child, deadline)
    except TimeoutError as error:
        raise _failure(directory, f"the machine was not ready within {wanted.timeout_seconds:.0f} s") from error
    except OSError as error:  # the agent's connection broke: QEMU is gone
        raise _failure(directory, "the machine ended while it booted") from error


def _until(happened: Callable[[], bool], child: "subprocess.Popen[bytes]", deadline: float) -> None:
    """Wait for something; ConnectionError when QEMU ends first, TimeoutError when the deadline comes."""
    while not happened():
        if child.poll() is not None:
            raise ConnectionError
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def _greets(port: int) -> bool:
    """Whether an SSH server answers. QEMU accepts the connection itself, so only a banner counts."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(1)
            return connection.recv(8).startswith(b"SSH-")
    except OSError:
        return False


def _failure(directory: Path, message: str) -> ImagegenError:
    """An error that shows what QEMU said, or else the end of the console."""
    said = files.tail(directory / qemu.LOG, 3) or files.tail(directory / qemu.CONSOLE, 5) or ["its console is empty"]
    return ImagegenError(f"{message}: {' / '.join(said)}", f"the whole console is in {directory / qemu.CONSOLE}")


def _arguments(text: str) -> dict[str, Any]:
    """The JSON object of the command line."""
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise ImagegenError(f"the argument is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ImagegenError("the argument is not a JSON object")
    paths = ("directory", "backing", "source", "destination")
    return {name: Path(value) if name in paths else value for name, value in fields.items()}


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
        try:
            verb(**fields)
        except TypeError as error:
            raise ImagegenError(f"{argv[0]}: {error}") from error
    except ImagegenError as error:
        print(error.message, file=sys.stderr)  # noqa: T201
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
