"""One real machine from start to image, and the image booted by itself. Minutes under TCG; the base comes from the
cache, or is built into it first."""

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from generator import resources
from generator.errors import ImagegenError
from generator.local import accelerator, bases, host, images, inputs, machine, qemu
from generator.local import guest_login as login
from generator.local.qmp import Agent
from generator.settings import Settings
from tests.conftest import SHARED_CACHE
from tests.support.waiting import HANG_SECONDS

pytestmark = pytest.mark.machine

USER = "builder"
MIB = images.MIB
ROOT_OFFSET = 65 * MIB  # of the base's root partition
PREPARE = """
set -e
test "$(id -un)" = builder
test "$(sudo -n id -u)" = 0
test "$(hostname)" = web
echo secret | sudo tee /tmp/left /var/tmp/left /root/.bash_history >/dev/null
sudo mkdir -p -m 700 /root/.ssh
echo key | sudo tee /root/.ssh/authorized_keys >/dev/null
echo 'deleted on the EFI partition' | sudo tee /boot/efi/small >/dev/null
yes 'deleted on the EFI partition' | head -c 100000 | sudo tee /boot/efi/large >/dev/null
sync
sudo rm /boot/efi/small /boot/efi/large
sudo tee /etc/systemd/system/greeter.service >/dev/null <<'UNIT'
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
UNIT
sudo systemctl enable --now greeter
df --output=size -m / | tail -1
"""
DEPROVISION = """
cat >/tmp/DeprovisioningScript.sh <<'SCRIPT'
WAAGENT=/usr/sbin/waagent
waagent -version 1> /dev/null 2>&1
if [ $? -eq 0 ]; then WAAGENT=waagent; fi
$WAAGENT -force -deprovision+user && export HISTSIZE=0 && sync
SCRIPT
cat >/tmp/generalize.sh <<'ROOT'
cd /
sh /tmp/DeprovisioningScript.sh || exit 1
echo "user after waagent: $(getent passwd builder)"
base64 -d >/run/clean.sh <<'CLEAN' && sh /run/clean.sh builder || exit 1
@CLEAN@
CLEAN
rm -f /run/clean.sh
setsid sh -c 'sleep 0.5; systemctl poweroff' </dev/null >/dev/null 2>&1 &
echo deprovisioned
ROOT
sudo sh /tmp/generalize.sh
"""
GONE = (
    "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ecdsa_key", "/root/.ssh/authorized_keys",
    "/root/.bash_history", "/var/lib/systemd/random-seed", "/etc/sudoers.d/90-imagegen", f"/home/{USER}",
    "/var/lib/waagent/ovf-env.xml", "/var/log/wtmp", "/var/log/waagent.log", "/etc/passwd-", "/etc/shadow-",
    "/tmp/left", "/var/tmp/left", "/tmp/DeprovisioningScript.sh", "/var/cache/apt/pkgcache.bin",
)  # fmt: skip
EMPTY_FOLDERS = ("/var/log/journal", "/tmp", "/var/tmp", "/home", "/var/lib/waagent")


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(cache_dir=SHARED_CACHE)


@pytest.fixture(scope="module")
def base(settings: Settings) -> bases.Base:
    return bases.ensure(settings, "debian-12", print)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # A path far longer than a socket's address may be.
    directory = tmp_path_factory.mktemp("machines") / ("long-" * 20) / "m"
    yield directory
    for found in directory.parent.glob("*"):
        machine.stop(found)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def wanted(settings: Settings, base: bases.Base, folder: Path, key: Path) -> machine.Start:
    folder.mkdir(mode=0o700, parents=True)
    return machine.Start(
        directory=folder, backing=base.disk, format="raw", seed=base.seed, name="web", cores=2, memory_mb=1024,
        disk_gb=4, ssh_port=inputs.free_port(), user=USER, public_key=key.with_suffix(".pub").read_text().strip(),
        accelerator=accelerator.choose(settings, base), timeout_seconds=1800,
    )  # fmt: skip


