"""How Terraform fails, in a line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from generator.builder import provider_errors, state_lock
from generator.errors import ImagegenError

STATE_HINT = "is terraform.tfstate damaged? terraform.tfstate.backup is the one before; released images are not in it"


@dataclass(frozen=True)
class Diagnostic:
    """One error of Terraform: its summary and detail, and the address of the resource it is about."""

    summary: str
    detail: str
    address: str


class TerraformFailed(ImagegenError):
    """A terraform command ended with errors."""

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = (), hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.diagnostics = diagnostics


class TerraformCrashed(TerraformFailed):
    """A terraform command did not come to an end of its own."""


def reason(diagnostics: Sequence[Diagnostic], output: Sequence[str]) -> str:
    """The first error in a line; what was printed last where there is none."""
    for first in diagnostics:
        if lock := state_lock.parse(f"{first.summary} {first.detail}"):
            return f"the state is locked by {lock}"
        if found := provider_errors.parse(f"{first.summary}\n{first.detail}"):
            return ": ".join(part for part in (found.doing, found.sentence) if part)
        return " ".join(" ".join(part.split()) for part in (first.summary, first.detail) if part)
    return next((line.strip() for line in reversed(output) if line.strip()), "it printed nothing")


def last_words(code: int, output: Sequence[str]) -> str:
    """Why it did not come to its end: a Go program says so first, and then where all of it was (pkg.go.dev/runtime).

    code: as Python has it, the signal made negative where one ended it.
    """
    if code < 0:
        return f"it was ended by signal {-code}"
    reasons = (line.strip() for line in output if line.startswith(("panic:", "fatal error:", "SIG")))
    return next(reasons, None) or f"{reason((), output)} (exit code {code})"


def state_failed(command: str, said: str) -> TerraformFailed:
    """The error of a `terraform state …` command, from what it printed in its frame."""
    text = " ".join(re.sub("[╷╵│]", "", re.split("Failed to load state:|Error: ", said)[-1]).split())
    lock = state_lock.parse(text)
    problem = f"the state is locked by {lock}" if lock else text
    return TerraformFailed(f"terraform {command} failed: {problem}", hint=unlocking(text) or STATE_HINT)


def hint_for(diagnostics: Sequence[Diagnostic]) -> str | None:
    """What to do about the first error, where that is known."""
    for first in diagnostics:
        if "Failed to query available provider packages" in first.summary:
            return "Terraform downloads its providers once: is the registry reachable from here?"
        if "non-existent remote object" in first.summary and (gone := of_image(diagnostics)):
            return retiring(gone)
        said = f"{first.summary} {first.detail}"
        return STATE_HINT if "state file" in said and "nsupported" in said else unlocking(said)
    return None


def of_image(diagnostics: Sequence[Diagnostic]) -> str | None:
    """The version of the released image that the first error is about."""
    for first in diagnostics:
        text = f"{first.address} {first.detail}".replace('\\"', '"')
        found = re.search(r'module\.image\w*\["[^"]*/([^"/]+)"\]', text)
        return found[1] if found else None
    return None


def retiring(version: str) -> str:
    """What to do about a released image that is not there any more."""
    return f"if the image of {version} is gone, `imagegen releases retire DIR {version}` takes it out of service"


def unlocking(text: str) -> str | None:
    """The hint for an error that says that the state is locked; None for any other error.

    A backend such as azurerm keeps the lock of a killed Terraform for ever. imagegen breaks it only where it proves to
    be that of its own build.
    """
    found = re.search(r"Error acquiring the state lock.*?\bID:\s+(\S+)", text, re.DOTALL)
    if not found:
        return None
    return f"wait until it ends; if that Terraform was killed, release its lock: `terraform force-unlock {found[1]}`"
