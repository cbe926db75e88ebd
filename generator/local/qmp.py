"""JSON over QEMU's unix sockets: the machine protocol (QMP) and the guest agent."""

import base64
import json
import os
import secrets
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from generator.errors import ImagegenError
from generator.system.process import Process

SHELL = ("/bin/sh", "-s")
LARGEST = 64 * 1024**2  # bytes of a message; a guest agent's are at most a third of that (qga: GUEST_EXEC_MAX_OUTPUT)


class Channel:
    """A connection to the socket `name` in a machine's folder. Messages are JSON objects, one a line.

    The folder is reached through /proc/self/fd, because a socket's address holds only 107 bytes of path.
    """

    SILENT = "QEMU did not answer in time"
    STRANGE = "QEMU answered what its protocol does not have"

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

    def send(self, message: dict[str, Any], descriptor: int | None = None) -> None:
        """Send one message, and with it an open file."""
        line = json.dumps(message).encode() + b"\n"
        if descriptor is None:
            self._socket.sendall(line)
        else:
            socket.send_fds(self._socket, [line], [descriptor])

    def receive(self, deadline: float) -> dict[str, Any]:
        """The next message.

        Raises TimeoutError at `deadline` (time.monotonic), ConnectionError when QEMU has ended, ImagegenError for what
        is not a JSON object: of the guest agent's socket, a guest may answer anything.
        """
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(self.SILENT)
            self._socket.settimeout(left)
            try:
                chunk = self._socket.recv(65536)
            except TimeoutError:
                raise TimeoutError(self.SILENT) from None
            if not chunk:
                raise ConnectionError("QEMU closed the connection")
            self._rest += chunk
            if len(self._rest) > LARGEST:
                raise self.strange()
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self.strange() from error
        if not isinstance(message, dict):
            raise self.strange()
        return message

    def strange(self) -> ImagegenError:
        """The error for an answer that the protocol does not have."""
        return ImagegenError(self.STRANGE)

    def ask(
        self, command: str, arguments: dict[str, Any] | None = None, *, deadline: float, descriptor: int | None = None
    ) -> Any:
        """Run a command and return its answer; events in between are passed over."""
        self.send({"execute": command, "arguments": arguments or {}}, descriptor)
        while True:
            message = self.receive(deadline)
            if "error" in message:
                error = message["error"]
                said = error.get("desc") if isinstance(error, dict) else None
                raise ImagegenError(f"{command}: {said}" if isinstance(said, str) else self.STRANGE)
            if "return" in message:
                return message["return"]

    def give(self, name: str, descriptor: int, deadline: float) -> str:
        """Let QEMU have an open file under a name; returns the address by which a migration knows it."""
        self.ask("getfd", {"fdname": name}, deadline=deadline, descriptor=descriptor)
        return f"fd:{name}"


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
    """The guest agent of a machine (QEMU's guest agent reference manual).

    It is a program of the guest, which a step may have replaced: each of its answers is checked.
    """

    SILENT = "the guest agent did not answer in time"
    STRANGE = "the guest agent answered what its protocol does not have"

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
        started = self._answer("guest-exec", {
            "path": interpreter[0], "arg": interpreter[1:], "capture-output": True,
            "input-data": base64.b64encode(text.encode()).decode(),
        }, {"pid": int}, deadline)  # fmt: skip
        while True:
            status = self._answer("guest-exec-status", {"pid": started["pid"]}, {"exited": bool}, deadline)
            if status["exited"]:
                return self._code(status), "".join(self._text(status, part) for part in ("out-data", "err-data"))
            time.sleep(0.02)

    def _answer(
        self, command: str, arguments: dict[str, Any], kinds: Mapping[str, type], deadline: float
    ) -> dict[str, Any]:
        """An answer that has these parts."""
        answer = self.ask(command, arguments, deadline=deadline)
        if not isinstance(answer, dict) or any(type(answer.get(name)) is not kind for name, kind in kinds.items()):
            raise self.strange()
        return answer

    def _code(self, status: Mapping[str, Any]) -> int:
        code = status["exitcode"] if "exitcode" in status else status.get("signal")
        if type(code) is not int:
            raise self.strange()
        return code if "exitcode" in status else -code

    def _text(self, status: Mapping[str, Any], part: str) -> str:
        try:
            return base64.b64decode(status.get(part, ""), validate=True).decode("utf-8", "replace")
        except (ValueError, TypeError) as error:
            raise self.strange() from error
