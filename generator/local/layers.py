"""Layers: a machine is saved after a step that took long, and a later build goes on from there.

The machine runs on. A layer has a copy of what the machine's disk has beyond the base's saved machine, and its memory
whole: that has become the machine's own by then, so there is no file to map.
"""

import time
from pathlib import Path

from generator.errors import ImagegenError
from generator.local import guest_login as login
from generator.local import host, pace, qemu, states, warm
from generator.local.qmp import Agent, Channel
from generator.local.states import Ground, State
from generator.system.run import run

SAVE_SECONDS = 300


def save(directory: Path, root: Path, name: str, ground: Ground, about: str = "") -> State | None:
    """Keep the running machine in `directory` under a key, and let it run on. None when there is such a layer already.

    It stands still while memory and disk are written: about a second for each GiB that is in use. Raises
    ImagegenError or OSError when it could not be saved; it runs on then too.
    """
    patience = SAVE_SECONDS * pace.times(root.parent)
    deadline = time.monotonic() + patience
    with states.making(root, name, deadline) as folder:
        if states.exists(root, name, ground):
            return None
        with warm.monitoring(directory, deadline) as monitor:
            devices = monitor.ask("query-block", deadline=deadline)
            backing = next(device["inserted"]["backing_file"] for device in devices if device["device"] == "disk")
            _require_agent(monitor, directory, deadline)
            monitor.ask("stop", deadline=deadline)
            try:
                warm.write_devices(monitor, folder, deadline)
                # After its migration QEMU has given the disk up until `cont`: the file is whole.
                copy = (str(directory / qemu.DISK), str(folder / states.DISK))
                run([host.program("cp"), "--sparse=always", "--reflink=auto", *copy])
            finally:
                monitor.ask("cont", deadline=time.monotonic() + patience)
        return states.publish(folder, ground, Path(backing), about)


def _require_agent(monitor: Channel, directory: Path, deadline: float) -> None:
    """Raise ImagegenError or OSError where the guest agent does not do what a later start needs.

    A step may have removed it, stopped it, or put another program in its place.
    """
    devices = monitor.ask("query-chardev", deadline=deadline)
    if not any(device["label"] == "agent" and device["frontend-open"] for device in devices):
        raise ImagegenError("its guest agent does not run any more")
    with Agent(directory) as agent:
        agent.wait(deadline)
        code, _ = agent.script("", deadline, login.PERL)
    if code != 0:
        raise ImagegenError(f"its guest agent cannot run {login.PERL[0]} any more")
