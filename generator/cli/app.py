"""The command line: options in, one call out. The only place that prints errors and exits."""

import gc
import os
import resource as resource_limits
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from generator import __version__
from generator.cli import commands, console, host_cli, host_commands, template_commands
from generator.cli.options import (
    AllBuilds,
    Commit,
    Folder,
    Force,
    Json,
    MaybeFolder,
    MaybeSubject,
    OnError,
    Others,
    Out,
    Quiet,
    Subject,
    Subjects,
    Templates,
    Trust,
    VersionFlag,
    Yes,
    with_settings,
)
from generator.errors import ImagegenError, Interrupted, UsageError, in_words
from generator.settings import Stage
from generator.system import home

app = typer.Typer(
    name="imagegen", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turns an Azure image template into a Terraform workspace, and builds it.",
)  # fmt: skip
app.add_typer(host_cli.base_app, name="base")
app.add_typer(host_cli.cache_app, name="cache")

# New objects before a search for garbage: start-up makes fewer, and all of them stay.
GARBAGE = 200_000
COMMITS = ("push", "branch")
# Options of `apply` that are about several builds together, or about one, or go by the environment.
ONCE = ("parallel", "json", "quiet", "sets")


@app.callback(invoke_without_command=True)
def root(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every command that is run.")] = False,
) -> None:
    """Turns an Azure image template into a Terraform workspace, and builds it."""
    if verbose:
        from generator.cli import verbose as wing  # noqa: PLC0415

        wing.show_commands()
    if show_version:
        console.put(f"imagegen {__version__}")
        raise typer.Exit


@app.command()
@with_settings(Stage.READ)
def validate(templates: Templates, json: Json = False, **flags: Any) -> None:
    """Check templates: every problem at once, with file, line and JSON path. Nothing is downloaded."""
    raise typer.Exit(template_commands.validate(templates, json=json, flags=flags))


@app.command()
def schema() -> None:
    """Print a JSON Schema of image templates, for editors."""
    template_commands.schema()


@app.command()
def settings(subject: MaybeSubject = None, json: Json = False) -> None:
    """Print each setting with its value and where that came from."""
    template_commands.settings(subject, json=json)


@app.command()
@with_settings(Stage.WRITE)
def generate(
    templates: Subjects, out: Out = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 4 when something would change.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; show what would change.")] = False,
    force: Force = False, json: Json = False, **flags: Any,
) -> None:  # fmt: skip
    """Write the Terraform workspace of each template. Needs no Terraform and no cloud.

    With several templates --out is the folder that their workspaces go to.
    """
    mode = "check" if check else "dry-run" if dry_run else "write"
    raise typer.Exit(template_commands.generate(templates, out, mode, force=force, json=json, flags=flags))


@app.command()
@with_settings(Stage.PLAN)
def plan(
    subject: Subject, out: Out = None, version: VersionFlag = None, force: Force = False, trust: Trust = False,
    json: Json = False, **flags: Any,
) -> None:  # fmt: skip
    """Show what a build would do, phase by phase."""
    _check_version(version)
    commands.plan(subject, out, version, force=force, trust=trust, json=json, flags=flags)


@app.command()
@with_settings(Stage.BUILD)
def apply(
    context: typer.Context, subjects: Subjects, out: Out = None, version: VersionFlag = None, on_error: OnError = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew, even where a broken build could go on.")] = False,
    parallel: Annotated[
        int, typer.Option("--parallel", metavar="N", min=1, help="Build up to N at once, as memory allows.")
    ] = 1,
    secrets: Annotated[
        list[str] | None, typer.Option("--secret", metavar="NAME", help="Pass a variable to the steps; redacted.")
    ] = None,
    commit: Commit = None,
    regenerate: Annotated[
        bool, typer.Option("--regenerate", help="Generate a workspace from its template again first.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for another command at work in the workspace.")] = False,
    force: Force = False, trust: Trust = False, yes: Yes = False, quiet: Quiet = False, json: Json = False,
    **flags: Any,
) -> None:  # fmt: skip
    """Build: machine, steps, capture, images; then everything else goes again."""
    _check_commit(commit)
    _check_version(version)
    if len(subjects) > 1:
        raise typer.Exit(
            commands.apply_many(subjects, _options(context), parallel, json=json, quiet=quiet, flags=flags)
        )
    commands.apply(
        subjects[0], out, version, on_error, force=force, fresh=fresh, wait=wait, commit=commit, secrets=secrets or [],
        trust=trust, regenerate=regenerate, yes=yes, quiet=quiet, json=json, flags=flags,
    )  # fmt: skip


def _check_version(version: str | None) -> None:
    from generator.workspace.versions import is_version  # noqa: PLC0415 - rarely asked for

    if version is not None and not is_version(version):
        raise typer.BadParameter("use MAJOR.MINOR.PATCH, such as 1.2.0", param_hint="--version")


def _check_commit(commit: str | None) -> None:
    if commit not in (None, *COMMITS):
        raise typer.BadParameter("use --commit or --commit=branch", param_hint="--commit")


