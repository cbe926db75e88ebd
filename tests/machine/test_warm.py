"""Machines that go on from a saved one: as fresh as booted ones, and booted ones where that does not work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from generator.errors import ImagegenError
from generator.local import accelerator, bases, machine, states, warm
from generator.settings import Settings
from tests.conftest import SHARED_CACHE
from tests.invariants import at_rest, processes
from tests.machine.conftest import Imagegen, Write, inside
from tests.machine.test_build import free_port
from tests.support.waiting import HANG_SECONDS, wait_until

pytestmark = pytest.mark.machine

USER = "builder"
OWN = ("host name", "machine-id", "ecdsa", "ed25519", "random", "uuid")  # of each machine, in the order of LOOK
LOOK = """set -e
hostname
cat /etc/machine-id
sudo ssh-keygen -lf /etc/ssh/ssh_host_ecdsa_key
sudo ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key
head -c 16 /dev/urandom | od -An -tx1
cat /proc/sys/kernel/random/uuid
date +%s
df --output=size -m / | tail -1
sudo journalctl -n 1 --output=cat
sudo -n id -u
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for saved machines that the tests share."""
    return tmp_path_factory.mktemp("cache") / "machines"


@pytest.fixture
def wanted(key: Path, saved: Path, tmp_path: Path) -> machine.Start:
    settings = Settings(cache_dir=SHARED_CACHE)
    base = bases.ensure(settings, "debian-12", print)
    return machine.Start(
        directory=tmp_path / "one", backing=base.disk, format="raw", seed=base.seed, name="one", cores=1,
        memory_mb=1024, disk_gb=0, ssh_port=free_port(), user=USER,
        public_key=key.with_suffix(".pub").read_text().strip(), accelerator=accelerator.choose(settings, base),
        timeout_seconds=1800, digest=base.digest, states=saved,
    )  # fmt: skip


@dataclass(frozen=True)
class Start:
    """Starts machines, each in a folder of its name, and keeps them as layers."""

    wanted: machine.Start

    def __call__(self, name: str, report: Callable[[str], None] = print, **own: Any) -> machine.Machine:
        self._of(name).directory.mkdir()
        return machine.start(replace(self._of(name), ssh_port=free_port(), **own), report)

    def save(self, name: str, content: str) -> None:
        machine.save(self._of(name).directory, self.wanted.states or Path(), self.layer(content))

    def layer(self, content: str) -> str:
        return warm.layer_keys(self.wanted, [content])[0]

    def _of(self, name: str) -> machine.Start:
        return replace(self.wanted, directory=self.wanted.directory.with_name(name), name=name)


@pytest.fixture
def start(wanted: machine.Start) -> Iterator[Start]:
    yield Start(wanted)
    for folder in wanted.directory.parent.iterdir():
        machine.stop(folder)


def test_two_machines_from_one_state_at_once_share_nothing_that_is_their_own(start: Start, key: Path) -> None:
    """Both by the key that came with them, at the present time, each with the disk it asked for."""
    began = int(time.time())
    machines = [start("one"), start("two", disk_gb=4)]
    assert [made.started for made in machines] == ["warm", "warm"]
    one, two = ([line.strip() for line in _ssh(made, key, LOOK).splitlines()] for made in machines)
    assert (one[0], two[0]) == ("one", "two")
    for name, first, second in zip(OWN, one, two, strict=False):
        assert first != second, name
    assert len(one[1]) == 32
    assert began <= int(two[6]) <= time.time()
    assert int(one[7]) < 2048
    assert int(two[7]) > 3500  # MiB: the root grew with the disk
    assert "No entries" not in one[8]
    assert (one[9], two[9]) == ("0", "0")
    served = {_served_key(made) for made in machines}
    assert len(served) == 2
    assert one[3].split()[1] in {_fingerprint(key) for key in served}


def test_the_saved_machine_knows_nothing_of_the_build_that_made_it(start: Start, key: Path, saved: Path) -> None:
    """No user, no key, no host key on its disk or in its memory."""
    start("one")
    public = key.with_suffix(".pub").read_text().split()[1].encode()
    state = next(path.parent for path in saved.glob(f"*/{states.FACTS}"))
    disk = state / states.DISK
    raw = subprocess.run(["qemu-img", "convert", "-O", "raw", disk, state.parent / "raw.img"], check=False)
    assert raw.returncode == 0
    whole = state.parent / "raw.img"
    assert inside(whole, "/etc/ssh/ssh_host_ed25519_key") is None
    assert USER.encode() not in (inside(whole, "/etc/passwd") or USER.encode())
    for file in (whole, state / states.MEMORY):
        assert subprocess.run(["grep", "--quiet", "--fixed-strings", public, file], check=False).returncode == 1
    whole.unlink()


@pytest.mark.parametrize("part", [states.MEMORY, pytest.param(states.DEVICES, marks=pytest.mark.long)])
def test_a_state_that_does_not_go_on_means_a_boot_and_is_made_anew(start: Start, saved: Path, part: str) -> None:
    """What is noticed at once is made anew at once; what only the machine notices costs that machine a boot."""
    start("one")
    state = states.listed(saved)[0].folder  # the last that was used
    damaged = state / part
    damaged.chmod(0o600)
    if part == states.MEMORY:
        os.truncate(damaged, damaged.stat().st_size - 4096)
    else:
        content = damaged.read_bytes()
        damaged.write_bytes(content[: len(content) // 2])
        facts = json.loads((state / states.FACTS).read_text())
        facts["sizes"][part] = damaged.stat().st_size
        (state / states.FACTS).unlink()
        (state / states.FACTS).write_text(json.dumps(facts))
    said: list[str] = []
    second = start("two", report=said.append)
    assert second.started == ("warm" if part == states.MEMORY else "cold"), said
    assert start("three").started == "warm"


def test_a_maker_that_is_killed_leaves_no_machine_and_nothing_half_made(wanted: machine.Start, tmp_path: Path) -> None:
    """The machine that it was saving ends with it; the next start makes the state."""
    root = tmp_path / "machines"
    wanted.directory.mkdir()
    fields = wanted.__dict__ | {"states": root, "ssh_port": free_port()}
    argument = json.dumps({name: value if isinstance(value, int) else str(value) for name, value in fields.items()})
    program = [sys.executable, "-m", "generator.local.machine", "start", argument]
    maker = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: list(root.glob("*.*/qmp.sock")) != [])
    finally:
        maker.send_signal(signal.SIGKILL)
        maker.wait()
    wait_until(lambda: processes(str(root)) == [])
    assert machine.running(wanted.directory) is None
    assert list(root.glob(f"*/{states.FACTS}")) == []
    states.prune(root)
    assert [path for path in root.iterdir() if path.is_dir()] == []


def test_a_layer_is_gone_on_from_with_an_identity_of_its_own(start: Start, key: Path, saved: Path) -> None:
    """What was on the disk and in memory is there; the machine that it was taken of runs on and goes its own way."""
    made = start("one")
    _ssh(made, key, "echo kept | sudo tee /opt/kept /dev/shm/kept; setsid sleep 1000 >/dev/null 2>&1 </dev/null &")
    start.save("one", "a b")
    look = "cat /opt/kept /dev/shm/kept; pgrep -c sleep; ls /opt; cat /etc/machine-id"
    first = _ssh(made, key, f"echo later | sudo tee /opt/later >/dev/null; {look}").split()
    second = start("two", layer=start.layer("a b"))
    assert (second.started, second.layer) == ("warm", start.layer("a b"))
    seen = _ssh(second, key, look).split()
    assert first[:-1] == ["kept", "kept", "1", "kept", "later"]
    assert seen[:-1] == ["kept", "kept", "1", "kept"]
    assert first[-1] != seen[-1]
    assert _served_key(made) != _served_key(second)
    states.forget(saved, [start.layer("a b")])
    with pytest.raises(ImagegenError, match="the cached steps are gone"):
        start("three", layer=start.layer("a b"))


@pytest.mark.long
def test_an_image_of_a_warm_build_is_as_one_of_a_cold_build(
    imagegen: Imagegen, template: Write, tmp_path: Path
) -> None:
    """The second build of a shape starts warm; its image holds what the step made and nothing of a machine."""
    out = tmp_path / "small"
    path = template("echo made >/tmp/made; sudo mv /tmp/made /opt/made")
    imagegen("apply", path, "--target", "local", "--out", out)
    events = [json.loads(line) for line in imagegen("apply", out, "--json").stdout.splitlines()]
    lines = [event["message"] for event in events]
    assert any("warm start" in line for line in lines), lines
    vhd = out / "images/out/1.0.1/image.vhd"
    assert inside(vhd, "/opt/made") == b"made\n"
    assert inside(vhd, "/etc/machine-id") == b""
    assert inside(vhd, "/etc/hostname") == b"localhost\n"
    for gone in ("/etc/ssh/ssh_host_ed25519_key", "/etc/sudoers.d/90-imagegen", "/var/lib/waagent/ovf-env.xml"):
        assert inside(vhd, gone) is None, gone
    assert b"imagegen" not in (inside(vhd, "/etc/passwd") or b"imagegen")
    at_rest(out, imagegen.state_dir)


def _ssh(made: machine.Machine, key: Path, script: str) -> str:
    """Run a script in the machine by a real login."""
    done = subprocess.run(
        ["ssh", "-i", str(key), "-p", str(made.ssh_port), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
         "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"{made.user}@127.0.0.1", "bash -s"],
        input=script, capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _served_key(made: machine.Machine) -> str:
    """The ed25519 key that the machine's SSH server shows."""
    argv = ["ssh-keyscan", "-T", f"{HANG_SECONDS:.0f}", "-t", "ed25519", "-p", str(made.ssh_port), "127.0.0.1"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.partition(" ")[2]


def _fingerprint(public_key: str) -> str:
    argv = ["ssh-keygen", "-lf", "-"]
    return subprocess.run(argv, input=public_key, capture_output=True, text=True, check=True).stdout.split()[1]
