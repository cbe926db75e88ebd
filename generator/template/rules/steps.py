"""Rules of single customizers and validators."""

import re
from collections.abc import Iterator
from unicodedata import is_normalized

from generator.template import addresses
from generator.template.rules.base import COMPOSE, NOT_COMPOSED, Finding, rule
from generator.template.schema import File, PowerShell, WindowsRestart, WindowsUpdate
from generator.template.schema.customize import Scripted

CHECKSUM = re.compile(r"[0-9a-f]{64}\Z")
CHECKSUM_SHAPE = "use the 64 digits that `sha256sum` prints, a-f in lower case"
# Go's durations, which Packer reads (FORMAT.md 1.4: number and unit).
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+\Z", re.ASCII)
FILTER = re.compile(r"(?:include|exclude):", re.IGNORECASE)


@rule(Scripted)
def one_script(step: Scripted) -> Iterator[Finding]:
    """Exactly one of `inline` and `scriptUri` (FORMAT.md 1.4)."""
    if step.inline is not None and step.script_uri is not None:
        yield Finding(("scriptUri",), "`inline` and `scriptUri` exclude each other", "take one of them away")
    if step.inline is None and step.script_uri is None:
        yield Finding((), "the step has neither `inline` nor `scriptUri`", "add one of them")


@rule(Scripted)
def some_lines(step: Scripted) -> Iterator[Finding]:
    """A script has lines (FORMAT.md 1.4: NoCustomizerScript in 1.9)."""
    if step.inline is not None and not step.inline:
        yield Finding(("inline",), "`inline` has no lines", "add lines or take the step away")


@rule(Scripted, File)
def checksum(step: Scripted | File) -> Iterator[Finding]:
    """Lower-case hex, together with an address; empty means unchecked (FORMAT.md 1.4, 2.3)."""
    if not step.sha256_checksum:
        return
    if not CHECKSUM.match(step.sha256_checksum):
        yield Finding(("sha256Checksum",), "not a SHA-256 checksum in lower-case hex", CHECKSUM_SHAPE)
    if isinstance(step, Scripted) and step.script_uri is None:
        hint = "take it away: inline lines have none"
        yield Finding(("sha256Checksum",), "`sha256Checksum` goes only with `scriptUri`", hint)


@rule(Scripted, File)
def address(step: Scripted | File) -> Iterator[Finding]:
    """Only https, http (warned) and paths inside the template's folder are fetched (FORMAT.md 2.3)."""
    name, uri = ("sourceUri", step.source_uri) if isinstance(step, File) else ("scriptUri", step.script_uri)
    if uri is None:
        return
    if wrong := addresses.refusal(uri):
        yield Finding((name,), wrong)
    elif addresses.kind(uri) == "http":
        hint = "use https" if step.sha256_checksum else "use https, or at least add sha256Checksum"
        yield Finding((name,), "what is fetched over http can be read and changed on its way", hint, "warning")


@rule(File)
def file_destination(step: File) -> Iterator[Finding]:
    """A file needs a place to go to, and only files are copied (FORMAT.md 1.4, 2.3)."""
    if not step.destination.strip():
        yield Finding(("destination",), "the destination is empty", "write a path such as /tmp/name")
    elif step.destination.endswith(("/", "\\")):
        yield Finding(("destination",), "the destination is a folder", "write the file's name after it")
    elif "\0" in step.destination:
        yield Finding(("destination",), "the destination has a NUL character in it", "take it away")
    elif not is_normalized("NFC", step.destination):
        yield Finding(("destination",), NOT_COMPOSED, COMPOSE)


@rule(PowerShell)
def system_is_elevated(step: PowerShell) -> Iterator[Finding]:
    """`runAsSystem` only with `runElevated` (FORMAT.md 1.4)."""
    if step.run_as_system and not step.run_elevated:
        yield Finding(("runAsSystem",), "`runAsSystem` needs `runElevated`", "set runElevated to true as well")


@rule(PowerShell)
def exit_codes(step: PowerShell) -> Iterator[Finding]:
    """`validExitCodes` is what counts as success; the default is [0] (FORMAT.md 1.4)."""
    if not step.valid_exit_codes:
        hint = "write [0], or take validExitCodes away"
        yield Finding(("validExitCodes",), "no exit code would count as success", hint, "warning")


@rule(WindowsRestart)
def restart_timeout(step: WindowsRestart) -> Iterator[Finding]:
    """A number and a unit (FORMAT.md 1.4)."""
    if not DURATION.match(step.restart_timeout):
        yield Finding(("restartTimeout",), "not a time", "write a number and a unit, such as 5m or 2h")


@rule(WindowsUpdate)
def update_filters(step: WindowsUpdate) -> Iterator[Finding]:
    """`include:EXPRESSION` or `exclude:EXPRESSION`; the specification has one without, so this warns (1.4)."""
    for index, text in enumerate(step.filters):
        if not FILTER.match(text):
            hint = "write include:EXPRESSION or exclude:EXPRESSION"
            yield Finding(("filters", index), "the filter neither includes nor excludes", hint, "warning")
