"""What a step's script becomes: the bytes that run, as Image Builder's Packer would run them.

Source: Packer's shell provisioner (provisioner/shell: provisioner.go, unix_reader.go): inline lines are joined under
`#!/bin/sh -e`, unless they begin with a first line of their own; Windows line ends become line feeds; scripts are
started from the build user's login shell, which itself runs what has no first line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from generator.errors import InvalidTemplate
from generator.template.document import in_order

if TYPE_CHECKING:
    from generator.template import Read

INLINE_SHEBANG = b"#!/bin/sh -e\n"
LOGIN_SHELL = b"#!/bin/bash\n"
UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
BINARY = b"\x7fELF"
SHEBANG = re.compile(rb"#![ \t]*[^\s]")
# What dash, bash and env say of a script whose interpreter is not there; env names the program.
NOT_RUN = re.compile(
    r"exec: \S+: not found$|script_\w+\.sh: (?:\S+: bad interpreter|.*required file not found)"
    r"|env: (?P<program>.+): No such file or directory$"
)


class Remark(NamedTuple):
    """Something about a script that the user should know, and what to do."""

    message: str
    hint: str
    level: Literal["error", "warning"] = "error"


def shell_inline(lines: Sequence[str]) -> bytes:
    """The script of a Shell step's inline lines."""
    joined = _unix("".join(line.removeprefix("\ufeff") + "\n" for line in lines).encode())
    return joined if joined.startswith(b"#!") else INLINE_SHEBANG + joined


def shell_file(content: bytes) -> bytes:
    """The script that a Shell step fetched. What has binary data in it stays as it is: no line end is one there."""
    if content.startswith(BINARY):
        return content
    content = content.removeprefix(UTF8_MARK)
    has_data = b"\0" in content
    text = content if has_data else _unix(content)
    if text and not text.endswith(b"\n") and not has_data:
        text += b"\n"
    return text if SHEBANG.match(text) else LOGIN_SHELL + text


def powershell_inline(lines: Sequence[str]) -> bytes:
    """The script of a PowerShell step's inline lines. Windows PowerShell reads a file as UTF-8 only by its mark."""
    text = "".join(line + "\n" for line in lines).removeprefix("\ufeff")
    return text.encode() if text.isascii() else UTF8_MARK + text.encode()


def _unix(text: bytes) -> bytes:
    """A text with line feeds for Windows line ends."""
    return re.sub(rb"\r+(?=\n)|\r+\Z", b"", text)


def checked(found: "Read", downloads: Mapping[str, bytes]) -> "Read":
    """A template with what is to be said of the scripts that were fetched for it. Raises InvalidTemplate for one that
    cannot run."""
    properties = found.template.properties
    lists = {
        ("customize",): properties.customize,
        ("validate", "inVMValidations"): properties.validate_.in_vm_validations,
    }
    said = [
        found.document.problem(("properties", *at, index, "scriptUri"), one.message, one.hint, level=one.level)
        for at, steps in lists.items()
        for index, one in _remarks(steps, downloads)
    ]
    warnings = in_order([*found.warnings, *said])
    if any(one.level == "error" for one in said):
        raise InvalidTemplate(warnings)
    return replace(found, warnings=warnings)


def _remarks(steps: Sequence[Any], downloads: Mapping[str, bytes]) -> Iterator[tuple[int, Remark]]:
    """What is to be said of the scripts that some steps fetch, by the place of the step."""
    for index, step in enumerate(steps):
        content = downloads.get(getattr(step, "script_uri", None) or "")
        if content is not None:
            yield from ((index, one) for one in (_of_shell if step.type == "Shell" else _of_powershell)(content))


def _of_shell(content: bytes) -> Iterator[Remark]:
    body = content.removeprefix(UTF8_MARK)
    first = body.partition(b"\n")[0]
    if content.startswith(UTF16_MARKS) or (b"\0" in first and not content.startswith(BINARY)):
        yield Remark("the script is not text in UTF-8: no shell runs it", "save it as UTF-8")
    elif b"\r" in body and b"\n" not in body:
        yield Remark("the lines of the script end in carriage returns only", "save it with line feeds")
    elif not body.strip():
        yield Remark("the script is empty", "remove the step, or write a script", "warning")
    elif content.startswith(UTF8_MARK):
        message = (
            "the script begins with a byte-order mark, which is removed: with it Linux does not see its first line"
        )
        yield Remark(message, "save it as UTF-8 without a mark", "warning")


def _of_powershell(content: bytes) -> Iterator[Remark]:
    if content.startswith((*UTF16_MARKS, UTF8_MARK)):
        return
    if b"\0" in content:
        yield Remark("the script is not text that PowerShell reads", "save it as UTF-8, or with a byte-order mark")
    elif not content.strip():
        yield Remark("the script is empty", "remove the step, or write a script", "warning")
    elif not content.isascii():
        message = "the script has characters that Windows PowerShell reads in its own code page"
        yield Remark(message, "save it as UTF-8 with a byte-order mark", "warning")


def interpreter_hint(content: bytes, lines: Sequence[str]) -> str | None:
    """What to do about a script that was not run since its interpreter is not there; None for other failures.

    lines: the last ones that the step printed.
    """
    if not SHEBANG.match(content):
        return None
    interpreter, *rest = content[2:].partition(b"\n")[0].decode("utf-8", "replace").split()
    program = next((word for word in rest if not word.startswith("-")), "") if interpreter.endswith("/env") else ""
    for found in filter(None, map(NOT_RUN.search, lines)):
        if not found["program"] or (program and program in found["program"]):
            asked = program if found["program"] else interpreter
            return f"its first line asks for {asked}, which the image does not have: install it in an earlier step"
    return None
