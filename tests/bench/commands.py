"""Programs that are measured: started, timed, watched, and never left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

IMAGEGEN = (str(Path(sys.executable).with_name("imagegen")),)
# Compiled modules are kept, as they are wherever imagegen is installed.
HINDERING = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "IMAGEGEN_", "TF_", "ARM_", "XDG_", "PACKER_")


class Failed(Exception):
    """A program that is measured did not do its work; the text says how it ended."""


@dataclass(frozen=True)
class Ran:
    """A program that came to its end: begin and end (time.time), its lines, and the most memory it took, in MiB."""

    began: float
    ended: float
    lines: list[str]
    peak_mb: float

    @property
    def seconds(self) -> float:
        """Wall time from its start to its end."""
        return self.ended - self.began


def environment(extra: Mapping[str, str | Path]) -> dict[str, str]:
    """Our environment without what would change what is measured, and `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(HINDERING)}
    fixed = {"NO_COLOR": "1", "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    return kept | fixed | {name: str(value) for name, value in extra.items()}


def run(argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None = None) -> Ran:
    """Run a program to its end. Raises Failed, with its last lines, when it fails."""
    began = time.time()
    with _started([str(part) for part in argv], env, cwd) as child, _peak_of(child.pid) as peak:
        assert child.stdout is not None
        lines = child.stdout.read().splitlines()
        code = child.wait()
        ended = time.time()
    if code != 0:
        said = "\n  ".join(lines[-20:])
        raise Failed(f"{Path(argv[0]).name} ended with {code}:\n  {said}")
    return Ran(began, ended, lines, peak[0])


@contextmanager
def _started(argv: list[str], env: Mapping[str, str], cwd: Path | None) -> Iterator["subprocess.Popen[str]"]:
    """A program in a session of its own. When we are interrupted it is too, and then cleans up after itself."""
    child = subprocess.Popen(
        argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield child
    except BaseException:
        child.send_signal(signal.SIGINT)
        child.communicate()
        raise


@contextmanager
def _peak_of(pid: int) -> Iterator[list[float]]:
    """The most memory that a process itself takes, its children not among it: proc(5), VmHWM. It only ever grows."""
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peak[0] = _resident_mb(pid) or peak[0]

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def _resident_mb(pid: int) -> float:
    """VmHWM in MiB; 0 for a process that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0.0)