def _options(context: typer.Context) -> list[str]:
    """The options of `apply` as they were given, for the commands that each build one of several."""
    given: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if parameter.param_type_name != "option" or value == parameter.default or parameter.name in ONCE:
            continue
        flag = parameter.opts[0]
        if isinstance(value, bool):
            given.append(flag)
        else:
            given += [
                part for one in (value if isinstance(value, list | tuple) else [value]) for part in (flag, str(one))
            ]
    return given


@app.command()
def status(folder: Folder, json: Json = False) -> None:
    """What is in a workspace: a build under way, a machine that was kept, releases."""
    commands.status(folder, json=json)


@app.command()
def cleanup(
    folder: MaybeFolder = None, everything: AllBuilds = False, others: Others = False, trust: Trust = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Remove what a build left behind. Released images stay."""
    if everything == bool(folder):
        raise typer.BadParameter("give a workspace, or --all")
    if folder is None:
        raise typer.Exit(host_commands.cleanup_all(json=json))
    commands.cleanup(folder, others=others, trust=trust, json=json)


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def ssh(
    folder: Folder, command: Annotated[list[str] | None, typer.Argument(help="A command to run there.")] = None
) -> None:
    """Log in to a machine that a failed build kept."""
    commands.ssh(folder, command or [])


@app.command()
def releases(
    arguments: Annotated[list[str], typer.Argument(metavar="DIR | retire DIR VERSION | repair DIR")], yes: Yes = False,
    trust: Trust = False, json: Json = False, commit: Commit = None,
) -> None:  # fmt: skip
    """The released versions of a workspace; `retire` takes one out of service and removes its images.

    `repair` writes entries of the ledger again that were lost, from the state and the images themselves.
    """
    _check_commit(commit)
    match arguments:
        case ["retire", folder, version]:
            commands.retire(Path(folder), version, yes=yes, trust=trust)
        case ["repair", folder]:
            commands.repair(Path(folder), commit=commit, json=json, trust=trust)
        case [folder]:
            commands.releases(Path(folder), json=json)
        case _:
            raise typer.BadParameter("use `releases DIR` or `releases retire DIR VERSION` or `releases repair DIR`")


@app.command()
@with_settings(Stage.READ)
def doctor(subject: MaybeSubject = None, json: Json = False, **flags: Any) -> None:
    """What builds need, what of it is there, and what to do about the rest.

    Without --target and without a template or workspace: what this computer needs for local builds.
    """
    raise typer.Exit(host_commands.doctor(subject, json=json, flags=flags))


def main() -> NoReturn:
    """The entry point of the command."""
    console.open_closed()
    # A core dump of ours, or of a child's, would hold keys and secrets.
    resource_limits.setrlimit(resource_limits.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # whoever read it is gone, or the disk is full
        code = code or 1
    os._exit(code)  # taking down the interpreter would last as long as importing all that there is to take down


def run(arguments: list[str]) -> int:
    """Run a command line; errors become messages and an exit code."""
    console.mode.json = console.mode.quiet = False
    home.repair_environment()
    # What `ssh` runs has options of its own.
    if next((word for word in arguments if not word.startswith("-")), "") != "ssh":
        console.mode.json = "--json" in arguments  # of what the command line library refuses too
        # It knows no option whose value may be left out.
        arguments = [f"{word}={COMMITS[0]}" if word == "--commit" else word for word in arguments]
    gc.set_threshold(GARBAGE)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it looks through all that is installed for some
    try:
        code: Any = app(arguments, standalone_mode=False)
    except ImagegenError as error:
        return _told(error)
    except (typer.Abort, KeyboardInterrupt):  # the latter while the command line library was only getting ready
        code = Interrupted.exit_code
    except BrokenPipeError:
        return 1
    except OSError as error:
        return _told(ImagegenError(in_words(error)))
    except Exception as error:
        return _usage_or_bug(error)
    if code == Interrupted.exit_code:  # so the command line library takes a KeyboardInterrupt
        return _told(Interrupted("interrupted"))
    return code if isinstance(code, int) else 0


def _told(error: ImagegenError) -> int:
    """Say what went wrong, and return its exit code."""
    if console.mode.json:
        with suppress(OSError):
            console.put_json(_as_json(error))
    console.show_error(error)
    return error.exit_code


def _as_json(error: ImagegenError) -> dict[str, Any]:
    from generator.cli import json_events  # noqa: PLC0415 - only where it is asked for

    return json_events.error(error)


def _usage_or_bug(error: Exception) -> int:
    """Wrong usage, in the command line library's own words (exit 2), or a bug with a log to send (exit 3)."""
    show = getattr(error, "show", None)
    if callable(show):
        with suppress(OSError):
            if console.mode.json and (message := str(error)):
                console.put_json(_as_json(UsageError(message)))
            show()
        return int(getattr(error, "exit_code", 2))
    console.say(f"error: this is a bug in imagegen: {type(error).__name__}: {console.clean(str(error))}")
    console.say(f"hint: please report it with the log {console.bug_log(error)}")
    return 3


def _interrupt(number: int, _frame: object) -> None:
    """A terminal that is closed says so twice, by its shell and by the kernel; that is one interrupt."""
    if number == signal.SIGHUP:
        signal.signal(number, signal.SIG_IGN)
    console.interrupted()
    raise KeyboardInterrupt
