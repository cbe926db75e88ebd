"""The program that the Azure modules' local-exec steps run: what is done to a machine between its scripts.

`python -P -m generator.azure.machine VERB JSON`: remove, restart, update or upload, in Terraform's environment. What it
prints is the step's output; on failure the last lines of stderr are the reason and a hint, and the exit code is 1.
"""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from generator.azure import ids, machines, runcommands
from generator.azure.auth.errors import told
from generator.azure.pollers import ended
from generator.azure.runcommands import ANSWER
from generator.azure.session import Session, connect
from generator.errors import ImagegenError, in_words
from generator.system import wait

Arguments = dict[str, Any]
PROBE = """$servicing = 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing'
$update = 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update'
$answer = @{
    boot = (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToFileTimeUtc().ToString()
    restart_pending = (Test-Path "$servicing\\RebootPending") -or (Test-Path "$update\\RebootRequired")
}
Write-Output "imagegen:$($answer | ConvertTo-Json -Compress)"
"""
PROBE_SECONDS = 300.0
# A command fails by its exit code, or as PowerShell's own commands do.
CHECK = "{command}\n$ended = $?\nif ($LASTEXITCODE) {{ exit $LASTEXITCODE }}\nif (-not $ended) {{ exit 1 }}\n"


def say(line: str) -> None:
    """A line of the step's output."""
    print(line, flush=True)  # noqa: T201


def restart(session: Session, arguments: Arguments) -> None:
    """Restart a Windows machine and wait until it is up again, and until the check command ends well.

    Arguments: vm_id, timeout_seconds, check_command, when_pending (only if Windows says that a restart is pending).
    """
    vm_id, seconds = arguments["vm_id"], float(arguments["timeout_seconds"])
    deadline = wait.now() + seconds
    before = _probe(session, vm_id)
    if arguments.get("when_pending") and not before["restart_pending"]:
        say("no restart is pending")
        return
    say("restarting the machine")
    with told("restarting the machine"):
        ended(
            session.compute(ids.subscription(vm_id)).virtual_machines.begin_restart(ids.group(vm_id), ids.name(vm_id))
        )
    if not wait.until(lambda: _is_back(session, vm_id, before["boot"]), deadline - wait.now()):
        raise ImagegenError(f"the machine did not come back within {seconds:.0f} s", "raise restartTimeout")
    say("the machine is up again")
    if command := arguments.get("check_command"):
        _check(session, vm_id, command, deadline)


def _is_back(session: Session, vm_id: str, boot: str) -> bool:
    """Whether the agent is ready and the machine has another boot time than before.

    For a while after a restart the agent still counts as ready, and what it is asked then goes unanswered.
    """
    with told("asking for the machine's state"):
        ready = machines.view(session, vm_id).agent_ready
    with suppress(ImagegenError):
        return ready and bool(_probe(session, vm_id)["boot"] != boot)
    return False


def _probe(session: Session, vm_id: str) -> dict[str, Any]:
    """When Windows booted, and whether it wants a restart."""
    ran = runcommands.run(session, vm_id, "imagegen-probe", PROBE, timeout=PROBE_SECONDS)
    answer = _answer(ran.output)
    if "boot" not in answer:
        raise ImagegenError(f"the machine does not tell its boot time: {ran.last_line}", "is PowerShell there?")
    return answer


def _check(session: Session, vm_id: str, command: str, deadline: float) -> None:
    """Run the check command until it ends well."""
    script = CHECK.format(command=command)
    while True:
        left = max(1.0, deadline - wait.now())
        ran = runcommands.run(session, vm_id, "imagegen-check", script, timeout=left, on_line=say)
        if ran.exit_code == 0:
            return
        if wait.now() + wait.LOOK_SECONDS >= deadline:
            raise ImagegenError(
                f"the restart check ended with exit code {ran.exit_code}: {ran.last_line}",
                "look at restartCheckCommand",
            )
        say(f"the restart check ended with exit code {ran.exit_code}: again")
        wait.sleep(wait.LOOK_SECONDS)


def update(session: Session, arguments: Arguments) -> None:
    """Windows updates in rounds of search and installation, each followed by a restart when Windows wants one.

    Arguments: vm_id, criteria, filters, limit, rounds, timeout_seconds, and script: the path of update.ps1.
    """
    import base64  # noqa: PLC0415

    vm_id, rounds = arguments["vm_id"], int(arguments["rounds"])
    deadline = wait.now() + float(arguments["timeout_seconds"])
    wanted = {name: arguments[name] for name in ("criteria", "filters", "limit")}
    given = {"Settings": base64.b64encode(json.dumps(wanted).encode()).decode()}
    script = Path(arguments["script"]).read_text("utf-8")
    for number in range(1, rounds + 2):
        say(f"round {number} of {rounds}" if number <= rounds else "searching once more")
        ran = runcommands.run(
            session, vm_id, "imagegen-update", script, parameters=given, timeout=_left(deadline),
            on_line=lambda line: None if line.startswith(ANSWER) else say(line),
        )  # fmt: skip
        answer = _answer(ran.output)
        if ran.exit_code != 0 or "found" not in answer or answer.get("failed"):
            raise ImagegenError(f"the updates failed: {ran.last_line}", "its output above says which")
        if answer["restart_pending"]:
            left = {"vm_id": vm_id, "timeout_seconds": _left(deadline), "when_pending": False}
            restart(session, left)
        elif answer["found"] == 0:
            say("nothing is left to install")
            return
    raise ImagegenError(
        f"after {rounds} rounds of updates there may be more to install", "raise `update_rounds`, or narrow the filters"
    )


def _left(deadline: float) -> float:
    left = deadline - wait.now()
    if left <= 0:
        raise ImagegenError("the time for the updates is over", "raise buildTimeoutInMinutes")
    return left


def _answer(output: str) -> dict[str, Any]:
    """What a script of ours answered: JSON behind the mark, on its last such line."""
    line = next((text for text in reversed(output.splitlines()) if text.startswith(ANSWER)), ANSWER + "{}")
    try:
        value = json.loads(line.removeprefix(ANSWER))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def upload(session: Session, arguments: Arguments) -> None:
    """Bring a file to the machine. See generator.azure.upload."""
    from generator.azure.upload import upload as bring  # noqa: PLC0415 - only this verb needs blobs

    bring(session, arguments, say)


def remove(session: Session, arguments: Arguments) -> None:
    """Remove run commands that have ended. Arguments: vm_id, names."""
    runcommands.remove(session, arguments["vm_id"], arguments["names"])


VERBS: dict[str, Callable[[Session, Arguments], None]] = {
    "remove": remove, "restart": restart, "update": update, "upload": upload,
}  # fmt: skip


def main(argv: list[str]) -> int:
    """Carry out a verb; the exit code."""
    try:
        verb, text = argv
        arguments = json.loads(text)
        VERBS[verb](connect(ids.subscription(arguments["vm_id"])), arguments)
    except ImagegenError as error:
        print(error.message, file=sys.stderr)  # noqa: T201
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        print(in_words(error), file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
