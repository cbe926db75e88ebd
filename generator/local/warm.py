"""Warm starts: a base boots once for a machine's shape and is saved; later machines go on from there.

Nothing is copied. A machine maps the saved memory for itself and writes its disk to an overlay over the saved one.
QEMU's migration with `x-ignore-shared` saves and restores all but the memory, which lies in a file from the start.
"""

import ctypes
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from generator.errors import ImagegenError, Interrupted
from generator.local import accelerator, boot, host, images, overlay, pace, qemu, states
from generator.local import guest_login as login
from generator.local.boot import Record, Start
from generator.local.network import Filtered
from generator.local.qemu import Memory
from generator.local.qmp import Agent, Channel
from generator.local.states import Ground, State

UNLIMITED = 2**40  # bytes a second; what QEMU takes for a network otherwise
RESTORE_SECONDS = 180  # a machine that was saved answers in half a second; the rest is for a computer that is busy
# The last of a boot, and what every machine would do first. Nothing of it but the page cache outlives the machine: /run
# is no part of a disk.
SEAL = """set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
systemctl is-system-running --wait >/dev/null || true
/lib/systemd/systemd-networkd-wait-online --timeout=60
# An emulated processor starts sshd anew for each login in half a second; without that (-r) a login takes half as long.
mkdir -p /run/systemd/system/ssh.service.d
printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/sshd -D -r\\n' >/run/systemd/system/ssh.service.d/fork.conf
systemctl daemon-reload
systemctl restart ssh
# Read from the disk while nobody waits: what logins, steps and the deprovisioning start.
for program in apt-get base64 bash find fold fstrim mkfifo mktemp perl scp setsid stdbuf sudo truncate useradd; do
    "$program" --help >/dev/null 2>&1 </dev/null || true
done
waagent -version >/dev/null 2>&1 || true
# What every machine must have of its own is in no state.
rm -f /etc/ssh/ssh_host_* /var/lib/systemd/random-seed
sync
"""


def key(wanted: Start) -> str:
    """What a machine of this base and shape is saved under: a digest of all that its state depends on."""
    memory = Memory(Path("/"), shared=False)
    shape = qemu.Shape("", wanted.cores, wanted.memory_mb, 0, wanted.accelerator, None, memory, wanted.host_access)
    argv = qemu.arguments(shape, None if wanted.host_access else Filtered(0, 0))
    parts = [wanted.digest, images.digest(host.FIRMWARE_CODE), accelerator.qemu_version(), argv, SEAL]
    if wanted.accelerator == "kvm":
        parts.append(_processor())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def layer_keys(wanted: Start, contents: Iterable[str]) -> list[str]:
    """What a machine of this base, shape and disk size is saved under after all that each content stands for."""
    start = f"{key(wanted)} {wanted.disk_gb}"
    return [hashlib.sha256(f"{start} {content}".encode()).hexdigest()[:32] for content in contents]


def possible(wanted: Start) -> bool:
    """Whether the machine may go on from a saved one: the disk never changes, and its login needs no boot."""
    return bool(wanted.states and wanted.digest and wanted.seed == "agent")


def ground(wanted: Start) -> Ground:
    """The base that the machine stands on."""
    return Ground(wanted.backing, wanted.digest)


def ready(wanted: Start, report: Callable[[str], None], deadline: float) -> State | None:
    """The base's saved machine, made now where it is missing, and claimed for this one. None when there is none.

    Machines that only differ in name, user, disk size and the like share one of a base.
    """
    root = wanted.states
    if root is None or not possible(wanted):
        return None
    deadline -= (deadline - time.monotonic()) / 2  # the rest is for a boot, where this fails
    try:
        name = key(wanted)
        if state := states.claim(root, name, wanted.directory, ground(wanted)):
            return state
        with states.making(root, name, deadline) as folder:
            if state := states.claim(root, name, wanted.directory, ground(wanted)):  # another has just made it
                return state
            report(f"booting once to save a machine of {wanted.cores} cores and {wanted.memory_mb} MiB")
            began = time.monotonic()
            _make(replace(wanted, directory=folder, disk_gb=0), deadline)
            about = f"as booted (cores {wanted.cores}, {wanted.memory_mb} MiB)"
            made = states.publish(folder, ground(wanted), wanted.backing, about)
            report(f"saved after {time.monotonic() - began:.1f} s, {made.size() / images.MIB:.0f} MiB")
        state = states.claim(root, name, wanted.directory, ground(wanted))
        states.prune(root, wanted.limit)
        return state
    except Interrupted:
        raise
    except (ImagegenError, OSError, ValueError) as error:
        report(f"no machine was saved ({error or type(error).__name__})")
        return None


