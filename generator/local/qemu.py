"""QEMU: the command line of a machine, and its process."""

import os
import select
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import ImagegenError
from generator.local import accelerator, host
from generator.local.accelerator import Name
from generator.run import environment

DISK = "disk.qcow2"
VARIABLES = "firmware-variables.fd"
CONSOLE = "console.log"
LOG = "qemu.log"


@dataclass(frozen=True)
class Process:
    """A process by its id and start time (field 22 of /proc/PID/stat, clock ticks): ids are used again."""

    pid: int
    start_time: int

    @classmethod
    def current(cls) -> "Process":
        """This process; it stays the same through exec."""
        return cls(os.getpid(), _start_time(os.getpid()) or 0)

    def alive(self) -> bool:
        """Whether it still runs."""
        return _start_time(self.pid) == self.start_time

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False when it still runs after that time."""
        handle = self._handle()
        if handle is None:
            return True
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(max(0.0, seconds) * 1000))
        finally:
            os.close(handle)

    def end(self, number: signal.Signals) -> None:
        """Send a signal to it, and never to another that got its id."""
        handle = self._handle()
        if handle is None:
            return
        try:
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)

    def _handle(self) -> int | None:
        """A descriptor of this very process, None when it has ended."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.alive():  # asked after the open: the descriptor cannot change hands
            return handle
        os.close(handle)
        return None


def _start_time(pid: int) -> int | None:
    """When a process started, None when there is none, or only its remains."""
    try:
        # The name in parentheses may hold anything; state is the first field after it, field 3.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


@dataclass(frozen=True)
class Memory:
    """Where the guest's memory lies: in a file, or (None) in none.

    shared: the machine writes to the file, so that it can be saved; else it maps the file for itself, and waits for
    the rest of its state (QMP `migrate-incoming`).
    """

    file: Path | None
    shared: bool


@dataclass(frozen=True)
class Shape:
    """What QEMU is told of a machine: `seed_disk` is a file name in its folder, None for none; so is `memory`."""

    name: str
    cores: int
    memory_mb: int
    ssh_port: int
    accelerator: Name
    seed_disk: str | None
    memory: Memory | None = None


def arguments(shape: Shape) -> list[str]:
    """The command line of a machine; file names in it are relative to its folder."""
    machine = accelerator.machine_type(accelerator.qemu_version())
    argv = [
        host.program("qemu-system-x86_64"), "-name", f"{shape.name},process=imagegen", "-nodefaults",
        "-display", "none", "-machine", f"{machine},accel={shape.accelerator},usb=off,vmport=off,memory-backend=pc.ram",
        "-cpu", accelerator.MODELS[shape.accelerator], "-smp", str(shape.cores), "-m", str(shape.memory_mb),
        *_memory(shape), "-rtc", "base=utc",
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={host.FIRMWARE_CODE}",
        "-drive", f"if=pflash,unit=1,format=raw,file={VARIABLES}",
        # A build that the host's crash interrupts starts anew anyway: the guest need not wait for the host's disk.
        "-drive", f"if=none,id=disk,format=qcow2,file={DISK},cache=unsafe,discard=unmap,detect-zeroes=unmap",
        "-device", "virtio-blk-pci,drive=disk,bootindex=0",
        # Without IPv6: a host that has none would answer late to every address of that kind.
        "-netdev", f"user,id=net,ipv6=off,hostfwd=tcp:127.0.0.1:{shape.ssh_port}-:22",
        "-device", "virtio-net-pci,netdev=net,romfile=",
        "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
        "-chardev", "socket,id=agent,path=agent.sock,server=on,wait=off",
        "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        "-serial", f"file:{CONSOLE}", "-qmp", "unix:qmp.sock,server=on,wait=off",
    ]  # fmt: skip
    if shape.seed_disk:
        argv += ["-drive", f"if=virtio,format=raw,readonly=on,file={shape.seed_disk}"]
    return argv


def _memory(shape: Shape) -> list[str]:
    """The guest's memory, under the one name that a saved machine knows it by."""
    about = f"id=pc.ram,size={shape.memory_mb}M"
    backend = f"memory-backend-ram,{about}"
    if shape.memory and shape.memory.file:
        path = str(shape.memory.file).replace(",", ",,")
        backend = f"memory-backend-file,{about},mem-path={path},share={'on' if shape.memory.shared else 'off'}"
    waiting = ["-incoming", "defer"] if shape.memory and not shape.memory.shared else []
    return ["-object", backend, *waiting]


def launch(argv: Sequence[str], directory: Path, record: Callable[[Process], None]) -> "subprocess.Popen[bytes]":
    """Start QEMU in a session of its own, so that it outlives us and a Ctrl-C at our terminal.

    `record` is called in the new process before it becomes QEMU: there is no moment in which a machine runs that no
    record names.
    """
    with (directory / LOG).open("wb") as log:
        try:
            return subprocess.Popen(
                list(argv), cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(),
                start_new_session=True, preexec_fn=lambda: record(Process.current()),  # noqa: PLW1509 - one thread
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            raise ImagegenError(f"the machine could not be recorded in {directory}") from error
