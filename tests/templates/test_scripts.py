"""What the files of scripts may look like: line ends, first lines, marks, encodings, and files that are no text."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from generator.workspace.scripts import interpreter_hint
from tests.templates.command import SCHEMA, WINDOWS, Command, template

MARK = b"\xef\xbb\xbf"
BASH = b"#!/bin/bash\n"
PYTHON = b"#!/usr/bin/env -S python3 -u\n"
DATA = b"#!/bin/sh\nsed 1,/^DATA/d $0 | tar x\nexit\nDATA\n\0\r\n\1"
WIDE = "echo h\u00e9llo\n"
# What a file holds => what runs.
FILES = [
    (b"#!/bin/sh\necho a\n", b"#!/bin/sh\necho a\n"),
    (b"#!/bin/sh\r\necho a\r\n", b"#!/bin/sh\necho a\n"),
    (b"#!/bin/sh\necho a\r\n", b"#!/bin/sh\necho a\n"),
    (b"#!/bin/sh\r\ncat <<EOF\r\na\r\nEOF\r\n", b"#!/bin/sh\ncat <<EOF\na\nEOF\n"),
    (b"#!/bin/sh\r\r\necho a\r\r\n", b"#!/bin/sh\necho a\n"),
    (b"#!/bin/sh\nprintf 'a\rb'\n", b"#!/bin/sh\nprintf 'a\rb'\n"),
    (b"#!/bin/sh\necho a", b"#!/bin/sh\necho a\n"),
    (b"#!/bin/sh\r\necho a\r", b"#!/bin/sh\necho a\n"),
    (b"source /etc/os-release\n", BASH + b"source /etc/os-release\n"),
    (b"# a comment\n#!/bin/sh\necho a\n", BASH + b"# a comment\n#!/bin/sh\necho a\n"),
    (b"\n#!/bin/sh\necho a\n", BASH + b"\n#!/bin/sh\necho a\n"),
    (b" #!/bin/sh\necho a\n", BASH + b" #!/bin/sh\necho a\n"),
    (b"#!\necho a\n", BASH + b"#!\necho a\n"),
    (b"#! /bin/sh -e\necho a\n", b"#! /bin/sh -e\necho a\n"),
    (PYTHON + b"print('a')\n", PYTHON + b"print('a')\n"),
    (PYTHON[:-1] + b"\r\nprint('a')\r\n", PYTHON + b"print('a')\n"),
    (b"#!/bin/sh\n" + WIDE.encode(), b"#!/bin/sh\n" + WIDE.encode()),
    (b"#!/bin/sh\n" + WIDE.encode("latin-1"), b"#!/bin/sh\n" + WIDE.encode("latin-1")),
    (b"#!/bin/sh\necho " + b"x" * 200_000, b"#!/bin/sh\necho " + b"x" * 200_000 + b"\n"),
    (DATA, DATA),
    (b"\x7fELF\2\1\1\0\r\n\0", b"\x7fELF\2\1\1\0\r\n\0"),
]  # fmt: skip
WARNED = [
    (MARK + b"#!/bin/sh\necho a\n", b"#!/bin/sh\necho a\n", "begins with a byte-order mark"),
    (MARK + b"#!/bin/sh\r\necho a\r\n", b"#!/bin/sh\necho a\n", "begins with a byte-order mark"),
    (MARK + b"echo a\n", BASH + b"echo a\n", "begins with a byte-order mark"),
    (b"", BASH, "the script is empty"),
    (MARK, BASH, "the script is empty"),
    (b"\r\n \n", BASH + b"\n \n", "the script is empty"),
]
REFUSED = [
    ("#!/bin/sh\necho a\n".encode("utf-16"), "not text in UTF-8"),
    ("#!/bin/sh\necho a\n".encode("utf-16-le"), "not text in UTF-8"),
    ("#!/bin/sh\necho a\n".encode("utf-16-be"), "not text in UTF-8"),
    ("#!/bin/sh\necho a\n".encode("utf-32"), "not text in UTF-8"),
    (b"\0\0\0", "not text in UTF-8"),
    (b"#!/bin/sh\recho a\r", "carriage returns only"),
]
LINES = [
    (["echo a"], b"#!/bin/sh -e\necho a\n"),
    (["echo a\r", "echo b\r"], b"#!/bin/sh -e\necho a\necho b\n"),
    (["set -e\r\nif true; then\r\n  echo yes\r\nfi\r\n"], b"#!/bin/sh -e\nset -e\nif true; then\n  echo yes\nfi\n\n"),
    (["#!/bin/bash\r\nset -euo pipefail\r\necho a\r\n"], b"#!/bin/bash\nset -euo pipefail\necho a\n\n"),
    (["#!/bin/bash", "source /etc/os-release"], b"#!/bin/bash\nsource /etc/os-release\n"),
    (["echo a", "#!/bin/bash\r\necho b"], b"#!/bin/sh -e\necho a\n#!/bin/bash\necho b\n"),
    (["\ufeff#!/bin/bash\necho a"], b"#!/bin/bash\necho a\n"),
    (["printf 'a\rb'"], b"#!/bin/sh -e\nprintf 'a\rb'\n"),
]
POWERSHELL = [
    (b"Write-Output a\r\n", ""),
    (MARK + WIDE.encode(), ""),
    (WIDE.encode("utf-16"), ""),
    (WIDE.encode(), "Windows PowerShell reads in its own code page"),
    (WIDE.encode("latin-1"), "Windows PowerShell reads in its own code page"),
    (b"", "the script is empty"),
]


def _shell(**more: Any) -> dict[str, Any]:
    return {"type": "Shell", "name": "s"} | more


def _scripts(workspace: Path) -> list[bytes]:
    """What the scripts of a workspace hold, without the deprovision script."""
    found = sorted((workspace / "scripts").iterdir())
    return [path.read_bytes() for path in found if "999-deprovision" not in path.name]


def _generated(imagegen: Command, **properties: Any) -> tuple[int, str, Path]:
    """Exit code and stderr of `generate` for a local build, and the workspace."""
    path, out = imagegen.write(template(**properties)), imagegen.folder / "workspace"
    code, _, err = imagegen.run("generate", path, "--out", out, "--target", "local")
    return code, err, out


@pytest.mark.parametrize(("content", "runs"), FILES)
def test_a_file_runs_as_in_packer(imagegen: Command, content: bytes, runs: bytes) -> None:
    """Windows line ends become line feeds, and without a first line the build user's shell runs it: bash."""
    imagegen.write(content, "s.sh")
    code, err, out = _generated(imagegen, customize=[_shell(scriptUri="s.sh")])
    assert (code, err.count("warning: the script")) == (0, 0), err
    assert _scripts(out) == [runs]


