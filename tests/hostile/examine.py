"""One hostile document through the command line, and everything that must hold of what comes out."""

import contextlib
import io
import json
import logging
import re
import unicodedata
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from unittest import mock

import typer

from generator.cli import app as cli
from generator.settings import Settings
from generator.system.records import to_json
from generator.workspace.generate import generate
from generator.workspace.store import Generated
from tests.hostile.documents import MARK, Expected, Hostile, composed

PLAIN_PATH = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
# What a terminal acts on, or what makes a line read as another: all but printing text and the end of a line.
ACTIVE = {"Cc", "Cs", "Zl", "Zp"}
TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Only these may hold a user's own words; everything else is made of our names alone.
USERS_WORDS = ("template.json", "parameters.json", "template.auto.tfvars.json", "imagegen.lock.json")


@dataclass
class Findings:
    """What went wrong, and what is left for Terraform to read: variables, main.tf and texts."""

    wrong: list[str] = field(default_factory=list)
    documents: int = 0
    generated: int = 0
    variables: list[bytes] = field(default_factory=list)
    roots: list[bytes] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def expect(self, holds: bool, message: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.wrong.append(f"document {self.documents}: {message}")


@dataclass(frozen=True)
class Said:
    """A finished command."""

    code: int
    out: str
    err: str


def command(*arguments: str | Path) -> Said:
    """A command line, in this process, with streams as strict as Python makes stdout and stderr."""
    with (
        _stream("strict") as out,
        _stream("backslashreplace") as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        with mock.patch.object(cli, "app", _built_once()):
            code = cli.run([str(argument) for argument in arguments])
        logging.getLogger("generator.system.run").handlers.clear()  # of `-v`, which ends with a command
        out.flush()
        err.flush()
        return Said(code, _text(out), _text(err))


@cache
def _built_once() -> object:
    """The command line's parser, which typer would build anew for each run."""
    return typer.main.get_command(cli.app)


def _stream(errors: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", errors=errors, newline="\n")


def _text(stream: io.TextIOWrapper) -> str:
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


def told_plainly(said: Said, findings: Findings, about: str) -> None:
    """Refused or done, in words that no terminal acts on."""
    findings.expect(said.code in (0, 1), f"{about}: exit code {said.code}: {said.err[-300:]!r}")
    findings.expect("Traceback" not in said.err, f"{about}: a traceback")
    findings.expect(said.code == 0 or bool((said.out + said.err).strip()), f"{about}: refused without a word")
    for name, text in (("stdout", said.out), ("stderr", said.err)):
        active = {one for one in text if one != "\n" and (unicodedata.category(one) in ACTIVE or one in TURNING)}
        findings.expect(not active, f"{about}: {name} has {sorted(map(ascii, active))}")


def spoiled(raw: bytes, folder: Path, findings: Findings) -> None:
    """A template that may be wrong in any way is told about, for people and for programs."""
    findings.documents += 1
    template = folder / "spoiled.json"
    template.write_bytes(raw)
    told_plainly(command("validate", template, "--target", "local"), findings, "validate")
    told = command("validate", template, "--json")
    told_plainly(told, findings, "validate --json")
    json.loads(told.out)


def hostile(document: Hostile, folder: Path, findings: Findings) -> None:
    """A template that is right becomes a workspace in which each of its texts is text.

    Each takes the place of the one before in the same workspace, of which nothing may be left.
    """
    findings.documents += 1
    folder.mkdir(exist_ok=True)
    (folder / "template.json").write_bytes(document.template)
    (folder / "file.txt").write_bytes(b"content")
    given: list[str | Path] = ["--target", document.target]
    if document.parameters is not None:
        (folder / "parameters.json").write_bytes(document.parameters)
        given += ["--parameters", folder / "parameters.json"]
    workspace = folder / "made"
    said = command("generate", folder / "template.json", "--out", workspace, *given)
    told_plainly(said, findings, "generate")
    refused = [line[:300] for line in said.err.splitlines() if "error: " in line]
    findings.expect(said.code == 0, f"not generated: {refused}")
    if said.code == 0:
        findings.generated += 1
        _workspace(document, folder, workspace, findings)


def _workspace(document: Hostile, folder: Path, workspace: Path, findings: Findings) -> None:
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    outside = {path for path in present if not path.startswith("made/")}
    findings.expect(outside <= {"template.json", "file.txt", "parameters.json"}, f"written outside: {outside}")
    odd = [path for path in present if not PLAIN_PATH.fullmatch(path)]
    findings.expect(not odd, f"odd paths: {odd}")
    for path in workspace.rglob("*"):
        name = path.relative_to(workspace).as_posix()
        if path.is_file() and name not in USERS_WORDS and not name.startswith("scripts/"):
            findings.expect(MARK.encode() not in path.read_bytes(), f"{name} has words of the template")
    variables = (workspace / "template.auto.tfvars.json").read_bytes()
    values = json.loads(variables)
    _steps_came_back(document.steps, workspace, values["steps"], findings)
    _steps_came_back(document.validations, workspace, values.get("validations", {}), findings)
    findings.variables.append(variables)
    findings.roots.append((workspace / "main.tf").read_bytes())
    findings.variables.append(_images(again := generate(workspace, Settings())))
    findings.texts.extend(title for title, _, _ in document.steps)
    changed = again.comparison.having("create", "update", "edited", "foreign", "orphan")
    findings.expect(not changed, f"generated anew it differs: {changed}")
    findings.expect(dict(again.blueprint.destinations[0].tags) == document.tags, "tags differ")


def _images(generated: Generated) -> bytes:
    """What the ledger says of the images: it too is JSON that Terraform reads."""
    return to_json([asdict(destination) for destination in generated.blueprint.destinations])


def _steps_came_back(
    meant: list[Expected], workspace: Path, steps: dict[str, dict[str, str]], findings: Findings
) -> None:
    """Titles, destinations and scripts, to the character."""
    findings.expect(len(steps) == len(meant), "another number of steps")
    for (title, lines, destination), (key, step) in zip(meant, sorted(steps.items()), strict=False):
        findings.expect(composed(step["name"]) == composed(title or key), f"title {title!r} became {step['name']!r}")
        findings.expect(step.get("destination") == destination, f"destination {destination!r} became {step}")
        if lines is not None:
            found = (workspace / step["file"]).read_bytes()
            findings.expect(found == _script(lines).encode(), f"script {step['file']} differs")


def _script(lines: list[str]) -> str:
    """What becomes of inline lines: Windows line ends become line feeds, and a first line of their own stays."""
    text = re.sub(r"\r+\n", "\n", "".join(line.removeprefix("\ufeff") + "\n" for line in lines))
    return text if text.startswith("#!") else f"#!/bin/sh -e\n{text}"
