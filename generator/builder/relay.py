"""One SSH connection to each VM of a build, held from the first step to the last, and the way Terraform uses it.

Image Builder's steps run over one connection, so a step may change who can log in and the later steps still run.
Terraform logs in again for each provisioner. So during a build its `connection` blocks lead to this relay: an SSH
server on 127.0.0.1 that runs each of Terraform's commands in a new session of the one connection to the VM. Terraform
sends the VM's address as part of the user name, `USER@HOST:PORT`. The relay accepts the build's key only, and Terraform
checks the relay's host key. A build by hand has no relay: then Terraform connects to the VM itself.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from generator.builder.ssh import Login, Route
from generator.errors import ImagegenError

if TYPE_CHECKING:
    import asyncssh

LOGIN_SECONDS = 300.0  # for a VM that has just started to accept its user
ATTEMPT_SECONDS = 60.0  # one login
PAUSE_SECONDS = 0.5  # between two attempts
# A VM that is paused while it is saved answers late; one whose kernel restarted resets the connection at the next of
# these, and so is noticed.
KEEPALIVE_SECONDS = 5
KEEPALIVES = 60
CHUNK = 65536
FAILED = 255  # exit code of ssh(1) for an error of its own
LOST = "the connection to the VM was lost"
LOST_HINT = (
    "the step, or what it started, restarted or stopped the VM, its network or the processes of its build user: a Shell"
    " step must not, here and in Image Builder"
)
EARLIER_HINT = f"{LOST_HINT}; look at the step before"
SHUT_HINT = (
    "in a build from the start the later steps use the connection of the first one; to build again from the start:"
    " `imagegen apply DIR --fresh`"
)

Report = Callable[[str], None]


@dataclass
class Relay:
    """A relay of one command. Use it as a context manager: it listens from entering to leaving.

    private_key: the file of the build's key; logged_in_before: whether a step already ran, so that a VM which refuses
    the login is not just starting.
    """

    private_key: Path
    route: Route
    note: Report = lambda _line: None
    logged_in_before: bool = False
    port: int = 0
    host_key: str = ""
    failure: ImagegenError | None = None
    """Why the last command of Terraform's could not be run, if the connection is to blame."""
    verified: bool = True
    """Whether the host key of every VM was compared with one that is known from elsewhere."""

    _connections: dict[Login, "asyncio.Task[asyncssh.SSHClientConnection]"] = field(default_factory=dict, init=False)
    _bastions: "list[asyncssh.SSHClientConnection]" = field(default_factory=list, init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()
        try:
            self._server = self._call(self._listen())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._stop()

    def variables(self) -> dict[str, Any]:
        """The root variable by which Terraform finds the relay."""
        return {"ssh_relay": {"host_key": self.host_key, "port": self.port}}

    def run(self, login: Login, command: str, stdin: bytes, *, verified: bool) -> None:
        """Run a command on the VM.

        Raises ImagegenError when it fails, and before it is sent if `verified` and the VM's host key is not known.
        """
        self._call(self._run(login, command, stdin, verified=verified))

    def disconnect(self) -> None:
        """Close the connections to the VMs. A later command of Terraform's opens a new one."""
        self._call(self._disconnect())

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> "asyncssh.SSHAcceptor":
        import asyncssh  # noqa: PLC0415 - a third of a second

        own = asyncssh.generate_private_key("ssh-ed25519")
        self.host_key = own.export_public_key().decode().strip()
        public = self.private_key.with_suffix(".pub").read_text("ascii")
        server = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[own], authorized_client_keys=asyncssh.import_authorized_keys(public),
            process_factory=self._serve, encoding=None, line_editor=False, allow_scp=False, agent_forwarding=False,
            x11_forwarding=False, config=None,
        )  # fmt: skip
        self.port = server.get_port()
        return server

    async def _serve(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        """Run one command of Terraform's on the VM."""
        import asyncssh  # noqa: PLC0415

        try:
            login = Login.parse(process.get_extra_info("username"))
            connection = await self._connection(login)
            await _forward(connection, process)
        except ImagegenError as error:
            self.failure = error
        except (ValueError, OSError, asyncssh.Error):
            self.failure = ImagegenError(LOST, LOST_HINT)
        else:
            return
        with contextlib.suppress(OSError):
            process.exit(FAILED)

    async def _connection(self, login: Login) -> "asyncssh.SSHClientConnection":
        """The connection to a VM, opened by the first who asks. Once it was lost it stays so: a step did that."""
        if login not in self._connections:
            self._connections[login] = self._loop.create_task(self._connect(login))
        try:
            connection = await asyncio.shield(self._connections[login])
        except ImagegenError:
            del self._connections[login]
            raise
        if connection.is_closed():
            raise ImagegenError(f"{LOST} before it started", EARLIER_HINT)
        return connection

    async def _connect(self, login: Login) -> "asyncssh.SSHClientConnection":
        """Log in, again and again while the VM starts."""
        import asyncssh  # noqa: PLC0415

        patience = LOGIN_SECONDS * self.route.patience
        deadline = self._loop.time() + patience
        while True:
            try:
                return await self._log_in(login)
            except asyncssh.HostKeyNotVerifiable as error:
                raise ImagegenError(
                    f"the SSH server at {login.host}:{login.port} has another host key than the VM of this build",
                    "something else answers at that address; nothing was sent to it",
                ) from error
            except asyncssh.PermissionDenied as error:
                if self.logged_in_before:
                    raise ImagegenError("the VM no longer lets its build user log in", SHUT_HINT) from error
                reason = f"it refuses the login of {login.user}"
            except (OSError, asyncssh.Error) as error:
                reason = str(error) or type(error).__name__
            if self._loop.time() > deadline:
                raise ImagegenError(f"no SSH connection to {login.host}:{login.port} within {patience:.0f} s: {reason}")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _log_in(self, login: Login) -> "asyncssh.SSHClientConnection":
        import asyncssh  # noqa: PLC0415

        tunnel = await self._through(self.route.bastion) if self.route.bastion else None
        known = await self._loop.run_in_executor(None, self.route.host_keys, login.host, login.port)
        self.verified = self.verified and bool(known)
        return await asyncssh.connect(
            login.host, login.port, username=login.user, client_keys=[str(self.private_key)], tunnel=tunnel or (),
            known_hosts=([asyncssh.import_public_key(one) for one in known], [], []) if known else None,
            agent_path=None, config=None, preferred_auth="publickey", **self._bounds(),
        )  # fmt: skip

    def _bounds(self) -> dict[str, Any]:
        """How long a login may take, and how long a connection may be silent."""
        seconds = ATTEMPT_SECONDS * self.route.patience
        return {
            "connect_timeout": seconds, "login_timeout": seconds, "keepalive_interval": KEEPALIVE_SECONDS,
            "keepalive_count_max": round(KEEPALIVES * self.route.patience),
        }  # fmt: skip

    async def _through(self, bastion: Login) -> "asyncssh.SSHClientConnection":
        """The connection to the bastion, with the build's key or one of the user's agent."""
        import asyncssh  # noqa: PLC0415

        self._bastions = [one for one in self._bastions if not one.is_closed()]
        if self._bastions:
            return self._bastions[0]
        path = Path.home() / ".ssh/known_hosts"
        known = asyncssh.read_known_hosts(str(path)) if path.exists() else None
        if known is None or not any(known.match(bastion.host, bastion.host, bastion.port)[:3]):
            known = None
            self.note(f"the host key of the bastion {bastion.host} is not in ~/.ssh/known_hosts and was not checked")
        found = await asyncssh.connect(
            bastion.host, bastion.port, username=bastion.user, client_keys=[str(self.private_key)], known_hosts=known,
            agent_path=os.environ.get("SSH_AUTH_SOCK"), config=None, preferred_auth="publickey",
            **self._bounds(),
        )  # fmt: skip
        self._bastions.append(found)
        return found

    async def _run(self, login: Login, command: str, stdin: bytes, *, verified: bool) -> None:
        connection = await self._connection(login)
        if verified and not self.verified:
            raise ImagegenError(
                "the host key of the VM could not be checked, so no secret was sent to it",
                "use `--communicator run-command`, which reaches the VM through Azure",
            )
        done = await connection.run(command, input=stdin, encoding=None)
        if done.exit_status != 0:
            lines = bytes(done.stderr or b"").strip().splitlines()  # type: ignore[arg-type] # it has no encoding
            raise ImagegenError(lines[-1].decode("utf-8", "replace") if lines else f"exit code {done.exit_status}")

    async def _close(self) -> None:
        self._server.close()
        await self._disconnect()
        rest = asyncio.all_tasks(self._loop) - {
            asyncio.current_task()
        }  # of commands that Terraform no longer waits for
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _disconnect(self) -> None:
        for task in self._connections.values():
            task.cancel()
            if task.done() and not task.cancelled() and not task.exception():
                task.result().close()
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(task.result().wait_closed(), ATTEMPT_SECONDS)
        self._connections.clear()
        for one in self._bastions:
            one.close()
        self._bastions.clear()


async def _forward(connection: "asyncssh.SSHClientConnection", process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """Run Terraform's command in a session of the connection, without a terminal, as in Image Builder."""
    session: asyncssh.SSHClientProcess[bytes] = await connection.create_process(
        process.command, encoding=None, request_pty=False
    )
    stdin = asyncio.ensure_future(_copy_input(process, session))
    output = asyncio.ensure_future(_copy_output(session, process))
    given_up = asyncio.ensure_future(process.channel.wait_closed())  # by Terraform
    tasks: list[asyncio.Future[None]] = [stdin, output, given_up]
    try:
        await asyncio.wait([output, given_up], return_when=asyncio.FIRST_COMPLETED)
    finally:
        session.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if session.exit_signal is not None:
        process.exit_with_signal(*session.exit_signal)
    elif session.exit_status is not None:
        process.exit(session.exit_status)
    else:
        raise ConnectionError("no exit code came back")


async def _copy_input(process: "asyncssh.SSHServerProcess[bytes]", session: "asyncssh.SSHClientProcess[bytes]") -> None:
    """Copy what Terraform sends, and its end."""
    await _copy(process.stdin, session.stdin)
    with contextlib.suppress(OSError):
        session.stdin.write_eof()


async def _copy_output(
    session: "asyncssh.SSHClientProcess[bytes]", process: "asyncssh.SSHServerProcess[bytes]"
) -> None:
    """Copy what a command prints, up to its end: the two streams are of one channel, which ends with both."""
    await asyncio.gather(_copy(session.stdout, process.stdout), _copy(session.stderr, process.stderr))
    await session.wait_closed()


async def _copy(source: "asyncssh.SSHReader[bytes]", target: "asyncssh.SSHWriter[bytes]") -> None:
    """Copy a stream up to its end."""
    import asyncssh  # noqa: PLC0415

    while True:
        try:
            chunk = await source.read(CHUNK)
        except asyncssh.TerminalSizeChanged:
            continue
        if not chunk:
            break
        target.write(chunk)
        await target.drain()
