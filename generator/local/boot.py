"""How a machine comes up from its disk, and what is waited for."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from generator.errors import ImagegenError
from generator.local import files, host, images, login, qemu
from generator.local.accelerator import Name
from generator.local.qemu import Memory
from generator.local.states import LIMIT
from generator.process import Process
from generator.run import run

GIB = 1024**3
SOCKETS = ("agent.sock", "qmp.sock")
Record = Callable[[Process], None]  # writes down a new process, from within


@dataclass(frozen=True)
class Start:
    """What a machine is made of. `disk_gb` is in GiB, 0 for the backing disk's size; `directory` exists.

    digest: SHA-256 of the backing, where that never changes; states: the folder of saved machines, None to boot always;
    limit: bytes that those may take together; layer: the one of them to go on from, "" for that of the base.
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


def cold(wanted: Start, record: Record, deadline: float) -> None:
    """Boot a machine on a fresh overlay, and return when its login is set up and SSH answers.

    Raises ImagegenError when it does not come up before the deadline (time.monotonic); QEMU may run then.
    """
    directory = wanted.directory
    has, whole = disk_sizes(wanted)
    overlay(directory / qemu.DISK, wanted.backing, wanted.format, whole)
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
            until(lambda: login.READY in "\n".join(files.tail(directory / qemu.CONSOLE, 200)), child, deadline)
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


def overlay(disk: Path, backing: Path, form: str, size: int) -> None:
    """Make a disk that a machine writes to, over another that is only read. A running machine may have that open."""
    disk.unlink(missing_ok=True)
    # Clusters of one block of the file system: whatever the guest discards really goes, and is in no image.
    options = ("-u", "-f", "qcow2", "-o", "cluster_size=4k", "-b", str(backing.absolute()), "-F", form)
    run([host.program("qemu-img"), "create", "-q", *options, str(disk), str(size)])


def launch(
    wanted: Start, record: Record, deadline: float, *, seed_disk: str | None = None, memory: Memory | None = None
) -> "subprocess.Popen[bytes]":
    """Start QEMU on the folder's disk and wait until it can be talked to. Raises OSError when that does not happen."""
    directory = wanted.directory
    shutil.copyfile(host.FIRMWARE_VARIABLES, directory / qemu.VARIABLES)
    for left in (qemu.CONSOLE, *SOCKETS):
        (directory / left).unlink(missing_ok=True)
    shape = qemu.Shape(
        wanted.name, wanted.cores, wanted.memory_mb, wanted.ssh_port, wanted.accelerator, seed_disk, memory
    )
    child = qemu.launch(qemu.arguments(shape), directory, record)
    until(lambda: all((directory / name).exists() for name in SOCKETS), child, deadline)
    return child


def until(happened: Callable[[], bool], child: "subprocess.Popen[bytes]", deadline: float) -> None:
    """Wait for something; ConnectionError when QEMU ends first, TimeoutError when the deadline comes."""
    while not happened():
        if child.poll() is not None:
            raise ConnectionError("QEMU ended")
        if time.monotonic() > deadline:
            raise TimeoutError("it took too long")
        time.sleep(0.01)


def greets(port: int) -> bool:
    """Whether an SSH server answers. QEMU accepts the connection itself, so only a banner counts."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(1)
            return connection.recv(8).startswith(b"SSH-")
    except OSError:
        return False


def _reason(wanted: Start, message: str) -> ImagegenError:
    """Why a machine did not come up. A base that seemed unchanged is looked at only now: its digest takes seconds."""
    if wanted.digest and images.digest(wanted.backing) != wanted.digest:
        return ImagegenError(f"{message}: its base is damaged", files.remaking(wanted.backing))
    return failure(wanted.directory, message)


def failure(directory: Path, message: str) -> ImagegenError:
    """An error that shows what QEMU said, or else the end of the console."""
    said = files.tail(directory / qemu.LOG, 3) or files.tail(directory / qemu.CONSOLE, 5) or ["its console is empty"]
    return ImagegenError(f"{message}: {' / '.join(said)}", f"the whole console is in {directory / qemu.CONSOLE}")
