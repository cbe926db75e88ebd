"""Linux machines of the simulated Azure that are real ones: QEMU on this computer, from the cached local base.

A machine that appears in the cloud is booted here, with the user and the public key it was made with, and can be
reached at port 22 of its public address, which is one of 127.0.1.0/24. When the guest powers itself off, the cloud's
machine is stopped; when that is deallocated or deleted, the real one ends. A restart by ARM reboots it. What is stopped
by ARM and started again stays off: its disk is not kept.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from generator.azure import hostkeys
from generator.builder import ssh
from generator.errors import ImagegenError
from generator.local import accelerator, bases, inputs, machine, qmp
from generator.local.bases import Base
from generator.settings import Settings
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.contents import MACHINES, Resource
from tests.azure_sim.forward import Forward, greets
from tests.azure_sim.mirror import AzureSim
from tests.conftest import SHARED_CACHE
from tests.invariants import processes

SSH = 22
BOOT_SECONDS = 3600.0
LOOK_SECONDS = 0.3
AGENT_SECONDS = 5.0


@dataclass
class Guest:
    """The real machine behind one of the cloud's."""

    cloud: Cloud
    resource_id: str
    folder: Path
    boots: int
    address: str
    start: machine.Start
    thread: threading.Thread = field(init=False)
    forward: Forward | None = None
    came_up: bool = False
    problem: str = ""

    def __post_init__(self) -> None:
        self._begin(self._boot)

    @property
    def has_ended(self) -> bool:
        """Whether it was up, and is no longer."""
        return self.came_up and machine.running(self.folder) is None

    def restart(self) -> None:
        """Boot again; nobody gets through until it is back."""
        self._close()
        self._begin(self._reboot)

    def end(self) -> None:
        """End it, in whatever state it is: a boot that is under way is waited for until it notices."""
        machine.stop(self.folder)
        while self.thread.is_alive():
            self.thread.join(0.5)
            machine.stop(self.folder)
        self._close()

    def _begin(self, work: Callable[[], None]) -> None:
        self.thread = threading.Thread(target=self._do, args=(work,), name=f"boot of {self.start.name}")
        self.thread.start()

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
            self.forward = Forward(self.address, SSH, self.start.ssh_port)
            self._tell_host_keys()
            self.came_up = True
        except (ImagegenError, OSError) as error:
            self.problem = str(error) or type(error).__name__

    def _tell_host_keys(self) -> None:
        """Print the host keys to the serial console, as cloud-init does."""
        lines = (self.folder / ssh.KNOWN_HOSTS).read_text().splitlines()
        keys = "".join(f"{line.partition(' ')[2]} root@machine\r\n" for line in lines)
        text = f"{hostkeys.BEGIN}\r\n{keys}{hostkeys.END}\r\n\r\n{self.start.name} login: "
        self.cloud.set(console=self.cloud.hook("console") | {self.start.name: text})

    def _boot(self) -> None:
        machine.start(self.start, lambda _line: None)

    def _reboot(self) -> None:
        """In good order, or by the button when the guest's agent does not answer."""
        deadline = time.monotonic() + BOOT_SECONDS
        with qmp.Channel(self.folder, "qmp.sock") as events:
            events.receive(deadline)
            events.ask("qmp_capabilities", deadline=deadline)
            events.ask("set-action", {"reboot": "reset"}, deadline=deadline)
            try:
                with qmp.Agent(self.folder) as agent:
                    agent.wait(time.monotonic() + AGENT_SECONDS)
                    agent.send({"execute": "guest-shutdown", "arguments": {"mode": "reboot"}})
            except TimeoutError:
                events.send({"execute": "system_reset"})
            while events.receive(deadline).get("event") != "RESET":
                pass
        while not greets(self.start.ssh_port):
            if time.monotonic() > deadline or machine.running(self.folder) is None:
                raise TimeoutError("it did not come back from its restart")
            time.sleep(LOOK_SECONDS)

    def _close(self) -> None:
        if self.forward:
            self.forward.close()
            self.forward = None


