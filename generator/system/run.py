"""The one door for subprocesses: lists only, never a shell, a chosen environment, no terminal input."""

import ctypes
import errno
import logging
import os
import select
import shlex
import signal
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from generator.errors import ImagegenError
from generator.system import orphans, wait

# What a child needs to find programs, its home, temporary space, a proxy and certificates. Nothing else of ours
# reaches it: a credential in our environment is none of its business.
ALLOWED = (
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    wait.CLOCK,
)  # fmt: skip
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 60.0
SHORT_GRACE_SECONDS = 10.0  # of a program that is not streamed
SILENCE_SECONDS = 0.5  # a terminal hands on late what was written to it

_log = logging.getLogger(__name__)
_LIBC = ctypes.CDLL(None)
_inherited: list[int] = []


class CommandFailed(ImagegenError):
    """A program ended with an error; `output` is what it printed, `code` its exit code (negative: the signal)."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        last = next((line for line in reversed(output.splitlines()) if line.strip()), "it printed nothing")
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        super().__init__(f"{Path(argv[0]).name} {how}: {last.strip()}")
        self.code = code
        self.output = output


class DeadlinePassed(ImagegenError):
    """A program was ended because the time for it was over."""


@dataclass(frozen=True)
class Completed:
    """A finished program: exit code and the text it printed."""

    code: int
    stdout: str
    stderr: str


@contextmanager
def inherited(descriptor: int) -> Iterator[None]:
    """Within: every child holds this file open too, and with it a lock, until it has ended itself."""
    _inherited.append(descriptor)
    try:
        yield
    finally:
        _inherited.remove(descriptor)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: the allowed part of ours, a fixed locale, and `extra`."""
    chosen = {name: os.environ[name] for name in ALLOWED if name in os.environ}
    return chosen | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"} | dict(extra or {})