def start(wanted: Start, state: State, record: Record) -> None:
    """Go on from a saved machine: give it this one's identity, login and disk size; return when SSH answers.

    Raises ImagegenError or OSError when it does not go on, in QEMU's own words where it said something; QEMU may run
    then.
    """
    try:
        _resume(wanted, state, record)
    except OSError as error:
        if said := qemu.words(wanted.directory):
            raise ImagegenError(said) from error
        raise


def _resume(wanted: Start, state: State, record: Record) -> None:
    longer = pace.times(wanted.states.parent) if wanted.states else 1
    deadline = time.monotonic() + RESTORE_SECONDS * longer
    directory = wanted.directory
    has, whole = boot.disk_sizes(replace(wanted, backing=state.disk, format="qcow2"))
    overlay.make(directory / qemu.DISK, state.disk, "qcow2", has)
    child = boot.launch(wanted, record, deadline, memory=Memory(state.memory, shared=False))
    identity = login.identity(directory, wanted.ssh_port)
    with monitoring(directory, deadline) as monitor:
        with state.devices.open("rb") as devices:
            uri = monitor.give("devices", devices.fileno(), deadline)
        monitor.ask("migrate-incoming", {"uri": uri}, deadline=deadline)
        _migrated(monitor, deadline)
        if whole > has:
            monitor.ask("block_resize", {"device": "disk", "size": whole}, deadline=deadline)
        monitor.ask("cont", deadline=deadline)
    login.by_agent(
        directory,
        lambda: login.setup_script(
            wanted.name, wanted.user, wanted.public_key, grow=whole > has, identity=identity, saved=True
        ),
        deadline,
    )
    boot.until(lambda: boot.greets(wanted.ssh_port), child, deadline)


def _make(maker: Start, deadline: float) -> None:
    """Boot a machine whose memory lies in a file, up to where a build would begin, and save it in its folder."""
    folder = maker.directory
    size, _ = boot.disk_sizes(maker)
    overlay.make(folder / qemu.DISK, maker.backing, maker.format, size)
    memory = Memory(Path(states.MEMORY), shared=True)
    maker_process = os.getpid()
    began = time.monotonic()
    child = boot.launch(maker, lambda _process: _die_with(maker_process), deadline, memory=memory)
    try:
        with Agent(folder) as agent:
            agent.wait(deadline)
            if maker.states:
                pace.remember(maker.states.parent, time.monotonic() - began)
            code, said = agent.script(SEAL, deadline)
        if code != 0:
            raise ImagegenError(f"it could not be made ready: {said.strip()[-200:]}")
        with monitoring(folder, deadline) as monitor:
            monitor.ask("stop", deadline=deadline)
            write_devices(monitor, folder, deadline)
            with suppress(OSError):
                monitor.ask("quit", deadline=deadline)
        child.wait(max(1.0, deadline - time.monotonic()))  # now its disk is whole
    except (OSError, subprocess.TimeoutExpired) as error:
        raise boot.failure(folder, str(error)) from error
    finally:
        child.kill()
        child.wait()


def monitoring(directory: Path, deadline: float) -> Channel:
    """The machine protocol of the machine in a folder, set so that a migration leaves shared memory alone."""
    monitor = Channel(directory, "qmp.sock")
    monitor.receive(deadline)
    monitor.ask("qmp_capabilities", deadline=deadline)
    capability = {"capability": "x-ignore-shared", "state": True}
    monitor.ask("migrate-set-capabilities", {"capabilities": [capability]}, deadline=deadline)
    return monitor


def write_devices(monitor: Channel, folder: Path, deadline: float) -> None:
    """Write all of a stopped machine, but memory that it shares with a file, into a state's folder."""
    monitor.ask("migrate-set-parameters", {"max-bandwidth": UNLIMITED}, deadline=deadline)
    descriptor = os.open(folder / states.DEVICES, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        uri = monitor.give("devices", descriptor, deadline)
    finally:
        os.close(descriptor)
    monitor.ask("migrate", {"uri": uri}, deadline=deadline)
    _migrated(monitor, deadline)


def _migrated(monitor: Channel, deadline: float) -> None:
    """Wait for the end of a migration, in or out."""
    while (state := monitor.ask("query-migrate", deadline=deadline)).get("status") != "completed":
        if state.get("status") in ("failed", "cancelled"):
            raise ImagegenError(f"QEMU ended its migration: {state.get('error-desc', state['status'])}")
        time.sleep(0.005)


def _die_with(parent: int) -> None:
    """Runs in the child: a machine that is being saved ends with us, kill -9 included (prctl(2): PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended before that
        os._exit(1)


def _processor() -> str:
    """This computer's processor, which a guest sees under KVM."""
    lines = Path("/proc/cpuinfo").read_text("ascii", "replace").splitlines()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
