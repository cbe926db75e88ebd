"""What a guest may not do to the computer that it runs on: reach it, or fill its disk."""

import json
import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.local import network, qemu
from tests.machine.conftest import Imagegen, Write

pytestmark = pytest.mark.machine

MIRROR = "http://deb.debian.org/debian/dists/bookworm/Release"


class _Greets(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"HTTP/1.0 200 OK\r\n\r\nreached\n")


@contextmanager
def _service() -> Iterator[int]:
    """A service of this computer, on all of its addresses; yields the port."""
    with socketserver.ThreadingTCPServer(("", 0), _Greets) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _ask(port: int) -> list[str]:
    """A step that asks the service at each of this computer's addresses, and needs DNS and a mirror."""
    own = [str(address) for address in network.local_addresses() if not address.is_loopback]
    asked = [f"curl -s -m 5 http://{address}:{port}/ || echo no {address}" for address in ("10.0.2.2", *own)]
    return [
        *asked,
        "sudo ip address add 10.9.9.9/32 dev lo; sudo sysctl -q net.ipv4.conf.all.route_localnet=1",
        "curl -s -m 5 -o /dev/null http://169.254.169.254/ || echo no metadata",
        f"curl -sSf --retry 9 --retry-all-errors -o /dev/null {MIRROR} && echo fetched",
    ]


def _said(built: subprocess.CompletedProcess[str]) -> list[str]:
    return [event["message"] for line in built.stdout.splitlines() if (event := json.loads(line))["event"] == "output"]


def test_a_guest_reaches_mirrors_and_not_this_computer(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    with _service() as port:
        path = template(_ask(port))
        said = _said(imagegen("apply", path, "--target", "local", "--out", tmp_path / "small", "--json"))
    assert "reached" not in said
    own = [str(address) for address in network.local_addresses() if not address.is_loopback]
    assert [line for line in said if line.startswith("no ")] == [
        f"no {name}" for name in ("10.0.2.2", *own, "metadata")
    ]
    assert "fetched" in said


@pytest.mark.long
def test_with_host_access_a_guest_reaches_this_computer(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    imagegen.environment["IMAGEGEN_HOST_ACCESS"] = "true"
    with _service() as port:
        path = template(_ask(port))
        said = _said(imagegen("apply", path, "--target", "local", "--out", tmp_path / "small", "--json"))
    assert said.count("reached") >= 1
    assert "no 10.0.2.2" not in said
    assert "fetched" in said


def test_a_console_without_end_takes_no_disk(imagegen: Imagegen, template: Write, tmp_path: Path) -> None:
    """The kept VM has printed 3 MiB there; what is read of it is its end."""
    flood = "head -c 3M /dev/zero | tr '\\0' x | sudo tee /dev/ttyS0 >/dev/null; exit 3"
    out = tmp_path / "small"
    imagegen("apply", template(flood), "--target", "local", "--out", out, "--on-error", "abort", code=1)
    (folder,) = imagegen.state_dir.glob("builds/*/machine")
    others = [path for path in folder.iterdir() if path.name != qemu.DISK]
    assert sum(path.stat().st_size for path in others) < 2.5 * qemu.CONSOLE_BYTES
    imagegen("cleanup", out)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 300 MiB."""
    path = tmp_path / "state"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m,mode=700", "none", str(path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is not permitted here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_guest_that_fills_the_disk_is_stopped_and_the_failure_says_so(
    imagegen: Imagegen, template: Write, tmp_path: Path, small_disk: Path
) -> None:
    """It leaves a tenth of what was free; nothing waits for the build's time limit."""
    imagegen.environment["IMAGEGEN_STATE_DIR"] = str(small_disk)
    out = tmp_path / "small"
    path = template("sudo dd if=/dev/urandom of=/opt/big bs=1M count=1000 conv=fsync")
    failed = imagegen("apply", path, "--target", "local", "--out", out, code=1)
    assert "error: the VM was stopped: its disk takes 0." in failed.stderr
    assert "has no room for more" in failed.stderr
    assert "hint: at least 1 GiB stays free (a tenth where there is less)" in failed.stderr
    assert not list(small_disk.glob("builds/*"))
    assert imagegen("status", out).stdout.startswith(f"{out}: no build under way")
