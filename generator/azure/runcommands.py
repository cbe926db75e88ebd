"""Scripts on a machine without a way in: managed run commands, driven by the SDK.

Microsoft, "Run scripts in your VM by using managed Run Commands": the script runs as root or SYSTEM; its instance view
has the last 4 KB of what it printed. Named parameters are variables of the environment on Linux (run-command-handler-
linux, internal/exec/exec.go) and parameters of the script on Windows; protected ones are never shown again.
"""

import base64
import gzip
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from generator.azure import ids
from generator.azure.auth.errors import told, unless_missing
from generator.azure.pollers import ended
from generator.azure.session import Session
from generator.errors import ImagegenError
from generator.system import wait

Listener = Callable[[str], None]
# The mark of the line by which a script of ours answers (update.ps1 has it too).
ANSWER = "imagegen:"
WINDOW = 4000  # bytes of an output, of which Azure shows the last 4 KB: one so long may begin in the middle of a line
BEGIN_SECONDS = 600.0  # a script only begins then: its own time is another matter
OVERLAP = 64  # characters that two looks must have in common, or it is chance
_OVER = ("Succeeded", "Failed", "TimedOut", "Canceled")
# Of one instance view, less a margin for what PowerShell adds; and how often a log is asked for: each takes seconds.
CHUNK = 3800
CHUNKS = 4


@dataclass(frozen=True)
class Ran:
    """A script that ended: its exit code, and the last 4 KB of its output and of its errors."""

    exit_code: int
    output: str
    error: str

    @property
    def last_line(self) -> str:
        """What it said last, of its errors or else of its output, to tell why it failed."""
        lines = [line.strip() for text in (self.output, self.error) for line in _whole(text)]
        return next((line for line in reversed(lines) if line and not line.startswith(ANSWER)), "it said nothing")


def _whole(text: str) -> list[str]:
    """The lines of which all is there: a part of one could be a part of a secret."""
    lines = text.splitlines()
    return lines[1:] if len(text.encode()) >= WINDOW else lines


class Tail:
    """What is new in the end of a growing text that is seen again and again, in whole lines."""

    def __init__(self) -> None:
        self._seen = ""
        self._rest = ""

    def news(self, text: str, *, final: bool = False) -> list[str]:
        """The lines that were not in the text before; at the end also one without a line break."""
        # The end of what was seen is somewhere in the new text; the longest such end is where it goes on.
        cut = next(at for at in range(len(self._seen) + 1) if text.startswith(self._seen[at:]))
        added = text[len(self._seen) - cut :]
        unlike = not self._seen or (cut > 0 and len(self._seen) - cut < OVERLAP)
        if unlike and len(text.encode()) >= WINDOW:  # what came before was not seen
            self._rest, added = "", "\n".join(["…", *text.replace("\r\n", "\n").split("\n")[1:]])
        self._seen = text
        *lines, self._rest = (self._rest + added).replace("\r\n", "\n").split("\n")
        if final and self._rest:
            lines.append(self._rest)
        return lines


def run(
    session: Session,
    vm_id: str,
    name: str,
    script: str,
    *,
    parameters: Mapping[str, str] | None = None,
    protected: Mapping[str, str] | None = None,
    timeout: float = 3600,
    on_line: Listener = lambda _line: None,
) -> Ran:
    """Run a script on a machine to its end; `on_line` hears what it prints meanwhile. It leaves no run command behind.

    Raises ImagegenError when it does not end within `timeout` seconds, or never began.
    """
    commands = session.compute(ids.subscription(vm_id)).virtual_machine_run_commands
    where = (ids.group(vm_id), ids.name(vm_id), name)
    with told(f"running {name} on the machine"):
        machine = session.compute(ids.subscription(vm_id)).virtual_machines.get(ids.group(vm_id), ids.name(vm_id))
        body: Any = {"location": machine.location, "properties": _asked(script, parameters, protected, timeout)}
        try:
            ended(commands.begin_create_or_update(*where, body), BEGIN_SECONDS)
            return _ended(session, vm_id, name, timeout, on_line)
        finally:
            _forget(commands, where)


def _asked(
    script: str, parameters: Mapping[str, str] | None, protected: Mapping[str, str] | None, timeout: float
) -> dict[str, Any]:
    """What a run command is told. Asynchronous: the operation ends when the script begins, then its view tells."""
    listed = {
        kind: [{"name": name, "value": value} for name, value in given.items()]
        for kind, given in (("parameters", parameters), ("protectedParameters", protected))
        if given
    }
    return {"source": {"script": script}, "asyncExecution": True, "timeoutInSeconds": max(1, int(timeout))} | listed


def _ended(session: Session, vm_id: str, name: str, timeout: float, on_line: Listener) -> Ran:
    deadline = wait.now() + timeout + 60  # the agent ends the script itself when its time is over
    tail = Tail()
    while True:
        view = _view(session, vm_id, name)
        state = ids.text(view and view.execution_state)
        for line in tail.news((view and view.output) or "", final=state in _OVER):
            on_line(line)
        if state in ("Succeeded", "Failed"):
            return Ran(view.exit_code or 0, view.output or "", view.error or "")
        if state in _OVER or wait.now() >= deadline:
            raise ImagegenError(f"{name} did not end within {timeout / 60:.0f} min", "raise buildTimeoutInMinutes")
        wait.sleep(wait.LOOK_SECONDS)


