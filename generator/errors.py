"""What can go wrong for reasons a user can cause. Only cli.py prints these and exits."""

import shlex
from dataclasses import dataclass
from typing import Literal

DIFFERS = 4  # the exit code of a comparison that found a difference, or of something that is due


def to_paste(*words: object) -> str:
    """A command line that may be pasted into a shell: whatever a word holds, it stays one word there."""
    return shlex.join(map(str, words))


def in_words(error: OSError) -> str:
    """A full disk, a folder that cannot be written: the world's fault, with its place where that is known."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


class ImagegenError(Exception):
    """A refusal or failure told in words: one line, and a hint that says what to do. Exit code 1."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.about: dict[str, str] = {}  # the build that it ended: `build`, `folder`, `version`


class UsageError(ImagegenError):
    """A flag, variable or setting that has the wrong form or does not fit the others. Exit code 2."""

    exit_code = 2


class Interrupted(ImagegenError):
    """Ctrl-C, SIGTERM or a closed terminal. Exit code 130."""

    exit_code = 130


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in an input file.

    `line` and `column` count from 1 (0: unknown); `path` is a JSON path such as `properties.customize[0].inline`;
    `quoted`: whether the line may be shown; `code`: the name of a warning (template/warnings.py), "" of an error.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str | None = None
    level: Literal["error", "warning"] = "error"
    quoted: bool = True
    code: str = ""


class InvalidTemplate(ImagegenError):
    """The template has errors; `problems` holds all of them, warnings too."""

    def __init__(self, problems: list[Problem]) -> None:
        errors = [problem for problem in problems if problem.level == "error"]
        noun = "problem" if len(errors) == 1 else "problems"
        super().__init__(f"{len(errors)} {noun} in the template")
        self.problems = problems


class MissingTools(ImagegenError):
    """Programs or files of the host that a command needs and that are absent, all at once."""


class StepFailed(ImagegenError):
    """A customizer or validator ended with an error.

    `step` is the key of the step, `script` its file in the workspace, `tail` the last lines that it printed.
    """

    def __init__(self, message: str, *, step: str, script: str, tail: list[str], hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.step = step
        self.script = script
        self.tail = tail
