"""Scripts that do what they should not, in a real machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.chaos.faults import Cause, Fault, Scene
from tests.chaos.place import Place

# The step, and how the build may end.
SCRIPTS: dict[str, tuple[str, tuple[int, ...]]] = {
    "fails": ("exit 7", (1,)),
    "prints one line of 20 MB": ("head -c 20000000 /dev/zero | tr '\\0' x", (0, 1)),
    "prints binary": ("head -c 200000 /dev/urandom; printf '\\033[2J\\000\\n'", (0,)),
    "closes its streams": ("exec >&- 2>&- <&-; sleep 2", (0,)),
    "leaves a child that holds its output": ("sleep 20 &", (0, 1)),
    "reboots": ("sudo reboot; sleep 60", (1,)),
    "resets the machine": ("echo b | sudo tee /proc/sysrq-trigger; sleep 60", (1,)),
    "switches off": ("sudo poweroff; sleep 60", (1,)),
    "panics": ("echo c | sudo tee /proc/sysrq-trigger; sleep 60", (1,)),
    "kills its SSH session": ("sudo pkill -f 'sshd: imagegen'; sleep 60", (1,)),
    "restarts sshd": ("sudo systemctl restart ssh; sleep 1", (0,)),
    "stops sshd for a while": ("(sleep 8; sudo systemctl start ssh) >/dev/null 2>&1 & sudo systemctl stop ssh", (0,)),
    "fills the disk": ("sudo dd if=/dev/zero of=/fill bs=1M; true", (0, 1)),
    "takes all memory": ("head -c 4G /dev/zero | tail -c 3G | wc -c", (0, 1)),
    "removes sudo": ("sudo rm /usr/bin/sudo", (0, 1)),
    "removes the home": ("rm -rf ~", (0, 1)),
    "fills /tmp": ("rm -rf /tmp/* && dd if=/dev/zero of=/tmp/fill bs=1M; true", (0, 1)),
}


def _script(name: str) -> Cause:
    """One of them."""

    @contextmanager
    def script(_place: Place, _random: Random) -> Iterator[Scene]:
        text, codes = SCRIPTS[name]
        yield Scene(inline=[text], codes=codes)

    return script


@contextmanager
def babbles(_place: Place, random: Random) -> Iterator[Scene]:
    """100 MB of lines."""
    yield Scene(inline=["yes 'a line of output, as long as lines are' | head -c 100000000"], codes=(0,))


@contextmanager
def hangs(_place: Place, random: Random) -> Iterator[Scene]:
    """Until the build's time is over."""
    yield Scene(inline=["sleep 3600"], more={"buildTimeoutInMinutes": 1}, codes=(1,))


FAULTS = (
    *(Fault(f"script {name}", _script(name), ("local",), 1) for name in SCRIPTS),
    Fault("script prints 100 MB", babbles, ("local",), 1, slow=True),
    Fault("script hangs", hangs, ("local",), 1, slow=True),
)