@pytest.mark.parametrize(("content", "runs", "part"), WARNED)
def test_a_file_that_is_strange(imagegen: Command, content: bytes, runs: bytes, part: str) -> None:
    imagegen.write(content, "s.sh")
    code, err, out = _generated(imagegen, customize=[_shell(scriptUri="s.sh")])
    assert code == 0, err
    assert err.count(part) == 1
    assert "properties.customize[0].scriptUri" in err
    assert _scripts(out) == [runs]


@pytest.mark.parametrize(("content", "part"), REFUSED)
def test_a_file_that_no_shell_reads(imagegen: Command, content: bytes, part: str) -> None:
    """It is refused before a machine is paid for, in every step, with its place."""
    imagegen.write(content, "s.sh")
    steps = [_shell(scriptUri="s.sh")]
    code, err, out = _generated(imagegen, customize=steps, validate={"inVMValidations": steps})
    assert code == 1
    assert err.count(part) == 2
    assert "properties.customize[0].scriptUri" in err
    assert "properties.validate.inVMValidations[0].scriptUri" in err
    assert not out.exists()


@pytest.mark.parametrize(("lines", "runs"), LINES)
def test_inline_lines_run_as_in_packer(imagegen: Command, lines: list[str], runs: bytes) -> None:
    _, _, out = _generated(imagegen, customize=[_shell(inline=lines)])
    assert _scripts(out) == [runs]


def test_validators_are_scripts_too(imagegen: Command) -> None:
    imagegen.write(b"[[ a == a ]]\r\n", "s.sh")
    steps = [_shell(inline=["true\r"]), _shell(scriptUri="s.sh")]
    _, _, out = _generated(imagegen, validate={"inVMValidations": steps})
    found = [path.read_bytes() for path in sorted((out / "scripts/validate").iterdir())]
    assert found == [b"#!/bin/sh -e\ntrue\n", BASH + b"[[ a == a ]]\n"]


def test_a_text_that_bicep_loaded_on_windows(imagegen: Command) -> None:
    """`loadTextContent` keeps the line ends of the computer that compiles."""
    resource = template(customize=[_shell(inline=["[variables('$fxv#0')]"])])
    body = {
        "$schema": SCHEMA, "languageVersion": "2.0", "contentVersion": "1.0.0.0", "resources": {"it": resource},
        "variables": {"$fxv#0": "#!/bin/bash\r\nset -euo pipefail\r\necho hello\r\n"},
    }  # fmt: skip
    assert _scripts(imagegen.generate(body)) == [b"#!/bin/bash\nset -euo pipefail\necho hello\n\n"]


