"""Layers: a machine is saved after a step that took long, and a later build goes on from there.

The machine runs on. A layer has a copy of what the machine's disk has beyond the base's saved machine, and its memory
whole: that has become the machine's own by then, so there is no file to map.
"""

import time
from pathlib import Path

from generator.local import host, qemu, states, warm
from generator.local.states import State
from generator.run import run

SAVE_SECONDS = 120


def save(directory: Path, root: Path, name: str, about: str = "") -> State | None:
    """Keep the running machine in `directory` under a key, and let it run on. None when there is such a layer already.

    It stands still while memory and disk are written: about a second for each GiB that is in use. Raises
    ImagegenError or OSError when it could not be saved; it runs on then too.
    """
    deadline = time.monotonic() + SAVE_SECONDS
    with states.making(root, name, deadline) as folder:
        if states.exists(root, name):
            return None
        with warm.monitoring(directory, deadline) as monitor:
            devices = monitor.ask("query-block", deadline=deadline)
            backing = next(device["inserted"]["backing_file"] for device in devices if device["device"] == "disk")
            monitor.ask("stop", deadline=deadline)
            try:
                warm.write_devices(monitor, folder, deadline)
                # After its migration QEMU has given the disk up until `cont`: the file is whole.
                copy = (str(directory / qemu.DISK), str(folder / states.DISK))
                run([host.program("cp"), "--sparse=always", "--reflink=auto", *copy])
            finally:
                monitor.ask("cont", deadline=time.monotonic() + SAVE_SECONDS)
        return states.publish(folder, Path(backing), about)
