"""The relay between Terraform's SSH and a VM's. The VM is an SSH server in this process that runs real commands."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pytest

from generator.builder.relay import LOST, Relay
from generator.builder.ssh import Login, Route
from generator.errors import ImagegenError


@dataclass
class Vm:
    """A VM that can be reached by SSH: it counts logins, and may refuse further ones."""

    folder: Path
    open: bool = True
    logins: int = 0
    port: int = 0
    host_key: str = ""
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = self.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result()

    async def _listen(self) -> None:
        own = asyncssh.generate_private_key("ssh-ed25519")
        self.host_key = own.export_public_key().decode().strip()
        self.server = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=lambda: _Server(self), server_host_keys=[own], encoding=None,
            process_factory=self._run, line_editor=False,
        )  # fmt: skip
        self.port = self.server.get_port()

    async def _run(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        child = await asyncio.create_subprocess_shell(process.command or "", stdin=-1, stdout=-1, stderr=-1)
        stdout, stderr = await child.communicate(await process.stdin.read())
        process.stdout.write(stdout)
        process.stderr.write(stderr)
        process.exit(child.returncode or 0)

    def drop(self) -> None:
        """Cut every connection, as a restart of the VM does."""
        for one in self.connections:
            self.loop.call_soon_threadsafe(one.abort)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    async def _close(self) -> None:
        self.server.close()
        for one in self.connections:
            one.abort()
        rest = asyncio.all_tasks(self.loop) - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def route(self, *keys: str) -> Route:
        return Route(lambda _host, _port: list(keys))

    def login(self) -> Login:
        return Login("builder", "127.0.0.1", self.port)


class _Server(asyncssh.SSHServer):
    def __init__(self, vm: Vm) -> None:
        self.vm = vm

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.vm.connections.append(conn)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        ours = asyncssh.read_public_key(str(self.vm.key) + ".pub")
        return self.vm.open and username == "builder" and key == ours

    def auth_completed(self) -> None:
        self.vm.logins += 1


@pytest.fixture
def vm(tmp_path: Path) -> Iterator[Vm]:
    made = Vm(tmp_path)
    yield made
    made.close()


def terraform(relay: Relay, vm: Vm, command: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """A command as Terraform sends it, from a client that checks the relay's host key."""
    known = vm.folder / "relay"
    known.write_text(f"[127.0.0.1]:{relay.port} {relay.host_key}\n")
    return subprocess.run(
        ["ssh", "-F", "none", "-i", str(vm.key), "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={known}",
         "-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR", "-p", str(relay.port),
         "-l", f"builder@127.0.0.1:{vm.port}", "127.0.0.1", command],
        input=stdin, capture_output=True, check=False,
    )  # fmt: skip


def test_steps_share_one_login_that_outlives_a_closed_door(vm: Vm) -> None:
    with Relay(vm.key, vm.route(vm.host_key)) as relay:
        first = terraform(relay, vm, "cat; echo told >&2; exit 7", b"\x00\xff" * 100_000)
        vm.open = False  # what a step does that changes who may log in
        second = terraform(relay, vm, "echo still here")
    assert (first.returncode, first.stdout, first.stderr) == (7, b"\x00\xff" * 100_000, b"told\n")
    assert (second.returncode, second.stdout) == (0, b"still here\n")
    assert vm.logins == 1
    assert relay.verified


def test_a_connection_that_is_lost_stays_lost(vm: Vm) -> None:
    """The VM restarted: nothing more is run in it, and the reason is told without waiting."""
    with Relay(vm.key, vm.route(vm.host_key)) as relay:
        threading.Timer(0.5, vm.drop).start()
        assert terraform(relay, vm, "sleep 600").returncode == 255
        assert relay.failure is not None
        assert relay.failure.message == LOST
        assert terraform(relay, vm, "echo again").stdout == b""
        assert relay.failure.message == f"{LOST} before it started"
    assert vm.logins == 1


def test_a_vm_with_another_host_key_is_sent_nothing(vm: Vm) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with Relay(vm.key, vm.route(other)) as relay:
        assert terraform(relay, vm, f"touch {vm.folder}/ran").returncode == 255
        with pytest.raises(ImagegenError, match="another host key"):
            relay.run(vm.login(), f"touch {vm.folder}/ran", b"secret", verified=False)
    assert not (vm.folder / "ran").exists()
    assert vm.logins == 0


def test_a_secret_is_not_sent_to_a_vm_whose_host_key_is_unknown(vm: Vm) -> None:
    with Relay(vm.key, vm.route()) as relay:
        with pytest.raises(ImagegenError, match="no secret was sent"):
            relay.run(vm.login(), f"cat >{vm.folder}/got", b"secret", verified=True)
        assert not (vm.folder / "got").exists()
        assert terraform(relay, vm, "echo a step").returncode == 0
    assert not relay.verified


def test_a_door_that_a_step_shut_is_told_at_once_when_a_build_resumes(vm: Vm) -> None:
    vm.open = False
    with Relay(vm.key, vm.route(vm.host_key), logged_in_before=True) as relay:
        assert terraform(relay, vm, "echo hi").returncode == 255
        assert relay.failure is not None
        assert "no longer lets its build user log in" in relay.failure.message


def test_only_the_builds_key_may_use_the_relay(vm: Vm, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    with Relay(vm.key, vm.route(vm.host_key)) as relay:
        vm.key = tmp_path / "other"
        assert b"Permission denied" in terraform(relay, vm, "echo hi").stderr
    assert vm.logins == 0


def test_secrets_arrive_by_standard_input(vm: Vm) -> None:
    with Relay(vm.key, vm.route(vm.host_key)) as relay:
        relay.run(vm.login(), f"cat >{vm.folder}/got", b"export TOKEN=planted\n", verified=True)
        with pytest.raises(ImagegenError, match="no room"):
            relay.run(vm.login(), "cat >/dev/null; echo no room >&2; exit 1", b"x", verified=True)
    assert (vm.folder / "got").read_text() == "export TOKEN=planted\n"


@pytest.mark.parametrize("text", ["builder", "builder@host", "@host:22", "builder@:22", "builder@host:x"])
def test_a_user_name_that_names_no_vm_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"USER@HOST:PORT|invalid literal"):
        Login.parse(text)