def run(
    argv: Sequence[str],
    *,
    check: bool = True,
    cwd: Path | None = None,
    extra_env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float | None = None,
) -> Completed:
    """Run a program to its end and return what it printed.

    Raises ImagegenError when it is not installed, CommandFailed when `check` and it fails, DeadlinePassed after
    `timeout` seconds.
    """
    _log.debug("%s", shlex.join(argv))
    try:
        code, stdout, stderr = _said(argv, cwd, extra_env, stdin, timeout)
    except FileNotFoundError as error:
        raise ImagegenError(f"`{argv[0]}` is not installed", "run `imagegen doctor`") from error
    except subprocess.TimeoutExpired as error:
        raise DeadlinePassed(f"{Path(argv[0]).name} did not end within {timeout:.0f} s") from error
    completed = Completed(code, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"))
    if check and completed.code != 0:
        raise CommandFailed(argv, completed.code, completed.stdout + completed.stderr)
    return completed


def _said(
    argv: Sequence[str], cwd: Path | None, extra_env: Mapping[str, str] | None, stdin: bytes, timeout: float | None
) -> tuple[int, bytes, bytes]:
    """A program's exit code, and what it prints up to its end. On an interrupt it gets time to come to it: what writes,
    as Terraform does, is not cut off in the middle."""
    with ExitStack() as stack:
        child = None
        try:
            with _held_back():
                child = stack.enter_context(
                    subprocess.Popen(
                        list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
                        env=environment(extra_env), pass_fds=_inherited,
                        preexec_fn=partial(_end_with, os.getpid()),  # noqa: PLW1509 - it takes no lock
                    )
                )  # fmt: skip
            stdout, stderr = child.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            if child:
                child.kill()
            raise
        except BaseException:
            if child:
                _let_end(child)
            raise
        return child.returncode, stdout, stderr


def _let_end(child: "subprocess.Popen[bytes]") -> None:
    try:
        child.communicate(timeout=SHORT_GRACE_SECONDS)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        child.kill()


@contextmanager
def _held_back() -> Iterator[None]:
    """Within, an interrupt waits: a program that is just being started could not be ended."""
    if threading.current_thread() is not threading.main_thread():  # interrupts come to no other
        yield
        return
    came: list[int] = []
    heeded = [number for number in INTERRUPTS if callable(signal.getsignal(number))]
    before = {number: signal.signal(number, lambda number, _frame: came.append(number)) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for one in came:
        signal.raise_signal(one)


def stream(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    *,
    cwd: Path | None = None,
    extra_env: Mapping[str, str] | None = None,
    deadline: float | None = None,
    umask: int = -1,
) -> int:
    """Run a program, hand each line of its output (stderr included) to `on_line`, return its exit code.

    The child has a session of its own, so a Ctrl-C at the terminal reaches only us. On interrupt, or when `deadline`
    (time.monotonic seconds) passes, the child gets SIGINT and time to end by itself, then SIGKILL; the interrupt
    (KeyboardInterrupt) or DeadlinePassed is raised after it has ended. `umask` is the child's, ours by default.
    """
    _log.debug("%s", shlex.join(argv))
    # A terminal and not a pipe: Go programs die at once, with their state unwritten, when they write to a pipe whose
    # reader was killed; from a terminal that is gone they get a mere error (os/signal, "SIGPIPE").
    reader, writer = os.openpty()
    tty.setraw(writer)
    child = ended = None
    try:
        try:
            with _held_back():
                child = subprocess.Popen(
                    list(argv), stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, cwd=cwd,
                    env=environment(extra_env), start_new_session=True, pass_fds=_inherited, umask=umask,
                    preexec_fn=partial(_end_with, os.getpid()),  # noqa: PLW1509 - it takes no lock
                )  # fmt: skip
                ended = os.pidfd_open(child.pid)  # before anything waits for it: its id is free then
        except FileNotFoundError as error:
            raise ImagegenError(f"`{argv[0]}` is not installed", "run `imagegen doctor`") from error
        finally:
            os.close(writer)
        for line in _lines_until(reader, ended, deadline):
            on_line(line)
        return child.wait()
    except BaseException:  # an interrupt, the deadline, or a listener that failed
        if child and ended:
            _end(child, reader, ended, on_line)
        raise
    finally:
        os.close(reader)
        if ended:
            os.close(ended)
        if child and child.returncode:  # a program that crashes, or is killed, leaves what it had started
            for descriptor in _inherited:
                orphans.end(os.fstat(descriptor))


def start(argv: Sequence[str], extra_env: Mapping[str, str]) -> "subprocess.Popen[str]":
    """Start one of our own commands, with our whole environment and `extra_env`; its stdout is read, its stderr not.

    It has a session of its own, so a Ctrl-C at the terminal reaches only us; it gets one when we die.
    """
    _log.debug("%s", shlex.join(argv))
    return subprocess.Popen(
        list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | dict(extra_env), start_new_session=True,
        preexec_fn=partial(_end_with, os.getpid()),  # noqa: PLW1509 - it takes no lock
    )  # fmt: skip


def _end_with(parent: int) -> None:
    """In the child: heed SIGINT, which a background job ignores, and get one when the parent dies, however it dies.

    prctl(2), PR_SET_PDEATHSIG. A parent that has died before that is seen by its id.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _LIBC.prctl(1, signal.SIGINT)
    if os.getppid() != parent:
        os._exit(1)


def _lines_until(reader: int, ended: int, deadline: float | None) -> Iterable[str]:
    """The lines that come until the other end closes, or the child has ended and what it left there is silent.

    ended: a descriptor that is readable once the child has ended. DeadlinePassed when the deadline comes first.
    """
    parts: list[bytes] = []  # of a line that goes on; joined once, however long it is
    while chunk := _chunk(reader, ended, deadline):
        first, *more = chunk.split(b"\n")
        parts.append(first)
        for one in more:
            yield b"".join(parts).decode("utf-8", "replace")
            parts = [one]
    if rest := b"".join(parts):
        yield rest.decode("utf-8", "replace")


def _chunk(reader: int, ended: int, deadline: float | None) -> bytes:
    """What comes next, empty at the end."""
    wait = None if deadline is None else max(0.0, deadline - time.monotonic())
    ready = select.select([reader, ended], [], [], wait)[0]
    if not ready:
        raise DeadlinePassed("the time for the build is over")
    if reader not in ready and not select.select([reader], [], [], SILENCE_SECONDS)[0]:
        return b""
    try:
        return os.read(reader, 65536)
    except OSError as error:  # EIO: nobody has the other end open any more (pty(7))
        if error.errno != errno.EIO:
            raise
        return b""


def _end(child: "subprocess.Popen[bytes]", reader: int, ended: int, on_line: Callable[[str], None]) -> None:
    """Ask a child to end, wait, and make sure of it; a second interrupt while waiting kills it at once."""
    child.send_signal(signal.SIGINT)
    try:
        for line in _lines_until(reader, ended, time.monotonic() + GRACE_SECONDS):
            with suppress(Exception):
                on_line(line)
        child.wait(GRACE_SECONDS)
    except (KeyboardInterrupt, DeadlinePassed, subprocess.TimeoutExpired):
        child.kill()
        child.wait()
