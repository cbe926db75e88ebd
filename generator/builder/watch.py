"""Terraform's events, told as steps with titles, live output and times."""

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from generator.builder import provider_errors
from generator.builder.address import Address, parse
from generator.builder.events import Events
from generator.builder.failures import TerraformFailed
from generator.builder.terraform import Event
from generator.errors import StepFailed
from generator.system import redact
from generator.workspace.blueprint import Blueprint, Step
from generator.workspace.scripts import interpreter_hint

if TYPE_CHECKING:
    from generator.builder.relay import Relay
    from generator.builder.target import Job, Target

TAIL_LINES = 20
EXIT_CODE = "exit code "  # what a script's own failure is called
DEPROVISION = "step_999_deprovision"
ALL_STEPS = "step_all"
FIXED_TITLES = {
    "staging": "staging", "vm": "machine", "step_000_prepare": "prepare", DEPROVISION: "deprovision",
    ALL_STEPS: "all steps", "validation_all": "validators",
    "captured_image": "captured image", "captured_gallery": "captured image",
    "validation_staging": "staging", "validation_vm": "second machine", "image": "image",
}  # fmt: skip
# What Terraform itself keeps of a module is not its work, but for what a provisioner of it does.
_BOOKKEEPING = "terraform_data"
_WORK = {"run", "this"}
CACHED, KEEP, ROOM = "terraform_data.cached", "terraform_data.keep", "terraform_data.room"
FOLLOWER_SECONDS = 5.0
GOING_DOWN = "imagegen: the VM is going down"  # the last line of a step that restarts it (modules/steps/shell)
RESTART_HINT = "a Shell step must not restart the VM, here and in Image Builder"


def phase_of(address: str) -> str:
    """Which phase of a build a resource of the workspace belongs to."""
    found = parse(address)
    module = found.module if found else address
    if module.startswith("validation"):
        return "validate"
    if module.startswith("image"):
        return "distribute"
    if module.startswith("captured"):
        return "capture"
    return "customize" if module.startswith("step_") else "build"


def title(blueprint: Blueprint, module: str, index: str = "", kind: str = _BOOKKEEPING) -> str:
    """A module call's title: the user's own name of the step, or ours; of what is made of several resources, `kind` is
    told too."""
    if step := step_of(blueprint, module):
        return f"{step.key.partition('-')[0]} {step.title}" if step.title != step.key else step.key
    if module.startswith("image") and index:
        return f"image {index.partition('/')[0]}"
    told = FIXED_TITLES.get(module, module)
    return f"{told}: {kind.removeprefix('azurerm_').replace('_', ' ')}" if _is_part(module, kind) else told


def _is_part(module: str, kind: str) -> bool:
    """Whether a resource is one of several that staging or a machine in a cloud is made of."""
    return kind != _BOOKKEEPING and module in FIXED_TITLES and not module.startswith(("step_", "image"))


def step_of(blueprint: Blueprint, module: str) -> Step | None:
    """The template's step that a module call carries out."""
    return next((step for step in blueprint.steps + blueprint.validations if step.module == module), None)


class Printed:
    """The lines that one step prints, without secrets. A secret may stand in several lines, or in one that the VM has
    cut into pieces (modules/steps/shell/run.sh.tftpl), so the end of a line may come later."""

    def __init__(self) -> None:
        self._stream = redact.Stream()
        self._begun = ""

    def lines(self, line: str) -> list[str]:
        """The lines that may be shown now that this one has come."""
        *whole, self._begun = (self._begun + self._stream.feed(f"{line}\n")).split("\n")
        return whole

    def rest(self) -> list[str]:
        """What was held back, at the end of the step."""
        rest, self._begun = self._begun + self._stream.rest(), ""
        return rest.removesuffix("\n").split("\n") if rest else []


