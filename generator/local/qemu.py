"""QEMU: the command line of a machine, and its process."""

import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import ImagegenError
from generator.local import accelerator, host
from generator.local.accelerator import Name
from generator.process import Process
from generator.run import environment

DISK = "disk.qcow2"
VARIABLES = "firmware-variables.fd"
CONSOLE = "console.log"
LOG = "qemu.log"
ENDING = (signal.SIGINT, signal.SIGTERM)


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
    record names, not even when we are told to end meanwhile.
    """

    def prepare() -> None:
        record(Process.current())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    with (directory / LOG).open("wb") as log:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            return subprocess.Popen(
                list(argv), cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(),
                start_new_session=True, preexec_fn=prepare,  # noqa: PLW1509 - one thread
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            raise ImagegenError(f"the machine could not be recorded in {directory}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
