"""JSON over QEMU's unix sockets: the machine protocol (QMP) and the guest agent."""

import base64
import json
import os
import secrets
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from generator.errors import ImagegenError
from generator.process import Process

SHELL = ("/bin/sh", "-s")


class Channel:
    """A connection to the socket `name` in a machine's folder. Messages are JSON objects, one a line.

    The folder is reached through /proc/self/fd, because a socket's address holds only 107 bytes of path.
    """

    def __init__(self, directory: Path, name: str) -> None:
        folder = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(f"/proc/self/fd/{folder}/{name}")
        except OSError:
            self._socket.close()
            raise
        finally:
            os.close(folder)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def peer(self) -> int:
        """The id of the process that listens there (unix(7), SO_PEERCRED)."""
        found = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", found)[0])

    def send(self, message: dict[str, Any]) -> None:
        """Send one message."""
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, deadline: float) -> dict[str, Any]:
        """The next message. Raises TimeoutError at `deadline` (time.monotonic), ConnectionError when QEMU has ended."""
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionError("QEMU closed the connection")
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, command: str, arguments: dict[str, Any] | None = None, *, deadline: float) -> Any:
        """Run a command and return its answer; events in between are passed over."""
        self.send({"execute": command, "arguments": arguments or {}})
        while True:
            message = self.receive(deadline)
            if "error" in message:
                raise ImagegenError(f"{command}: {message['error'].get('desc', 'failed')}")
            if "return" in message:
                return message["return"]


def listener(directory: Path) -> Process | None:
    """The process that listens at the socket of the machine in a folder, where no other than QEMU runs."""
    with suppress(OSError), Channel(directory, "qmp.sock") as channel:
        found = Process.of(channel.peer())
        if found and Path(f"/proc/{found.pid}/cwd").samefile(directory):
            return found
    return None


def command(directory: Path, name: str, arguments: dict[str, Any] | None = None, *, seconds: float = 5) -> Any:
    """Run one command of the machine protocol (QEMU's QMP reference manual) on the machine in a folder."""
    deadline = time.monotonic() + seconds
    with Channel(directory, "qmp.sock") as channel:
        channel.receive(deadline)
        channel.ask("qmp_capabilities", deadline=deadline)
        return channel.ask(name, arguments, deadline=deadline)


class Agent(Channel):
    """The guest agent of a machine (QEMU's guest agent reference manual)."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "agent.sock")

    def wait(self, deadline: float) -> None:
        """Wait until the agent answers. What is sent before it runs waits in QEMU, so one message is enough."""
        mark = secrets.randbelow(2**31)
        self.send({"execute": "guest-sync", "arguments": {"id": mark}})
        while self.receive(deadline).get("return") != mark:
            pass  # an answer to somebody who asked before us

    def script(self, text: str, deadline: float, interpreter: Sequence[str] = SHELL) -> tuple[int, str]:
        """Run a script as root in the guest. Returns its exit code and what it printed."""
        started = self.ask("guest-exec", {
            "path": interpreter[0], "arg": interpreter[1:], "capture-output": True,
            "input-data": base64.b64encode(text.encode()).decode(),
        }, deadline=deadline)  # fmt: skip
        while True:
            status = self.ask("guest-exec-status", {"pid": started["pid"]}, deadline=deadline)
            if status["exited"]:
                parts = (base64.b64decode(status.get(part, "")) for part in ("out-data", "err-data"))
                return status.get("exitcode", -status.get("signal", 0)), b"".join(parts).decode("utf-8", "replace")
            time.sleep(0.02)
