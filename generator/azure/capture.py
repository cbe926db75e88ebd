"""From a machine that deprovisions itself to one that images can be made of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from generator.azure import ids, machines
from generator.azure.auth.errors import is_code, sentence_of, told
from generator.azure.pollers import ended
from generator.azure.session import Session
from generator.errors import ImagegenError, StepFailed
from generator.system import wait

# What the deprovisioning wrapper writes to the serial console when it fails (modules/azure).
FAILED = "imagegen: deprovision failed"
TAIL_LINES = 25
# The console is a download: it is read less often than the power state.
CONSOLE_SECONDS = 30.0
SETTLE_SECONDS = 300.0
# Deprovisioning takes Linux a minute, and sysprep some minutes: one that stays on for so long has rebooted, or hangs.
OFF_SECONDS = {"linux": 600.0, "windows": 3600.0}
_OFF = ("stopped", "deallocating", "deallocated")


def wait_stopped(session: Session, vm_id: str, timeout: float, on_note: Callable[[str], None]) -> None:
    """Wait at most `timeout` seconds until the machine has switched itself off after deprovisioning.

    Raises StepFailed with the console's last lines when it says that deprovisioning failed, or when the time is over.
    """
    deadline = wait.now() + timeout
    next_console = wait.now() + CONSOLE_SECONDS
    on_note("waiting for the machine to deprovision and switch off")
    while True:
        with told("asking for the machine's power state"):
            if machines.view(session, vm_id).power in _OFF:
                return
        over = wait.now() >= deadline
        if over or wait.now() >= next_console:
            next_console = wait.now() + CONSOLE_SECONDS
            _refuse_failure(machines.console(session, vm_id), timeout if over else None)
        wait.sleep(wait.LOOK_SECONDS)


def _refuse_failure(lines: list[str], waited: float | None) -> None:
    """Raise when the console tells of a failure, or all time is `waited`."""
    at = max((number for number, line in enumerate(lines) if FAILED in line), default=None)
    if at is not None:
        reason = lines[at].partition(FAILED)[2].lstrip(": ") or "it says no more"
        raise _failed(f"deprovisioning failed: {reason}", lines[at + 1 :])
    if waited is not None:
        raise _failed(f"the machine did not switch off within {waited / 60:.0f} min", lines)


def _failed(message: str, lines: list[str]) -> StepFailed:
    hint = "keep the machine by `--on-error abort` and look at it"
    return StepFailed(message, step="deprovision", script="", tail=lines[-TAIL_LINES:], hint=hint)


def deallocate_and_generalize(session: Session, vm_id: str) -> None:
    """Free the stopped machine's hardware and mark it as generalized. Does nothing to one that is."""
    with told("marking the machine as generalized"):
        for is_done, what in ((_is_deallocated, "deallocated"), (_is_generalized, "generalized")):
            refusals: list[Exception] = []
            if not wait.until(partial(is_done, session, vm_id, refusals), SETTLE_SECONDS):
                why = f": {sentence_of(refusals[-1])}" if refusals else ""
                raise ImagegenError(
                    f"Azure does not show the machine as {what}{why}", "run `imagegen cleanup DIR`, and try again"
                )


def _is_deallocated(session: Session, vm_id: str, refusals: list[Exception]) -> bool:
    """Whether it is; else have it done, and look again."""
    if machines.view(session, vm_id).power == "deallocated":
        return True
    client = session.compute(ids.subscription(vm_id)).virtual_machines
    with _patient(refusals):
        ended(client.begin_deallocate(ids.group(vm_id), ids.name(vm_id)))
    return machines.view(session, vm_id).power == "deallocated"


def _is_generalized(session: Session, vm_id: str, refusals: list[Exception]) -> bool:
    """Whether it is; else have it done, and look again: just deallocated, it may still count as running."""
    if machines.view(session, vm_id).generalized:
        return True
    with _patient(refusals):
        session.compute(ids.subscription(vm_id)).virtual_machines.generalize(ids.group(vm_id), ids.name(vm_id))
    return machines.view(session, vm_id).generalized


@contextmanager
def _patient(refusals: list[Exception]) -> Iterator[None]:
    """Let pass, and note, what another look settles: an answer that got lost, a state that Azure has not seen yet."""
    from azure.core.exceptions import HttpResponseError, ServiceResponseError  # noqa: PLC0415 - heavy

    try:
        yield
    except ServiceResponseError:
        pass
    except HttpResponseError as error:
        if not is_code(error, "OperationNotAllowed", "Conflict"):
            raise
        refusals.append(error)
