"""Terraform's events, told as steps with titles, live output and times."""

import re
import time
from collections import deque
from dataclasses import dataclass, field

from generator.build.events import Events
from generator.build.terraform import Event, TerraformFailed
from generator.errors import StepFailed
from generator.workspace.blueprint import Blueprint

TAIL_LINES = 20
FIXED_TITLES = {
    "staging": "staging", "vm": "machine", "step_000_prepare": "prepare", "step_999_deprovision": "deprovision",
    "validation_staging": "staging", "validation_vm": "second machine", "image": "image",
}  # fmt: skip
_ADDRESS = re.compile(r"module\.(?P<module>\w+)(\[(?P<index>[^\]]*)\])?\.terraform_data\.(?P<resource>\w+)")
# The resource of a module whose creation is the module's work; `key` resources are only bookkeeping.
_WORK = {"run", "this"}


def phase_of(address: str) -> str:
    """Which phase of a build a resource of the workspace belongs to."""
    found = _ADDRESS.match(address)
    module = found["module"] if found else address
    if module.startswith("validation"):
        return "validate"
    if module == "image":
        return "distribute"
    return "customize" if module.startswith("step_") else "build"


def title(blueprint: Blueprint, module: str, index: str = "") -> str:
    """A module call's title: the user's own name of the step, or ours."""
    for step in blueprint.steps + blueprint.validations:
        if step.module == module:
            return f"{step.key.partition('-')[0]} {step.title}" if step.title != step.key else step.key
    name = FIXED_TITLES.get(module, module)
    return f"{name} {index.partition('/')[0]}" if module == "image" and index else name


@dataclass
class Watch:
    """Turns the events of one terraform run into steps; keeps each step's last lines for the case that it fails."""

    blueprint: Blueprint
    events: Events
    tails: dict[str, deque[str]] = field(default_factory=dict)
    failed: str | None = None
    titles: dict[str, str] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _connecting: set[str] = field(default_factory=set)
    _connected: set[str] = field(default_factory=set)

    def __call__(self, event: Event) -> None:
        """Take one event of `terraform apply -json`."""
        hook = event.get("hook") or {}
        found = _ADDRESS.match((hook.get("resource") or {}).get("addr", ""))
        if not found or found["resource"] not in _WORK or hook.get("action") == "delete":
            return
        index = (found["index"] or "").strip('"')
        step = f"image_{index.partition('/')[0]}" if found["module"] == "image" else found["module"]
        told = self.titles[step] = title(self.blueprint, found["module"], index)
        match event.get("type"):
            case "apply_start":
                self._began[step] = time.monotonic()
                self.tails[step] = deque(maxlen=TAIL_LINES)
                self.events.started(step, told)
            case "provision_progress":
                self._output(step, hook.get("output", ""))
            case "apply_complete" | "apply_errored" as kind:
                ok = kind == "apply_complete"
                self.failed = self.failed if ok else step
                self.events.finished(step, told, time.monotonic() - self._began.get(step, time.monotonic()), ok)

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
                self.tails.setdefault(step, deque(maxlen=TAIL_LINES)).append(line)
                self.events.output(step, line)

    def explain(self, error: TerraformFailed) -> Exception:
        """The failure in the user's terms: which step, which script, its last lines."""
        found = _ADDRESS.match(error.diagnostics[0].address) if error.diagnostics else None
        module = self.failed or (found["module"] if found else None)
        if module is None:
            return error
        detail = error.diagnostics[0].detail if error.diagnostics else error.message
        reason = _reason(detail)
        file = next((s.file for s in self.blueprint.steps + self.blueprint.validations if s.module == module), "")
        told = self.titles.get(module) or title(self.blueprint, module)
        return StepFailed(
            f"`{told}` failed: {reason}", step=told, script=file,
            tail=list(self.tails.get(module, ())),
        )  # fmt: skip


def _reason(detail: str) -> str:
    """The sentence that matters of a provisioner's error."""
    if code := re.search(r"Process exited with status (\d+)", detail):
        return f"exit code {code[1]}"
    if "without exit status" in detail or "exit signal" in detail:
        return "the connection to the machine was lost while it ran (a script must not reboot the machine)"
    if code := re.search(r"exit status (\d+)\. Output: (.*)", detail, re.DOTALL):
        lines = [line.strip() for line in code[2].splitlines() if line.strip()]
        told = [line for line in lines if not line.startswith("hint:")]
        return told[-1] if told else f"exit code {code[1]}"
    return " ".join(detail.split()) or "Terraform gave no reason"
