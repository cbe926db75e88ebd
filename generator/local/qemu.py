"""QEMU: the command line of a machine, and its process."""

import resource
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generator.errors import ImagegenError
from generator.local import accelerator, files, host
from generator.local.accelerator import Name
from generator.local.network import Filtered
from generator.system import private, vms
from generator.system.process import Process
from generator.system.run import environment, run

DISK = "disk.qcow2"
VARIABLES = "firmware-variables.fd"
CONSOLE = "console.log"
LOG = "qemu.log"
PID = "qemu.pid"  # QEMU removes it when it ends by itself, and not when it is killed or crashes
ENDING = (signal.SIGINT, signal.SIGTERM)
CONSOLE_BYTES = 1024**2  # what QEMU keeps of the console; a power of two
PRIVATE = 0o077  # umask: nobody else reads what a guest has on its disk or in its memory
# A guest that breaks out of QEMU starts no program and gets no rights (QEMU's manual, "-sandbox").
SANDBOX = ("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")


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
    """What QEMU is told of a machine: `seed_disk` is a file name in its folder, None for none; so is `memory`.

    host_access: the guest may connect to this computer.
    """

    name: str
    cores: int
    memory_mb: int
    ssh_port: int
    accelerator: Name
    seed_disk: str | None
    memory: Memory | None = None
    host_access: bool = False


def arguments(shape: Shape, network: Filtered | None) -> list[str]:
    """The command line of a machine; file names in it are relative to its folder.

    network: the filtered connection that its frames pass; None where it has host access.
    """
    machine = accelerator.machine_type(accelerator.qemu_version())
    argv = [
        host.program("qemu-system-x86_64"), "-name", f"{shape.name},process={vms.NAME}", "-nodefaults",
        "-display", "none", "-machine", f"{machine},accel={shape.accelerator},usb=off,vmport=off,memory-backend=pc.ram",
        "-cpu", accelerator.MODELS[shape.accelerator], "-smp", str(shape.cores), "-m", str(shape.memory_mb),
        *_memory(shape), "-rtc", "base=utc",
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={host.FIRMWARE_CODE}",
        "-drive", f"if=pflash,unit=1,format=raw,file={VARIABLES}",
        # A build that the host's crash interrupts starts anew anyway: the guest need not wait for the host's disk.
        # When a write fails, as on a full disk, the guest stands still; it would see a broken disk otherwise.
        "-drive",
        f"if=none,id=disk,format=qcow2,file={DISK},cache=unsafe,discard=unmap,detect-zeroes=unmap,werror=stop",
        "-device", "virtio-blk-pci,drive=disk,bootindex=0",
        *_network(shape, network),
        "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
        "-chardev", "socket,id=agent,path=agent.sock,server=on,wait=off",
        "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        # What a guest prints there without end takes no disk: QEMU keeps the last of it (console.py).
        "-chardev", f"ringbuf,id=console,size={CONSOLE_BYTES}", "-serial", "chardev:console",
        "-qmp", "unix:qmp.sock,server=on,wait=off", "-pidfile", PID,
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


def _network(shape: Shape, filtered: Filtered | None) -> list[str]:
    """The network card and the user network, connected through the filter where there is one (network.py)."""
    # Without IPv6: a host that has none would answer late to every address of that kind.
    user = f"user,id=net,ipv6=off,hostfwd=tcp:127.0.0.1:{shape.ssh_port}-:22"
    if filtered is None:
        return ["-netdev", user, "-device", "virtio-net-pci,netdev=net,romfile="]
    return [
        "-netdev", user, "-netdev", f"socket,id=outside,fd={filtered.outside}",
        "-netdev", "hubport,id=hub-net,hubid=0,netdev=net", "-netdev", "hubport,id=hub-outside,hubid=0,netdev=outside",
        "-netdev", f"socket,id=guest,fd={filtered.guest}", "-device", "virtio-net-pci,netdev=guest,romfile=",
    ]  # fmt: skip


def sandbox() -> tuple[str, ...]:
    """The options that shut QEMU in, where this build of it can (seccomp); none elsewhere."""
    return SANDBOX if _has_sandbox(host.program("qemu-system-x86_64")) else ()


@cache
def _has_sandbox(program: str) -> bool:
    return run([program, *SANDBOX, "--version"], check=False).code == 0


def words(directory: Path) -> str:
    """What QEMU itself said of a failure, its last line; empty where it said nothing."""
    said = (line for line in files.tail(directory / LOG, 20) if ": warning: " not in line)
    return ([line.removeprefix("qemu-system-x86_64: ") for line in said] or [""])[-1]


def ended_by_itself(directory: Path) -> bool:
    """Whether the QEMU of a folder, which has ended, did so because its guest powered off."""
    told_to = any(": terminating on signal" in line for line in files.tail(directory / LOG, 20))
    return not (directory / PID).exists() and not told_to


def launch(
    argv: Sequence[str], directory: Path, record: Callable[[Process], None], *, limit: int = 0,
    descriptors: Sequence[int] = (), workspace: int | None = None,
) -> "subprocess.Popen[bytes]":  # fmt: skip
    """Start QEMU in a session of its own, so that it outlives us and a Ctrl-C at our terminal.

    limit: bytes that a file may grow to that it writes, 0 for any; descriptors: those that it inherits, and
    `workspace`, the folder of its build's workspace, by which it is found (vms.py).

    `record` is called in the new process before it becomes QEMU: there is no moment in which a machine runs that no
    record names, not even when we are told to end meanwhile.
    """

    def prepare() -> None:
        record(Process.current())
        if limit:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # it gets an error instead
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    known = {} if workspace is None else {vms.DESCRIPTOR: str(workspace)}
    inherited = (*descriptors, *(() if workspace is None else (workspace,)))
    with private.writing(directory / LOG) as log:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            return subprocess.Popen(
                list(argv), cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(known),
                start_new_session=True, umask=PRIVATE, pass_fds=inherited,
                preexec_fn=prepare,  # noqa: PLW1509 - one thread
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            raise ImagegenError(f"the machine could not be recorded in {directory}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