@pytest.fixture(scope="module")
def captured(wanted: machine.Start, key: Path) -> Path:
    """The disk of a machine that was started, used, deprovisioned and has powered itself off."""
    started = machine.start(wanted)
    assert machine.running(wanted.directory) == started
    size = int(_ssh(started, key, PREPARE).splitlines()[-1])
    assert size > 3500  # MiB: the root grew with the disk
    clean = (resources.folder("modules") / "steps/deprovision/local-clean.sh").read_bytes()
    said = _ssh(started, key, DEPROVISION.replace("@CLEAN@", base64.b64encode(clean).decode()))
    assert "user after waagent: \n" in said
    assert "deprovisioned" in said
    machine.wait_off(wanted.directory, 60)
    machine.wait_off(wanted.directory, 60)  # it is off still
    assert machine.running(wanted.directory) is None
    return wanted.directory / qemu.DISK


@pytest.fixture(scope="module")
def image(captured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination = tmp_path_factory.mktemp("images") / "web" / "1.0.0"
    images.convert(captured, destination, {"name": "web", "version": "1.0.0"})
    return destination


def test_image_is_a_fixed_vhd_that_its_manifest_describes(image: Path) -> None:
    manifest = images.verify(image)
    vhd = image / images.IMAGE
    assert manifest["virtual_size"] == 4 * 1024 * MIB
    assert vhd.stat().st_size == 4 * 1024 * MIB + 512
    assert vhd.stat().st_blocks * 512 < 1024 * MIB  # sparse
    assert vhd.stat().st_mode & 0o777 == 0o444
    with pytest.raises(ImagegenError, match="exists already"):
        images.convert(vhd, image, {})


def test_image_holds_no_trace_of_the_machine(image: Path, tmp_path: Path) -> None:
    look = _debugfs(_raw(image, tmp_path))
    for path in GONE:
        assert "File not found" in look(f"stat {path}"), path
    for path in EMPTY_FOLDERS:
        names = {line.split("/")[5] for line in look(f"ls -p {path}").splitlines() if line.count("/") > 5}
        assert names <= {".", ".."}, (path, names)
    assert USER not in look("cat /etc/passwd") + look("cat /etc/group") + look("cat /etc/subuid")
    assert look("cat /etc/machine-id") == ""
    assert look("cat /etc/hostname") == "localhost\n"
    assert "../run/systemd/resolve/stub-resolv.conf" in look("stat /etc/resolv.conf")
    assert "/etc/machine-id" in look("stat /var/lib/dbus/machine-id")
    lists = {line.split("/")[5] for line in look("ls -p /var/lib/apt/lists").splitlines() if line.count("/") > 5}
    assert lists <= {".", "..", "partial", "lock", "auxfiles"}


def test_image_holds_no_deleted_file_of_the_efi_partition(image: Path) -> None:
    vhd = image / images.IMAGE
    look = ["grep", "--quiet", "--text", "--fixed-strings", "deleted on the EFI partition", str(vhd)]
    assert subprocess.run(look, check=False).returncode == 1


def test_machine_starts_from_the_captured_disk(captured: Path, wanted: machine.Start, key: Path) -> None:
    fields = wanted.__dict__ | {
        "directory": wanted.directory.with_name("validation"), "backing": captured, "format": "qcow2", "disk_gb": 0,
        "ssh_port": inputs.free_port(),
    }  # fmt: skip
    second = machine.Start(**fields)
    second.directory.mkdir(mode=0o700, parents=True)
    started = machine.start(second)
    assert _ssh(started, key, "systemctl is-active greeter").strip() == "active"
    machine.stop(second.directory)
    assert not started.process.alive()


@pytest.mark.long
def test_image_boots_by_itself(image: Path, wanted: machine.Start) -> None:
    """No seed, no set-up: only firmware and the VHD. It must get an address, its own host keys, and its services."""
    directory = wanted.directory.with_name("alone")
    directory.mkdir(mode=0o700, parents=True)
    options = ("-f", "vpc", "-O", "qcow2", str(image / images.IMAGE), str(directory / qemu.DISK))
    subprocess.run(["qemu-img", "convert", *options], check=True)
    shutil.copyfile(host.FIRMWARE_VARIABLES, directory / qemu.VARIABLES)
    shape = qemu.Shape("alone", 2, 1024, inputs.free_port(), wanted.accelerator, None)
    child = qemu.launch(qemu.arguments(shape, None), directory, lambda _process: None)
    try:
        deadline = time.monotonic() + 1800
        while not _banner(shape.ssh_port).startswith(b"SSH-2.0"):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        with Agent(directory) as agent:
            agent.wait(deadline)
            code, said = agent.script("systemctl is-active greeter; cat /etc/machine-id; id builder", deadline)
        assert code != 0  # no such user
        assert said.startswith("active\n")
        assert len(said.splitlines()[1]) == 32
    finally:
        child.kill()
        child.wait()


def test_port_in_use_is_told_and_leaves_nothing(wanted: machine.Start, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        fields = {"directory": folder.with_name("refused"), "ssh_port": taken.getsockname()[1]}
        refused = machine.Start(**(wanted.__dict__ | fields))
        refused.directory.mkdir(mode=0o700, parents=True)
        with pytest.raises(ImagegenError, match="Could not set up host forwarding"):
            machine.start(refused)
    assert not (refused.directory / machine.RECORD).exists()


@pytest.mark.parametrize(
    ("digest", "reason"), [("", ".* to skip startup.nsh"), ("0" * 64, "its base is damaged$")], ids=["empty", "damaged"]
)
def test_a_machine_that_never_boots_is_ended_and_says_why(
    wanted: machine.Start, folder: Path, tmp_path: Path, digest: str, reason: str
) -> None:
    blank = tmp_path / "blank.raw"
    with blank.open("wb") as disk:
        disk.truncate(64 * images.MIB)
    directory = folder.with_name("blank")
    directory.mkdir(mode=0o700, exist_ok=True)
    fields = {"directory": directory, "backing": blank, "digest": digest, "timeout_seconds": 60.0}
    with pytest.raises(ImagegenError, match=f"the machine was not ready within 60 s: {reason}"):
        machine.start(machine.Start(**(wanted.__dict__ | fields)))
    assert machine.running(directory) is None
    assert not (directory / machine.RECORD).exists()


def test_seed_disk_is_what_cloud_init_looks_for(tmp_path: Path) -> None:
    disk = login.seed_disk(tmp_path, "web", USER, "ssh-ed25519 AAAA", login.identity(tmp_path, 22022))
    shown = subprocess.run(["mdir", "-i", str(disk), "-b", "::"], check=True, capture_output=True, text=True).stdout
    assert set(shown.split()) == {"::/user-data", "::/meta-data"}


def _ssh(started: machine.Machine, key: Path, script: str) -> str:
    """Run a script in the machine by a real login."""
    done = subprocess.run(
        ["ssh", "-i", str(key), "-p", str(started.ssh_port), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
         "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"{started.user}@127.0.0.1", "bash -s"],
        input=script, capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _raw(image: Path, folder: Path) -> Path:
    disk = folder / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-f", "vpc", "-O", "raw", str(image / images.IMAGE), str(disk)], check=True)
    return disk


def _debugfs(disk: Path) -> Callable[[str], str]:
    """Ask debugfs about the root file system of a disk."""

    def look(request: str) -> str:
        argv = ["debugfs", "-R", request, f"{disk}?offset={ROOT_OFFSET}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, errors="replace")
        return done.stdout + "".join(line for line in done.stderr.splitlines() if not line.startswith("debugfs "))

    return look


def _banner(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(1)
            return connection.recv(32)
    except OSError:
        return b""