@dataclass
class Backing:
    """Watches a cloud, and keeps a guest for each of its Linux machines that runs."""

    cloud: Cloud
    folder: Path
    base: Base
    accelerator: accelerator.Name
    guests: dict[str, Guest] = field(default_factory=dict)  # by the machine's vmId: a new one of that name is another

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="backing")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for guest in self.guests.values():
            guest.end()

    def problems(self) -> list[str]:
        """What kept guests from coming up."""
        return [guest.problem for guest in self.guests.values() if guest.problem]

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            found = {one["properties"]["vmId"]: one for one in self.cloud.resources(arm_type=MACHINES)}
            for name in set(self.guests) - set(found):
                self.guests.pop(name).end()
            for name, record in found.items():
                self._follow(name, record)

    def _follow(self, name: str, record: Resource) -> None:
        """Do to a guest what was done to the machine, and tell the cloud of what the guest did."""
        state, guest = record["state"], self.guests.get(name)
        if guest is None:
            if state["power"] == "running" and (login := _login(record)):
                self.guests[name] = self._guest(record, *login)
        elif guest.has_ended:
            if state["power"] == "running":
                self.cloud.change(record["id"], state=state | {"power": "stopped"})
        elif state["power"] != "running":
            guest.end()
        elif guest.came_up and state["boots"] > guest.boots:
            guest.boots = state["boots"]
            guest.restart()

    def _guest(self, record: Resource, user: str, public_key: str) -> Guest:
        folder = self.folder / f"{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        start = machine.Start(
            directory=folder, backing=self.base.disk, format="raw", seed=self.base.seed, name=record["name"], cores=2,
            memory_mb=1024, disk_gb=0, ssh_port=inputs.free_port(), user=user, public_key=public_key,
            accelerator=self.accelerator, timeout_seconds=BOOT_SECONDS,
        )  # fmt: skip
        return Guest(self.cloud, record["id"], folder, record["state"]["boots"], _address(self.cloud, record), start)


def _login(record: Resource) -> tuple[str, str] | None:
    """The user and the public key that a machine was made with; None for one without, such as Windows."""
    profile = record["properties"].get("osProfile", {})
    keys = profile.get("linuxConfiguration", {}).get("ssh", {}).get("publicKeys") or []
    return (profile["adminUsername"], keys[0]["keyData"].strip()) if keys else None


def _address(cloud: Cloud, record: Resource) -> str:
    """The public address of a machine's first interface. Raises LookupError when it has none."""

    def properties(resource_id: str) -> dict[str, Any]:
        (found,) = (one for one in cloud.resources() if one["id"].lower() == resource_id.lower())
        return dict(found["properties"])

    first = record["properties"]["networkProfile"]["networkInterfaces"][0]["id"]
    part = properties(first)["ipConfigurations"][0]
    return str(properties(part["publicIPAddressId"])["ipAddress"])


def addresses() -> list[str]:
    """Some of 127.0.1.0/24: processes that test at the same time take others. Skips where port 22 may not be had."""
    first = os.getpid() % 230 + 1
    found = [f"127.0.1.{first + number}" for number in range(20)]
    try:
        Forward(found[0], SSH, 0).close()
    except OSError as error:
        pytest.skip(f"port {SSH} of {found[0]} cannot be had: {error}")
    return found


@contextmanager
def backing(cloud: Cloud, folder: Path, settings: Settings) -> Iterator[Backing]:
    """Back a cloud's machines while the context lasts. Builds the base first where it is missing (minutes)."""
    cloud.set(addresses=addresses())
    base = bases.ensure(settings, "debian-12", lambda _line: None)
    with Backing(cloud, folder, base, accelerator.choose(settings, base)) as made:
        yield made
    assert processes(str(folder)) == []


@pytest.fixture
def backed(azure_sim: AzureSim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backing]:
    """The test's simulated Azure has real machines."""
    folder = tmp_path_factory.mktemp("backed")
    with backing(azure_sim.cloud, folder, Settings(cache_dir=SHARED_CACHE)) as made:
        yield made
