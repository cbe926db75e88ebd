"""What the azurerm provider reports, as one sentence.

azurerm prints an error of Azure with the whole answer around it, often twice. The forms are those of its source (5.2.0)
and of the SDK below it, hashicorp/go-azure-sdk: `sdk/client/client.go` (a status that was not expected),
`sdk/client/resourcemanager/errors.go` (an operation that failed later), `sdk/client/resourcemanager/retry_policies.go`
(a provider that is not registered), `sdk/auth/client_credentials.go` (a token that is refused) and the `String` of ids.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from generator.builder.arm_errors import TROUBLESHOOTING, body_of, not_allowed, reason_in, shortened

# `Virtual Machine (Subscription: "…"\nResource Group Name: "…"\nVirtual Machine Name: "NAME")`
_ID = re.compile(r'\((?:[A-Z][\w ]*: "[^"]*"[\n ]*)*[A-Z][\w ]*: "([^"]*)"\)')
_ANSWER = re.compile(r"-+\[start\]-+\n(.*?)\n-+\[end\]-+", re.DOTALL)
_FIELD = r'^{}: ("(?:[^"\\]|\\.)*")$'
# What azurerm says on the way to the error, and what tells nothing of it.
_ON_THE_WAY = re.compile(
    r"(?:performing \w+|polling after \w+|polling failed|polling was cancelled|executing request|building request"
    r"|building account|could not acquire access token to parse claims|\w+(?:Token|Assertion))\s*$"
)
# How a script's exit code reads: of the run command and extension handlers for Linux, of those for Windows.
_EXIT_CODES = (
    r"command terminated with exit status=(-?\d+)",
    r"non-zero exit code(?: of)?:? '?(-?\d+)",
    r"failed with exit code:? '?(-?\d+)",
)
TIMED_OUT = "Azure was not done with it within the time limit of the resource"
BROKEN_OFF = "the connection broke off before the answer came"


@dataclass(frozen=True)
class ProviderError:
    """doing: what azurerm was at, such as `creating Virtual Machine web`, "" where it does not say; sentence: why that
    failed."""

    doing: str
    sentence: str


def parse(text: str) -> ProviderError | None:
    """An error of azurerm's, unwrapped; None for a text in none of its forms."""
    for form, sentence in _FORMS.items():
        if found := form.search(text):
            return ProviderError(_doing(text[: found.start()]), sentence(found))
    return None


def output(text: str) -> list[str]:
    """What a script on a machine printed, as the error of an extension has it; [] where there is none."""
    answer = _ANSWER.search(text)
    message = str(reason_in(body_of(answer[1])).get("message") or "") if answer else text
    _, found, printed = message.partition("[stdout]\n")
    lines = printed.partition(TROUBLESHOOTING)[0].rstrip("'\". \r\n").splitlines() if found else []
    return [line for line in lines if line.strip() and line != "[stderr]"]


def exit_code(text: str) -> int | None:
    """The exit code with which a script on a machine failed, None where an error does not tell one."""
    for pattern in _EXIT_CODES:
        if found := re.search(pattern, text, re.IGNORECASE):
            return int(found[1])
    return None


def _doing(before: str) -> str:
    """What stands before an error, in a line: each resource by its name instead of all parts of its id."""
    text = _ID.sub(r"\1", before).strip().rstrip(":")
    parts = [" ".join(part.split()) for part in text.split(": ")]
    return ": ".join(part for part in parts if part and not _ON_THE_WAY.match(part))


def _late(found: "re.Match[str]") -> str:
    """An operation that failed after it was accepted: Azure's answer stands at the end, and its message before it."""
    answer = _ANSWER.search(found[0])
    message = str(reason_in(body_of(answer[1])).get("message") or "") if answer else ""
    return _sentence(message or _field(found[0], "Message") or _field(found[0], "Code") or "Azure gave no reason")


def _field(text: str, name: str) -> str:
    """The value of a line such as `Message: "…"`, quoted as Go does."""
    found = re.search(_FIELD.format(name), text, re.MULTILINE)
    try:
        return str(json.loads(found[1])) if found else ""
    except ValueError:  # Go has more escapes than JSON
        return found[1].strip('"') if found else ""


def _status(found: "re.Match[str]") -> str:
    """A status that was not expected: `CODE: MESSAGE`, else the answer as it came, else nothing."""
    rest = (found["rest"] or "").strip()
    if found["error"]:
        code, colon, message = rest.partition(": ")
        rest = message if colon and re.fullmatch(r"\w+", code) else rest
    body = body_of(rest)
    message = str(reason_in(body).get("message") or "") if body else rest
    is_page = not found["error"] and not body and rest.startswith(("<", "{"))  # a proxy's
    return _sentence(message) if message and not is_page else f"the server says {found[2] or found[1]}"


def _unregistered(found: "re.Match[str]") -> str:
    """What Azure says of a provider that is not registered, which azurerm quotes in lines of `>`."""
    quoted = " ".join(line.removeprefix(">").strip() for line in found[1].splitlines())
    return _sentence(quoted) if quoted else "a resource provider is not registered in the subscription"


def _token(found: "re.Match[str]") -> str:
    """Why a token was refused."""
    value: Any = {}
    with suppress(ValueError):
        value = json.loads(found[1])
    said = value.get("error_description") if isinstance(value, dict) else ""
    return f"the login was refused: {shortened(str(said or found[1]))}"


def _sentence(message: str) -> str:
    return not_allowed(message) or shortened(message)


_FORMS: dict["re.Pattern[str]", Callable[["re.Match[str]"], str]] = {
    re.compile(r"the Azure API returned the following error:.*", re.DOTALL): _late,
    re.compile(
        r"unexpected status (\d+)(?: \(([^)]*)\))?(?: with (?:(?P<error>error): |response: )(?P<rest>.*)| received with"
        r" no body|, could not read response body)",
        re.DOTALL,
    ): _status,
    re.compile(
        r"The Resource Provider was not registered(?:.*?following error:\n+((?:>[^\n]*\n?)*))?", re.DOTALL
    ): _unregistered,
    re.compile(r"received HTTP status \d+ with response: (\{.*\})", re.DOTALL): _token,
    re.compile(r'[Aa] resource with the ID "([^"]+)" already exists'): lambda found: f"{found[1]} exists already",
    re.compile(r"context deadline exceeded"): lambda _found: TIMED_OUT,
    re.compile(r"HTTP response was nil|experienced a dropped connection when polling"): lambda _found: BROKEN_OFF,
}