def _view(session: Session, vm_id: str, name: str) -> Any:
    """The instance view of a run command, None while there is none."""
    commands = session.compute(ids.subscription(vm_id)).virtual_machine_run_commands
    where = (ids.group(vm_id), ids.name(vm_id), name)
    found = unless_missing(lambda: commands.get_by_virtual_machine(*where, expand="instanceView"))
    return found and found.properties.instance_view


def _forget(commands: Any, where: tuple[str, str, str]) -> None:
    """Remove a run command. A machine that went away or off meanwhile is no reason to fail."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - heavy

    with suppress(AzureError, ImagegenError):
        ended(commands.begin_delete(*where), BEGIN_SECONDS)


def remove(session: Session, vm_id: str, names: Iterable[str]) -> None:
    """Remove run commands that have ended, one after the other; what is gone is fine. A VM takes 25."""
    commands = session.compute(ids.subscription(vm_id)).virtual_machine_run_commands
    with told("removing finished run commands"):
        for name in names:
            poller = unless_missing(partial(commands.begin_delete, ids.group(vm_id), ids.name(vm_id), name))
            if poller is not None:
                ended(poller)


def end_others(session: Session, vm_id: str, known: Collection[str]) -> None:
    """Remove the run commands of a machine but the known ones, told by their names with `_` for `-`. Removing one that
    runs ends its script (Microsoft, "Run scripts in your Linux VM by using managed Run Commands")."""
    commands = session.compute(ids.subscription(vm_id)).virtual_machine_run_commands
    machine = ids.group(vm_id), ids.name(vm_id)
    with told("ending what runs on the machine"):
        for name in [one.name or "" for one in commands.list_by_virtual_machine(*machine)]:
            if name.replace("-", "_") not in known:
                ended(commands.begin_delete(*machine, name))


def follow(session: Session, vm_id: str, name: str, on_line: Listener, stop: threading.Event) -> None:
    """Hand on what a run command that Terraform made prints, until it ends or `stop` is set.

    For a thread of its own. It never fails: what is seen here is a convenience.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - heavy

    tail, started = Tail(), None
    while True:
        last = stop.is_set()  # what was printed since the last look is told too
        with suppress(AzureError, ImagegenError):  # of a login, too
            view = _view(session, vm_id, name)
            if view is not None and view.start_time is not None:
                if view.start_time != started:  # the one before was replaced: this is another run
                    tail, started = Tail(), view.start_time
                over = ids.text(view.execution_state) in _OVER
                for line in tail.news(view.output or "", final=over):
                    on_line(line)
                if over:
                    return
        if last:
            return
        stop.wait(wait.LOOK_SECONDS)


# Both print the length of a packed log and one piece of it: the last whole lines that fit into CHUNKS pieces.
LINUX_LOG = """log=/var/log/imagegen/{key}.log
[ -r "$log" ] || exit 3
packed=$(mktemp)
for bytes in 400000 100000 30000 10000; do
  tail -c "$bytes" "$log" | {{ [ "$(wc -c <"$log")" -le "$bytes" ] || read -r _; cat; }} |
    gzip -9c | base64 -w0 >"$packed"
  [ "$(wc -c <"$packed")" -gt {most} ] || break
done
wc -c <"$packed"
tail -c +$(({start} + 1)) "$packed" | head -c {chunk}
rm -f "$packed"
"""
WINDOWS_LOG = """$log = 'C:\\imagegen\\{key}.log'
if (-not (Test-Path $log)) {{ exit 3 }}
# The log is in the code page of consoles.
$console = [Text.Encoding]::GetEncoding([Globalization.CultureInfo]::CurrentCulture.TextInfo.OEMCodePage)
$all = [Text.Encoding]::UTF8.GetBytes($console.GetString([IO.File]::ReadAllBytes($log)))
foreach ($bytes in 400000, 100000, 30000, 10000) {{
    $from = [Math]::Max(0, $all.Length - $bytes)
    while ($from -gt 0 -and $from -lt $all.Length -and $all[$from - 1] -ne 10) {{ $from++ }}
    $memory = New-Object IO.MemoryStream
    $zip = New-Object IO.Compression.GZipStream($memory, [IO.Compression.CompressionMode]::Compress)
    $zip.Write($all, $from, $all.Length - $from)
    $zip.Close()
    $packed = [Convert]::ToBase64String($memory.ToArray())
    if ($packed.Length -le {most}) {{ break }}
}}
$packed.Length
$packed.Substring([Math]::Min({start}, $packed.Length), [Math]::Min({chunk}, [Math]::Max(0, $packed.Length - {start})))
"""


def tail_log(session: Session, vm_id: str, system: str, key: str) -> list[str]:
    """The log that a step wrote on the machine, as much of its end as a few run commands can fetch.

    [] when there is none, or the machine does not answer: the failure that it would explain is told anyway.
    """
    script = WINDOWS_LOG if system == "windows" else LINUX_LOG
    packed = ""
    try:
        for _ in range(CHUNKS):
            text = script.format(key=key, start=len(packed), chunk=CHUNK, most=CHUNK * CHUNKS)
            ran = run(session, vm_id, "imagegen-log", text, timeout=120)
            length, _, piece = ran.output.strip().replace("\r\n", "\n").partition("\n")
            if ran.exit_code != 0 or not piece:
                break
            packed += piece.strip()
            if len(packed) >= int(length):
                break
        return gzip.decompress(base64.b64decode(packed)).decode("utf-8", "replace").splitlines() if packed else []
    except (ImagegenError, ValueError, OSError, EOFError):
        return []