@dataclass
class Watch:
    """Turns the events of one terraform run into steps; keeps each step's last lines for the case that it fails.

    `on_step` is told the module of each step that begins. Leaving it as a context ends what follows a step.
    """

    job: "Job"
    target: "Target"
    events: Events
    on_step: Callable[[str], None] = lambda _module: None
    relay: "Relay | None" = None
    tails: dict[str, deque[str]] = field(default_factory=dict)
    failed: str | None = None
    titles: dict[str, str] = field(default_factory=dict)
    _printed: dict[str, Printed] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _connecting: set[str] = field(default_factory=set)
    _connected: set[str] = field(default_factory=set)
    _followers: dict[str, tuple[threading.Event, threading.Thread]] = field(default_factory=dict)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        for step in list(self._followers):
            self._unfollow(step)

    def __call__(self, event: Event) -> None:
        """Take one event of `terraform apply -json`."""
        hook = event.get("hook") or {}
        found = parse((hook.get("resource") or {}).get("addr", ""))
        if not found or hook.get("action") == "delete":
            return
        if event.get("type") == "apply_progress":  # every ten seconds, of what takes long
            self.target.require_able(self.job)
            return
        step, told = self._step(found)
        if found.kind == _BOOKKEEPING and found.name not in _WORK:
            self._bookkept(found.text, event, step, told)
            return
        match event.get("type"):
            case "apply_start":
                self._start(found.module, step, told)
            case "provision_progress":
                self._output(step, hook.get("output", ""))
            case "apply_complete" | "apply_errored" as kind:
                self._unfollow(step)
                self._show(step, self._printed.pop(step, Printed()).rest())
                ok = kind == "apply_complete"
                if step == DEPROVISION and self.relay:
                    self.relay.disconnect()  # the VM waits for this before it powers off
                self.failed = self.failed if ok else step
                self.events.finished(step, told, time.monotonic() - self._began.get(step, time.monotonic()), ok)

    def _bookkept(self, address: str, event: Event, step: str, told: str) -> None:
        """Tell what there is to tell of a step that did not run, or was kept afterwards."""
        if address.endswith(CACHED) and event.get("type") == "apply_complete":
            self.events.cached(step, told)
        elif address.endswith(KEEP) and event.get("type") == "provision_progress":
            self._output(step, event["hook"].get("output", ""))

    def _step(self, found: Address) -> tuple[str, str]:
        """The key and the title of what a resource is the work of."""
        step, told = found.module, title(self.job.blueprint, found.module, found.index, found.kind)
        if found.module.startswith("image"):
            step = f"image_{found.index.partition('/')[0]}"
        elif _is_part(found.module, found.kind):
            step = f"{found.module}.{found.kind}"
        self.titles[step] = told
        return step, told

    def _start(self, module: str, step: str, told: str) -> None:
        self._began[step] = time.monotonic()
        self.tails[step] = deque(maxlen=TAIL_LINES)
        self.events.started(step, told)
        if module.startswith("step_"):
            self.on_step(module)
        if found := step_of(self.job.blueprint, module):
            stop = threading.Event()
            follow = partial(self.target.follow, self.job, found, partial(self._tell, step), stop)
            thread = threading.Thread(target=follow, daemon=True)
            self._followers[step] = stop, thread
            thread.start()

    def _unfollow(self, step: str) -> None:
        """End what tells a step's output, once it has told the rest."""
        if step in self._followers:
            stop, thread = self._followers.pop(step)
            stop.set()
            thread.join(FOLLOWER_SECONDS)

    def _tell(self, step: str, line: str) -> None:
        self._show(step, self._printed.setdefault(step, Printed()).lines(line))

    def _show(self, step: str, lines: list[str]) -> None:
        for line in lines:
            self.tails.setdefault(step, deque(maxlen=TAIL_LINES)).append(line)
            self.events.output(step, line)

    def _output(self, step: str, text: str) -> None:
        """A line that the step printed; what Terraform says of its SSH connection is left out."""
        for line in text.splitlines() or [""]:
            if line.startswith("Connecting to remote host via SSH") and step not in self._connected:
                self._connecting.add(step)
            elif line.endswith("Executing: Suppressed by quiet=true"):
                continue
            elif step in self._connecting:
                if line.startswith("Connected!"):  # from here on every line is the script's own
                    self._connecting.discard(step)
                    self._connected.add(step)
            else:
                self._tell(step, line)

    def explain(self, error: TerraformFailed) -> Exception:
        """The failure in the user's terms: which step, which script, its last lines."""
        found = parse(error.diagnostics[0].address) if error.diagnostics else None
        failed = self.failed or (self._step(found)[0] if found else None)
        if failed is None:
            return error
        detail = error.diagnostics[0].detail or error.diagnostics[0].summary if error.diagnostics else error.message
        step = step_of(self.job.blueprint, failed)
        told = self.titles.get(failed) or title(self.job.blueprint, failed)
        printed = list(self.tails.get(failed, ())) or _whole(provider_errors.output(detail))
        tail = (step and _whole(self.target.log_of(self.job, step))) or printed[-TAIL_LINES:]
        reason = _reason(detail)
        if reason.startswith(EXIT_CODE):
            hint = interpreter_hint(step.content, tail) if step else None
        else:
            hint = _hint(detail) or self.target.advice(detail)
        if self.relay and self.relay.failure:
            reason, hint = self.relay.failure.message, self.relay.failure.hint
        elif tail and tail[-1] == GOING_DOWN:
            reason, hint = "it restarts or stops the VM", RESTART_HINT
        return StepFailed(
            f"`{told}` failed: {reason}", step=failed, script=step.file if step else "", tail=tail, hint=hint
        )


def _whole(lines: list[str]) -> list[str]:
    """The lines of a log without secrets, as they are shown while a step runs."""
    printed = Printed()
    return [shown for line in lines for shown in printed.lines(line)] + printed.rest()


def _hint(detail: str) -> str | None:
    """The hint that a program of ours gave, which a provisioner had run."""
    found = re.search(r"^hint: (.+)$", detail, re.MULTILINE)
    return found[1].strip() if found else None


def _reason(detail: str) -> str:
    """The sentence that matters of an error of a provisioner's or of azurerm's."""
    if code := re.search(r"Process exited with status (\d+)", detail):
        return f"{EXIT_CODE}{code[1]}"
    if found := provider_errors.parse(detail):
        code_of_script = provider_errors.exit_code(detail)
        return found.sentence if code_of_script is None else f"{EXIT_CODE}{code_of_script}"
    if "without exit status" in detail or "exit signal" in detail:
        return "the connection to the machine was lost while it ran (a script must not reboot the machine)"
    if code := re.search(r"exit status (\d+)\. Output: (.*)", detail, re.DOTALL):
        lines = [line.strip() for line in code[2].splitlines() if line.strip()]
        told = [line for line in lines if not line.startswith("hint:")]
        return told[-1] if told else f"{EXIT_CODE}{code[1]}"
    return " ".join(detail.split()) or "Terraform gave no reason"
