"""What people see: progress and messages on stderr, results on stdout. The one place that knows about terminals."""

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

from generator import __version__
from generator.errors import ImagegenError, InvalidTemplate, Problem, StepFailed
from generator.system import redact

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def open_closed() -> None:
    """Let a standard stream that is closed (`>&-`) lead nowhere: else a file that is opened next would be it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def clean(text: str) -> str:
    """A line without anything that a terminal would act on, and without secrets."""
    return redact.plain(text)


def has_colour(stream: TextIO) -> bool:
    """Whether to colour: a terminal, and NO_COLOR (no-color.org) is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str) -> str:
    """Text in a style, where stderr has styles."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if has_colour(sys.stderr) else text


@dataclass
class Mode:
    """What the command line asked for. json: results and errors as JSON on stdout; quiet: no notes."""

    json: bool = False
    quiet: bool = False


mode = Mode()


def note(text: str) -> None:
    """Something worth knowing, on stderr, unless the user wants it quiet."""
    if not mode.quiet:
        _tell(f"{styled('note:', 'yellow')} {clean(text)}")


def say(text: str = "") -> None:
    """Lines for the person, on stderr, without anything that a terminal would act on."""
    _tell(_clean_lines(text))


def _tell(text: str) -> None:
    """Lines on stderr, in our own styles; what is not our own in them is clean already.

    Nobody there to read them any more does not keep us from cleaning up.
    """
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def interrupted() -> None:
    """Say at once that an interrupt is heeded: what is under way may take a minute to end. In a signal's handler, and
    so past the stream, in which somebody may be writing."""
    begin = "\n" if os.isatty(2) else ""
    with suppress(OSError):
        os.write(2, f"{begin}interrupted: what runs comes to its end; once more ends it at once\n".encode())


def put(text: str) -> None:
    """Lines of the result, on stdout, without anything that a terminal would act on. Raises as `_put` does."""
    _put(_clean_lines(text))


def _put(text: str) -> None:
    """Lines of the result, on stdout.

    Raises OSError, once, when nobody reads them any more or the disk is full: what follows, like an end, goes on.
    """
    # A file's name may hold bytes that are no text, and stdout may not have every character: neither is a bug of ours.
    encoding = sys.stdout.encoding or "utf-8"
    shown = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        print(shown, flush=True)  # noqa: T201
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        error.filename = "standard output"
        raise


def _clean_lines(text: str) -> str:
    """Lines without anything that a terminal would act on, and without secrets, which may stand in several of them."""
    return "\n".join(map(clean, redact.redacted(redact.without_controls(text)).split("\n")))


def put_json(value: Any) -> None:
    """The result as one JSON object on one line, on stdout."""
    _put(json.dumps(_redacted_deep(value), sort_keys=True).replace("\x7f", "\\u007f"))


def _redacted_deep(value: Any) -> Any:
    """A value whose texts have no secrets: as JSON a secret may be spelled otherwise."""
    if isinstance(value, str):
        bare = redact.without_controls(value)  # colours may stand within a secret
        return value if (shown := redact.redacted(bare)) == bare else shown
    if isinstance(value, dict):
        return {name: _redacted_deep(one) for name, one in value.items()}
    return [_redacted_deep(one) for one in value] if isinstance(value, list | tuple) else value


def show_error(error: ImagegenError) -> None:
    """A refusal or failure: one line, then what it needs to be understood, then the hint."""
    if isinstance(error, InvalidTemplate):
        show_problems(error.problems)
        return
    _tell(f"{styled('error:', 'red')} {clean(error.message)}")
    if isinstance(error, StepFailed):
        for line in error.tail:
            _tell(f"  {styled('│', 'dim')} {clean(line)}")
        if error.script:
            say(f"  script: {clean(error.script)}")
    if error.hint:
        say(f"hint: {clean(error.hint)}")


def show_warnings(warnings: Sequence[Problem]) -> None:
    """The warnings of a template that is otherwise valid, unless the user wants it quiet."""
    if warnings and not mode.quiet:
        show_problems(warnings)


def show_problems(problems: Sequence[Problem]) -> None:
    """Problems of a template, each with its place and the line it stands in."""
    from generator.template.report import files_of, render  # noqa: PLC0415 - only where there is a problem

    _tell(render(problems, files_of(problems), colour=has_colour(sys.stderr)).rstrip())


def ask(question: str, *, yes: bool) -> bool:
    """A question with yes or no; `yes` answers it. Without a terminal the answer is no."""
    if yes:
        return True
    if not sys.stdin.isatty():
        return False
    say(f"{clean(question)} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def table(rows: list[list[str]], header: list[str] | None = None) -> str:
    """Columns, aligned; two spaces between them."""
    lines = ([header] if header else []) + [[clean(cell) for cell in row] for row in rows]
    widths = [max((len(line[column]) for line in lines), default=0) for column in range(len(lines[0]))] if lines else []
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def size(count: int) -> str:
    """Bytes for people: `1.5 GiB`."""
    number = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    raise AssertionError


class HumanEvents:
    """Progress for people: plain lines that read well in a terminal and in a CI log alike."""

    def __init__(self, *, quiet: bool = False, live: bool = True) -> None:
        self.quiet = quiet
        self.live = live and not quiet
        self.began = time.monotonic()

    def phase(self, name: str, detail: str) -> None:
        """See events.Events."""
        if not self.quiet:
            clock = time.strftime("%M:%S", time.gmtime(time.monotonic() - self.began))
            _tell(f"{styled(clock, 'dim')} {styled(name, 'bold')}{'  ' + clean(detail) if detail else ''}")

    def started(self, step: str, title: str) -> None:
        """See events.Events."""
        if not self.quiet and step not in ("staging", "validation_staging"):
            say(f"        {clean(title)} …")

    def output(self, step: str, line: str) -> None:  # noqa: ARG002
        """See events.Events."""
        if self.live:
            _tell(f"          {styled('│', 'dim')} {clean(line)}")

    def finished(self, step: str, title: str, seconds: float, ok: bool) -> None:
        """See events.Events."""
        if not self.quiet and step not in ("staging", "validation_staging"):
            mark = styled("done", "green") if ok else styled("FAILED", "red")
            _tell(f"        {clean(title)} {mark} ({seconds:.1f} s)")

    def cached(self, step: str, title: str) -> None:  # noqa: ARG002
        """See events.Events."""
        if not self.quiet:
            _tell(f"        {clean(title)} {styled('cached', 'green')}")

    def note(self, text: str) -> None:
        """See events.Events."""
        note(text)

    def result(self, value: dict[str, Any]) -> None:
        """See events.Events."""
        told = f"{clean(value['name'])} {clean(value['version'])} in {value['seconds']:.0f} s"
        _tell(f"{styled('released' if value['images'] else 'validated', 'green')} {told}")
        for image in value["images"]:
            put(image["path"])
            if "sha256" in image:
                say(f"  {size(image['size'])}, sha256 {image['sha256']}")


def bug_log(error: Exception) -> str:
    """Write a traceback, without local values, to a file of its own; return the file's path, or why there is none."""
    import platform  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    about = f"imagegen {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    try:
        with tempfile.NamedTemporaryFile("wb", prefix="imagegen-bug-", suffix=".log", delete=False) as log:
            log.write(
                redact.redacted("".join([about, *traceback.format_exception(error)])).encode(errors="backslashreplace")
            )
    except OSError as problem:
        return f"of this run again: it could not be written ({problem.strerror})"
    return log.name
