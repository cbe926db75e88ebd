"""Arguments and options that several commands have. Those of settings are derived from their table."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer

from generator.cli import console
from generator.settings import Setting, Stage, table

Command = TypeVar("Command", bound=Callable[..., None])


def with_settings(stage: Stage) -> Callable[[Command], Command]:
    """Give a command, which takes `**flags`, the flags of all settings up to its stage: None where not given."""

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command)
        own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        flags = [_parameter(one) for one in table().values() if one.flag and one.stage <= stage]
        command.__signature__ = signature.replace(parameters=[*own, *flags])  # type: ignore[attr-defined]
        return command

    return decorate


def _parameter(one: Setting) -> inspect.Parameter:
    """The option of one setting, as typer reads it from a signature."""
    option = typer.Option(one.flag, help=one.about, metavar=one.metavar, show_default=False)
    kind = Annotated[one.kind.flag | None, option] if one.kind.flag is not bool else Annotated[bool | None, option]
    return inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def _json(value: bool) -> bool:
    """Errors are JSON too from here on, those of the other options included."""
    console.mode.json = value
    return value


def _quiet(value: bool) -> bool:
    console.mode.quiet = value
    return value


Templates = Annotated[list[Path], typer.Argument(help="Image templates (JSON).", show_default=False)]
Subject = Annotated[Path, typer.Argument(metavar="TEMPLATE|DIR", help="An image template, or a generated workspace.")]
MaybeSubject = Annotated[
    Path | None, typer.Argument(metavar="[TEMPLATE|DIR]", help="An image template, or a generated workspace.")
]
Subjects = Annotated[
    list[Path], typer.Argument(metavar="TEMPLATE|DIR…", help="Image templates, or generated workspaces.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A generated workspace.")]
MaybeFolder = Annotated[Path | None, typer.Argument(metavar="[DIR]", help="A generated workspace.")]
AllBuilds = Annotated[bool, typer.Option("--all", help="Builds on this computer whose workspace is gone.")]
Out = Annotated[Path | None, typer.Option("--out", help="The workspace's folder; default: named after the template.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.", callback=_json, is_eager=True)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer every question with yes.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Only errors and the result.", callback=_quiet, is_eager=True)
]
Others = Annotated[bool, typer.Option("--others", help="Builds too that were begun in other folders or elsewhere.")]
Trust = Annotated[bool, typer.Option("--trust", help="Run a workspace whose files are not as generated.")]
VersionFlag = Annotated[str | None, typer.Option("--version", metavar="X.Y.Z", help="The version to build.")]
OnError = Annotated[
    Literal["cleanup", "abort", "ask"] | None,
    typer.Option("--on-error", help="What to do then; abort keeps the VM. Default: as the template says."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that were changed by hand.")]
Commit = Annotated[
    str | None,
    typer.Option(
        "--commit", metavar="[=branch]",
        help="Azure: commit the ledger afterwards and push it; with `branch` to a branch of its own.",
    ),
]  # fmt: skip
