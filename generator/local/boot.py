"""How a machine comes up from its disk, and what is waited for."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from generator.errors import ImagegenError
from generator.local import console, files, host, images, network, overlay, qemu, qmp
from generator.local import guest_login as login
from generator.local.accelerator import Name
from generator.local.qemu import Memory
from generator.local.states import LIMIT
from generator.system import vms
from generator.system.process import Process
from generator.system.run import run

GIB = 1024**3
RESERVE = GIB  # bytes that a guest leaves of this computer's free disk, but at most a tenth of it
SLACK = 64 * images.MIB  # what a saved VM takes beyond the guest's memory
FULL = "io-error"  # QEMU's run state of a guest whose disk took a write no more
SOCKETS = ("agent.sock", "qmp.sock")
Record = Callable[[Process], None]  # writes down a new process, from within


@dataclass(frozen=True)
class Start:
    """What a machine is made of. `disk_gb` is in GiB, 0 for the backing disk's size; `directory` exists.

    digest: SHA-256 of the backing, where that never changes; states: the folder of saved machines, None to boot always;
    limit: bytes that those may take together; layer: the one of them to go on from, "" for that of the base;
    host_access: the guest may connect to this computer (network.py).
    """

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
    digest: str = ""
    states: Path | None = None
    limit: int = LIMIT
    layer: str = ""
    host_access: bool = False


def cold(wanted: Start, record: Record, deadline: float) -> None:
    """Boot a machine on a fresh overlay, and return when its login is set up and SSH answers.

    Raises ImagegenError when it does not come up before the deadline (time.monotonic); QEMU may run then.
    """
    directory = wanted.directory
    has, whole = disk_sizes(wanted)
    overlay.make(directory / qemu.DISK, wanted.backing, wanted.format, whole)
    seed = None
    identity = login.identity(directory, wanted.ssh_port)
    if wanted.seed == "nocloud":
        seed = login.seed_disk(directory, wanted.name, wanted.user, wanted.public_key, identity).name
    try:
        child = launch(wanted, record, deadline, seed_disk=seed)
        if wanted.seed == "agent":
            login.by_agent(
                directory,
                lambda: login.setup_script(
                    wanted.name, wanted.user, wanted.public_key, grow=whole > has, identity=identity, saved=False
                ),
                deadline,
            )
        else:
            until(lambda: login.READY in "\n".join(console.tail(directory, 200)), child, deadline, every=0.5)
        until(lambda: greets(wanted.ssh_port), child, deadline)
    except TimeoutError as error:
        raise _reason(wanted, f"the machine was not ready within {wanted.timeout_seconds:.0f} s") from error
    except OSError as error:  # the agent's connection broke: QEMU is gone
        raise _reason(wanted, "the machine ended while it booted") from error


def disk_sizes(wanted: Start) -> tuple[int, int]:
    """Bytes that the backing has, and that the disk over it shall have. Raises ImagegenError when those are fewer."""
    img = host.program("qemu-img")
    about = json.loads(run([img, "info", "--output=json", "-U", "-f", wanted.format, str(wanted.backing)]).stdout)
    size: int = about["virtual-size"]
    asked = wanted.disk_gb * GIB or size
    if asked < size:
        raise ImagegenError(f"a disk of {wanted.disk_gb} GiB is too small: the source has {size / GIB:.1f} GiB")
    return size, -(-asked // images.MIB) * images.MIB  # Azure takes whole MiB only


def launch(
    wanted: Start, record: Record, deadline: float, *, seed_disk: str | None = None, memory: Memory | None = None
) -> "subprocess.Popen[bytes]":
    """Start QEMU on the folder's disk and wait until it can be talked to.

    Raises OSError when that does not happen, ImagegenError in QEMU's words when it refuses.
    """
    directory = wanted.directory
    shutil.copyfile(host.FIRMWARE_VARIABLES, directory / qemu.VARIABLES)
    (directory / qemu.VARIABLES).chmod(0o600)
    for left in (qemu.CONSOLE, qemu.PID, *SOCKETS):
        (directory / left).unlink(missing_ok=True)
    shape = qemu.Shape(
        wanted.name, wanted.cores, wanted.memory_mb, wanted.ssh_port, wanted.accelerator, seed_disk, memory,
        wanted.host_access,
    )  # fmt: skip
    with ExitStack() as stack:
        filtered = None if wanted.host_access else stack.enter_context(network.filtered())
        workspace = stack.enter_context(vms.workspace_of(directory.parent))
        child = qemu.launch(
            [*qemu.arguments(shape, filtered), *qemu.sandbox()], directory, record, limit=_limit(wanted, memory),
            descriptors=(filtered.guest, filtered.outside) if filtered else (), workspace=workspace,
        )  # fmt: skip
    try:
        until(lambda: all((directory / name).exists() for name in SOCKETS), child, deadline)
        qmp.command(directory, "query-status", seconds=max(1.0, deadline - time.monotonic()))
    except BaseException as error:
        child.kill()
        child.wait()
        if isinstance(error, ConnectionError) and (said := qemu.words(directory)):
            raise ImagegenError(said) from error
        raise
    return child


def until(happened: Callable[[], bool], child: "subprocess.Popen[bytes]", deadline: float, every: float = 0.01) -> None:
    """Wait for something; ConnectionError when QEMU ends first, TimeoutError when the deadline comes."""
    while not happened():
        if child.poll() is not None:
            raise ConnectionError("QEMU ended")
        if time.monotonic() > deadline:
            raise TimeoutError("it took too long")
        time.sleep(every)


def greets(port: int) -> bool:
    """Whether an SSH server answers. QEMU accepts the connection itself, so only a banner counts."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(1)
            return connection.recv(8).startswith(b"SSH-")
    except OSError:
        return False


def full(directory: Path) -> ImagegenError | None:
    """Why the guest in a folder stands still, where its disk could not grow; None where it does not.

    A guest may fill its disk, which may be larger than what this computer has left.
    """
    with suppress(OSError, ImagegenError):
        if qmp.command(directory, "query-status")["status"] == FULL:
            taken = (directory / qemu.DISK).stat().st_size / GIB
            return ImagegenError(
                f"the VM was stopped: its disk takes {taken:.1f} GiB, and {directory} has no room for more",
                f"at least {RESERVE / GIB:.0f} GiB stays free (a tenth where there is less): make room, set"
                " IMAGEGEN_STATE_DIR to a folder on a larger disk, or let the steps write less",
            )
    return None


def _limit(wanted: Start, memory: Memory | None) -> int:
    """Bytes that a file may grow to which QEMU writes: the guest's disk, and the memory of a VM that is being saved."""
    free = os.statvfs(wanted.directory)
    left = free.f_bavail * free.f_frsize
    limit = left - min(RESERVE, left // 10)
    return max(limit, wanted.memory_mb * images.MIB + SLACK) if memory and memory.shared else limit


def _reason(wanted: Start, message: str) -> ImagegenError:
    """Why a machine did not come up. A base that seemed unchanged is looked at only now: its digest takes seconds."""
    if wanted.digest and images.digest(wanted.backing) != wanted.digest:
        return ImagegenError(f"{message}: its base is damaged", files.remaking(wanted.backing))
    return failure(wanted.directory, message)


def failure(directory: Path, message: str) -> ImagegenError:
    """An error that shows why: a disk that is full, what QEMU said, or else the end of the console."""
    if error := full(directory):
        return error
    said = [qemu.words(directory)] if qemu.words(directory) else console.tail(directory, 5)
    return ImagegenError(f"{message}: {' / '.join(said) or 'its console is empty'}")
