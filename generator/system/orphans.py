"""What a program of ours had started and did not end: it holds a lock that we pass on to all that we start.

proc(5): the `lock` of a descriptor in fdinfo says that it is this open file that has a lock, and not another one of the
same name. Our own descriptor is closed on exec; those of whoever inherited it are not.
"""

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

from generator.system.process import Process

GRACE_SECONDS = 10.0


def inheritors(lock: os.stat_result) -> list[Process]:
    """The processes that inherited a lock on this file, as far as we may look into them."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError):  # it has ended, or is somebody else's
                if _inherited(path, lock) and (one := Process.of(int(path.name))):
                    found.append(one)
    return found


def end(lock: os.stat_result) -> None:
    """End them: they are asked, and killed 10 s later. One that is there still keeps the lock, and is met there."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        limit, told = time.monotonic() + GRACE_SECONDS, set[Process]()
        while found := set(inheritors(lock)):
            for one in found - told:
                one.end(number)
            told |= found
            if time.monotonic() > limit:
                break
            time.sleep(0.02)
        else:
            return


def _inherited(process: Path, lock: os.stat_result) -> bool:
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):
            if os.path.samestat(descriptor.stat(), lock):
                told = (process / "fdinfo" / descriptor.name).read_text("ascii")
                flags = re.search(r"^flags:\s*([0-7]+)$", told, re.MULTILINE)
                if "\nlock:" in told and flags and not int(flags[1], 8) & os.O_CLOEXEC:
                    return True
    return False