@pytest.mark.parametrize(("content", "part"), POWERSHELL)
def test_files_of_powershell_stay_as_they_are(imagegen: Command, content: bytes, part: str) -> None:
    imagegen.write(content, "s.ps1")
    path = imagegen.write(template(source=WINDOWS, customize=[{"type": "PowerShell", "scriptUri": "s.ps1"}]))
    code, _, err = imagegen.run("generate", path, "--target", "azure", "--out", imagegen.folder / "out")
    assert code == 0, err
    assert err.count("warning: the script") == bool(part)
    assert part in err
    assert content in _scripts(imagegen.folder / "out")


def test_inline_powershell_is_read_as_utf_8(imagegen: Command) -> None:
    """Windows PowerShell reads a file without a mark in its own code page."""
    steps = [{"type": "PowerShell", "inline": [line]} for line in ("Write-Output h\u00e9", "Write-Output a")]
    out = imagegen.generate(template(source=WINDOWS, customize=steps), "--target", "azure")
    assert [one for one in _scripts(out) if b"Write-Output" in one][:2] == [
        MARK + "Write-Output h\u00e9\n".encode(), b"Write-Output a\n",
    ]  # fmt: skip


def test_what_was_put_right_is_generated_again(imagegen: Command) -> None:
    """A workspace keeps what runs, of which the template's checksum is not."""
    content = MARK + b"#!/bin/sh\r\necho a"
    imagegen.write(content, "s.sh")
    checksum = hashlib.sha256(content).hexdigest()
    file = {"type": "File", "sourceUri": "s.sh", "destination": "/tmp/s.sh", "sha256Checksum": checksum}
    script = _shell(scriptUri="s.sh", sha256Checksum=checksum)
    for steps in ([script, file], [script]):
        code, err, out = _generated(imagegen, customize=steps)
        assert code == 0, err
        (imagegen.folder / "t.json").rename(imagegen.folder / "kept.json")  # it travels alone
        made = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        assert imagegen.run("generate", out)[0] == 0
        assert made == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        assert [one for path, one in made.items() if path.parent.name == "files"] == [content] * (len(steps) - 1)
    (one,) = [path for path in (out / "scripts").iterdir() if "deprovision" not in path.name]
    one.write_bytes(b"#!/bin/sh\necho b\n")
    code, _, err = imagegen.run("generate", out)
    assert (code, "has another checksum than the template says" in err) == (1, True)


@pytest.mark.parametrize(
    ("first", "line", "asked"),
    [
        (b"#!/usr/bin/zsh", "/dev/shm/script_ab12.session: 1: exec: /tmp/script_ab12.sh: not found", "/usr/bin/zsh"),
        (b"#!/usr/bin/zsh", "/dev/shm/script_ab12.session: 1: exec: /usr/bin/zsh: not found", "/usr/bin/zsh"),
        (b"#!/usr/bin/zsh", "x: /tmp/script_ab12.sh: cannot execute: required file not found", "/usr/bin/zsh"),
        (b"#!/usr/bin/zsh -e", "/tmp/script_ab12.sh: /usr/bin/zsh: bad interpreter: No such file or directory",
         "/usr/bin/zsh"),
        (b"#! /usr/bin/env python3", "/usr/bin/env: \u2018python3\u2019: No such file or directory", "python3"),
        (b"#!/usr/bin/env -S ruby -w", "env: \u2018ruby\u2019: No such file or directory", "ruby"),
        (b"#!/bin/bash", "/tmp/script_ab12.sh: line 3: foo: command not found", None),
        (b"#!/bin/sh", "cp: cannot stat 'x': No such file or directory", None),
        (b"#!/bin/sh", "env: \u2018ruby\u2019: No such file or directory", None),
        (b"#!/usr/bin/env perl", "env: \u2018ruby\u2019: No such file or directory", None),
        (b"echo a", "/tmp/script_ab12.sh: 2: foo: not found", None),
    ],
)  # fmt: skip
def test_an_interpreter_that_is_not_there(first: bytes, line: str, asked: str | None) -> None:
    """Its name is in the hint; a program that a script misses is the script's affair."""
    hint = interpreter_hint(first + b"\necho a\n", ["before", line])
    assert (hint is None) == (asked is None)
    assert asked is None or f"asks for {asked}, " in str(hint)
