"""Ownership, records and refusals of the machine program, without QEMU."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.builder import ssh
from generator.errors import ImagegenError, Interrupted, MissingTools
from generator.local import accelerator, boot, files, host, machine, qemu
from generator.local import guest_login as login
from generator.settings import Settings
from generator.system.process import Process
from tests.support.waiting import HANG_SECONDS, wait_until

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDummy build"


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that works in the folder, as QEMU does."""
    child = subprocess.Popen(["/bin/sleep", "600"], cwd=tmp_path)
    yield child
    child.kill()
    child.wait()


def _recorded(folder: Path, pid: int, start_time: int) -> None:
    record = machine.Machine("web", pid, start_time, 22022, "builder", "tcg")
    (folder / machine.RECORD).write_text(json.dumps(dataclasses.asdict(record)))


def _start_time(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_stop_ends_its_own_process(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    _recorded(tmp_path, sleeper.pid, _start_time(sleeper.pid))
    assert machine.running(tmp_path) is not None
    machine.stop(tmp_path)
    assert sleeper.wait(HANG_SECONDS) != 0
    assert not (tmp_path / machine.RECORD).exists()
    machine.stop(tmp_path)


def test_stop_never_signals_another_with_the_same_id(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    _recorded(tmp_path, sleeper.pid, _start_time(sleeper.pid) - 1)
    assert machine.running(tmp_path) is None
    machine.stop(tmp_path)
    assert sleeper.poll() is None
    assert not (tmp_path / machine.RECORD).exists()


def test_dead_and_unreaped_process_does_not_run(tmp_path: Path) -> None:
    child = subprocess.Popen(["/bin/sleep", "600"])
    _recorded(tmp_path, child.pid, _start_time(child.pid))
    child.kill()
    machine.stop(tmp_path)
    assert machine.running(tmp_path) is None
    child.wait()


def test_process_is_recorded_before_it_runs(tmp_path: Path) -> None:
    def record(process: Process) -> None:
        (tmp_path / "record").write_text(f"{process.pid} {process.start_time}")

    child = qemu.launch(["/bin/cat", "record"], tmp_path, record)
    assert child.wait() == 0
    seen = (tmp_path / qemu.LOG).read_text().split()
    assert int(seen[0]) == child.pid
    assert int(seen[1]) > 0


def test_an_end_that_is_asked_for_while_a_machine_starts_comes_after_its_record(tmp_path: Path) -> None:
    """Whoever is told to end knows of it then; and it can be told to end itself."""

    def ended(_number: int, _frame: object) -> None:
        assert (tmp_path / "record").read_text() == "whole"
        raise Interrupted("told to end")

    def record(_process: Process) -> None:
        os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(0.2)
        (tmp_path / "record").write_text("whole")

    before = signal.signal(signal.SIGTERM, ended)
    try:
        with pytest.raises(Interrupted):
            qemu.launch(["/bin/sh", "-c", "echo $$ >pid; exec sleep 600"], tmp_path, record)
    finally:
        signal.signal(signal.SIGTERM, before)
    pid = tmp_path / "pid"
    wait_until(lambda: pid.exists() and pid.read_text().strip())
    found = Process.of(int(pid.read_text()))
    assert found
    found.end(signal.SIGTERM)
    assert not found.alive() or found.wait(HANG_SECONDS)


def test_no_machine_runs_in_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Its record would have nowhere to be."""
    directory = tmp_path / "machine"
    directory.mkdir()

    def record(process: Process) -> None:
        shutil.rmtree(directory)
        wanted = boot.Start(
            directory, Path("disk"), "raw", "agent", "web", 1, 512, 0, 22022, "builder", "key", "tcg", 1.0
        )
        machine._record(wanted, "cold", process)

    with pytest.raises(ImagegenError, match="could not be recorded"):
        qemu.launch(["/bin/touch", str(tmp_path / "ran")], directory, record)
    assert not directory.exists()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("pid", "log", "message"),
    [
        ("123", "", "without powering itself off: its console is empty"),  # killed, or crashed
        (
            "",
            "qemu-system-x86_64: terminating on signal 15 from pid 9",
            "powering itself off: terminating on signal 15",
        ),
    ],
)
def test_wait_off_tells_a_crash_from_a_power_off(
    tmp_path: Path, sleeper: "subprocess.Popen[bytes]", pid: str, log: str, message: str
) -> None:
    _recorded(tmp_path, sleeper.pid, _start_time(sleeper.pid))
    sleeper.kill()
    sleeper.wait()
    (tmp_path / qemu.LOG).write_text(log)
    if pid:
        (tmp_path / qemu.PID).write_text(pid)
    with pytest.raises(ImagegenError, match=message):
        machine.wait_off(tmp_path, 1)
    (tmp_path / qemu.LOG).write_text("qemu-system-x86_64: warning: hub 0 with no nics")
    (tmp_path / qemu.PID).unlink(missing_ok=True)
    machine.wait_off(tmp_path, 1)
    assert not (tmp_path / machine.RECORD).exists()


def test_stop_spares_a_process_that_works_elsewhere(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    """The folder is a copy of another VM's (`cp -a`), with its record."""
    copy = tmp_path / "copy"
    copy.mkdir()
    _recorded(copy, sleeper.pid, _start_time(sleeper.pid))
    assert machine.running(copy) is None
    machine.stop(copy)
    assert sleeper.poll() is None


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "usage: machine"),
        (["fly", "{}"], "usage: machine"),
        (["stop", "[]"], "not a JSON object"),
        (["stop", "{"], "not JSON"),
        (["stop", "{}"], "missing 1 required positional argument: 'directory'"),
        (["start", '{"name": "web"}'], "missing"),
    ],
)
def test_program_refuses_in_words(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert machine.main(argv) == 1
    assert message in capsys.readouterr().err


def test_program_stops_what_is_not_there(tmp_path: Path) -> None:
    """Again and again, also where there is no folder at all."""
    argument = json.dumps({"directory": str(tmp_path / "machine")})
    for _ in range(2):
        subprocess.run([sys.executable, "-P", "-m", "generator.local.machine", "stop", argument], check=True)


def test_program_starts_light() -> None:
    code = "import generator.local.machine, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"rich", "typer", "httpx", "pydantic", "jinja2", "hcl2"} & set(loaded)


@pytest.mark.parametrize(
    ("name", "user", "key"),
    [
        ("web;reboot", "builder", KEY), ("web", "root", KEY), ("web", "a b", KEY), ("web", "builder", "it's a key"),
        ("web", "builder", KEY + "\nsecond"), ("-web", "builder", KEY), ("web", "builder", ""),
    ],
)  # fmt: skip
def test_login_refuses_what_a_script_could_misread(name: str, user: str, key: str) -> None:
    with pytest.raises(ImagegenError):
        login.check(name, user, key)


def test_login_script_is_sound_perl_and_carries_each_value_in_hex(tmp_path: Path) -> None:
    """No value can be taken for a part of the script."""
    identity = login.identity(tmp_path, 22022)
    script = login.setup_script("web", "builder", KEY + " \\", grow=True, identity=identity, saved=True)
    subprocess.run(["perl", "-c", "-"], input=script.encode(), check=True)
    told = dict(line.split(" ") for line in script.partition("__END__\n")[2].splitlines())
    values = {name: bytes.fromhex(value).decode("latin-1") for name, value in told.items()}
    assert values | identity == values
    assert values["public_key"] == KEY + " \\"
    assert len(values["entropy"]) == 64


def test_each_identity_is_another(tmp_path: Path) -> None:
    first, second = login.identity(tmp_path, 22022), login.identity(tmp_path, 22023)
    assert all(first[name] != second[name] for name in first)
    assert first["host_key_ed25519"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    public = [second[f"host_key_{kind}_pub"].strip() for kind in login.HOST_KEYS]
    assert ssh.read_known_hosts(tmp_path / ssh.KNOWN_HOSTS, "127.0.0.1", 22023) == public


def test_a_host_key_lies_where_the_machine_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends a killed build removes that folder, and nothing else."""
    told: list[Path] = []

    def killed(argv: list[str]) -> None:
        told.append(Path(argv[-1]))
        raise KeyboardInterrupt

    monkeypatch.setattr(login, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        login.identity(tmp_path, 22022)
    assert [path.parent.parent for path in told] == [tmp_path]


def test_require_names_everything_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "search_path", lambda: "/nonexistent")
    with pytest.raises(MissingTools) as caught:
        host.require(building_base=True)
    for name in ("qemu-system-x86_64", "qemu-img", "mmdebstrap", "mcopy", "mkfs.vfat", "mke2fs", "terraform"):
        assert name in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("sudo apt-get install ")
    assert "qemu-system-x86" in caught.value.hint
    assert host.TERRAFORM_HINT in caught.value.hint


def test_building_the_base_needs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "search_path", lambda: "/nonexistent")
    with pytest.raises(MissingTools) as caught:
        host.require(building_base=False)
    assert "mmdebstrap" not in caught.value.message


def test_accelerator_without_kvm_is_not_probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "DEVICE", tmp_path / "kvm")
    found = accelerator.explain(Settings(cache_dir=tmp_path))
    assert (found.name, found.why) == ("tcg", f"there is no {tmp_path / 'kvm'}")


def test_machine_type_is_pinned() -> None:
    assert accelerator.machine_type("7.2.22") == "pc-q35-7.2"
    assert accelerator.machine_type("10.0.2") == "pc-q35-10.0"


def test_tail_is_plain_text(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\r\n\x1b[2J\x1b[01;01H\x1b[=3htwo\x00\r\n\r\n\x1b[0m\r\n")
    assert files.tail(tmp_path / "log", 5) == ["one", "two"]
    assert files.tail(tmp_path / "none", 5) == []
