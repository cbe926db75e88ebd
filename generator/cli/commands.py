"""What each command does: settings, one call into the wings, the result shown. Imports are late, to start quickly."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.cli import console
from generator.cli.subject import (
    Wish,
    from_workspace,
    opened,
    render,
    settings_for,
    target_of,
    workspace_settings,
)
from generator.errors import ImagegenError, UsageError, to_paste
from generator.settings import Stage, as_environment
from generator.system import redact
from generator.workspace.names import title_of

if TYPE_CHECKING:
    from generator.builder.events import Events
    from generator.workspace.blueprint import Blueprint
    from generator.workspace.store import Generated

Flags = Mapping[str, Any]


def plan(
    subject: Path, out: Path | None, version: str | None, *, force: bool, trust: bool, json: bool, flags: Flags
) -> None:
    """The whole build, phase by phase."""
    from generator.builder import inspect  # noqa: PLC0415

    events = console.HumanEvents(quiet=True)
    with opened(subject, out, Wish(events, Stage.PLAN, flags, force=force, trust=trust)) as request:
        console.show_warnings(request.warnings)
        found = inspect.plan(replace(request, version=version))
    if json:
        console.put_json(found)
    else:
        console.put(inspect.plan_as_text(found, request.blueprint))


def apply(
    subject: Path, out: Path | None, version: str | None, on_error: Any, *, force: bool, fresh: bool, wait: bool,
    commit: str | None, secrets: list[str], trust: bool, regenerate: bool, yes: bool, quiet: bool, json: bool,
    flags: Flags,
) -> None:  # fmt: skip
    """Build one version."""
    from generator.builder import marked, phases, record  # noqa: PLC0415

    began = time.monotonic()
    known = marked.read(secrets)
    redact.hide(known.values())
    events = _events(subject, json=json, quiet=quiet)
    about = {"build": title_of(subject)}
    wish = Wish(
        events, Stage.BUILD, flags, known, force=force, trust=trust, regenerate=regenerate,
        waiting=events.note if wait else None,
    )  # fmt: skip
    try:
        with opened(subject, out, wish) as opening:
            about["folder"] = str(opening.workspace)
            if commit:
                record.check(opening.workspace, opening.settings)
            request = replace(
                opening, version=version, on_error=on_error, fresh=fresh,
                ask=lambda question: console.ask(question, yes=yes),
            )  # fmt: skip
            outcome = phases.build(request)
    except ImagegenError as error:
        error.about = about | error.about
        raise
    folder, release = request.workspace, outcome.release
    events.result({
        "name": request.blueprint.name, "version": outcome.version, "folder": str(folder),
        "images": request.target.describe(folder, release) if release else [],
        "seconds": round(time.monotonic() - began, 1),
    })  # fmt: skip
    if release and not json and not quiet and (boot := request.target.boot_hint(folder, release)):
        console.say(f"boot it: {boot}")
    if release and request.settings.target == "azure":
        _put_on_record(folder, request.blueprint.name, outcome.version, commit=commit, quiet=quiet, note=events.note)
    if outcome.failure:
        outcome.failure.about = about | {"version": outcome.version}
        raise outcome.failure


def _events(subject: Path, *, json: bool, quiet: bool = False) -> "Events":
    """The listener of a build: for people, or for programs."""
    if not json:
        return console.HumanEvents(quiet=quiet)
    from generator.cli.json_events import JsonEvents  # noqa: PLC0415 - only where it is asked for

    return JsonEvents(title_of(subject))


def _put_on_record(
    folder: Path, name: str, version: str, *, commit: str | None, quiet: bool, note: Callable[[str], None]
) -> None:
    """Commit the ledger, or say how to."""
    from generator.builder import record  # noqa: PLC0415

    if commit:
        record.commit(folder, name, version, own_branch=commit == "branch", note=note)
    elif not quiet and (told := record.command(folder, name, version)):
        console.say(f"commit the ledger: {told}")


def apply_many(
    subjects: list[Path], options: list[str], parallel: int, *, json: bool, quiet: bool, flags: Flags
) -> int:
    """Build several, each as `apply` would.

    options: of their command lines; flags: the settings among them. Values of `--set` may be secrets: no process list
    shows them.
    """
    from generator.cli import many  # noqa: PLC0415
    from generator.workspace import doubles  # noqa: PLC0415

    for flag in ("--out", "--version"):
        if flag in options:
            raise UsageError(f"{flag} is for one build", "leave it out, or name one template or workspace")
    if len({subject.resolve() for subject in subjects}) < len(subjects):
        raise UsageError("the same template or workspace is named twice", "name each once")
    rendered = [_rendered(subject, flags) for subject in subjects]
    doubles.refuse([generated for generated in rendered if generated])
    memory = [_memory_mb(generated.blueprint) if generated else 0 for generated in rendered]
    extra = as_environment(sets=flags["sets"])
    return many.apply(subjects, options, memory, parallel, json=json, quiet=quiet, extra_env=extra)


def _rendered(subject: Path, flags: Flags) -> "Generated | None":
    """One of several workspaces to build; None where its own build will say what is wrong with it."""
    settings = settings_for(subject, flags, fetching=True)
    try:
        return render(subject, None, settings)
    except ImagegenError:
        return None


def _memory_mb(blueprint: "Blueprint") -> int:
    """The memory that a build takes on this computer, in MiB."""
    if blueprint.azure:
        return 0
    from generator.local import host  # noqa: PLC0415
    from generator.workspace import sizes  # noqa: PLC0415

    shape = sizes.shape(blueprint.vm_size or sizes.DEFAULT)
    return sizes.capped(shape, host.cores(), host.memory_mb()).memory_mb if shape else 0


def status(folder: Path, *, json: bool) -> None:
    """What is in a workspace."""
    from generator.builder import inspect  # noqa: PLC0415

    settings = workspace_settings(folder)
    blueprint = render(folder, None, settings).blueprint
    value = inspect.status(folder, blueprint, target_of(settings), settings.state_dir)
    if json:
        console.put_json(value)
    else:
        console.put(inspect.status_as_text(value))


def cleanup(folder: Path, *, others: bool, trust: bool, json: bool) -> None:
    """End what is left of a build."""
    from generator.builder import recover, rest  # noqa: PLC0415
    from generator.builder.terraform import Terraform  # noqa: PLC0415

    if not folder.exists():
        raise ImagegenError(
            f"{folder} does not exist", "`imagegen cleanup --all` removes builds whose workspace is gone"
        )
    events = _events(folder, json=json)
    with from_workspace(folder, Wish(events, trust=trust, building=False)) as opening:
        request = replace(opening, others=others)
        with request.target.lease(request.blueprint), request.held:
            terraform = Terraform(folder, request.settings, request.target.environment())
            terraform.init()
            rest.refuse_foreign(request, terraform)
            with recover.telling(request):
                ended = recover.clean_up(request, terraform, quiet=True)
    if json:
        console.put_json({"ended": ended})
    else:
        console.say(f"ended: {', '.join(ended)}" if ended else "nothing was left behind")


def ssh(folder: Path, command: list[str]) -> None:
    """Log in to a kept machine: this process becomes ssh."""
    from generator.builder import folders, journal  # noqa: PLC0415
    from generator.builder.ssh import agent  # noqa: PLC0415
    from generator.system.run import environment  # noqa: PLC0415

    settings = workspace_settings(folder)
    record = journal.read(folder)
    if original := folders.original(folder, record, settings.state_dir):
        raise ImagegenError(
            f"{folder} is a copy of {original}, whose VM this is", f"`{to_paste('imagegen', 'ssh', original)}`"
        )
    if record and (found := folders.elsewhere(record, settings.state_dir)):
        raise ImagegenError(f"the build's files are in {found}", f"set IMAGEGEN_STATE_DIR={found.parent.parent}")
    directory = folders.of_record(record, settings.state_dir) if record else None
    login = None
    if directory:
        login = target_of(settings).login(render(folder, None, settings).blueprint, directory)
    if login is None:
        raise ImagegenError(f"no machine is kept in {folder}", "build with --on-error abort to keep one that fails")
    kept = {name: os.environ[name] for name in ("TERM",) if name in os.environ} | agent()
    os.execvpe(login[0], [*login, *command], environment(kept))  # noqa: S606 - no shell is wanted


def releases(folder: Path, *, json: bool) -> None:
    """The ledger of a workspace."""
    from generator.workspace import ledger as ledgers  # noqa: PLC0415

    workspace_settings(folder)
    ledger = ledgers.load(folder)
    if json:
        console.put_json({"releases": ledger.releases})
        return
    if not ledger.releases:
        console.say("no releases yet")
        return
    rows = [
        [version, release["status"], release["time"], release["source"], ", ".join(sorted(ledger.images(version)))]
        for version in ledger.releases
        for release in [ledger.releases[version]]
    ]
    console.put(console.table(rows, ["VERSION", "STATUS", "TIME", "SOURCE", "IMAGES"]))


def retire(folder: Path, version: str, *, yes: bool, trust: bool) -> None:
    """Take a version out of service: its images go, its ledger entry stays."""
    from generator.builder import retire as retiring  # noqa: PLC0415

    with from_workspace(folder, Wish(console.HumanEvents(), trust=trust, building=False)) as request:
        if not console.ask(f"Remove the images of {version} for good?", yes=yes):
            raise ImagegenError(f"version {version} was left as it is", "answer yes, or give --yes")
        retiring.retire(request, version)
    console.say(f"retired {version}")


def repair(folder: Path, *, commit: str | None, json: bool, trust: bool) -> None:
    """Write missing entries of the ledger anew, from the state and from the images themselves."""
    from generator.builder import record  # noqa: PLC0415
    from generator.builder import repair as repairing  # noqa: PLC0415

    events = console.HumanEvents()
    with from_workspace(folder, Wish(events, trust=trust, building=False)) as request:
        if commit:
            record.check(folder, request.settings)
        brought = repairing.repair(request)
        for version in brought if commit else ():
            record.commit(folder, request.blueprint.name, version, own_branch=commit == "branch", note=events.note)
    for version, release in brought.items() if not json else ():
        console.say(f"{version}: written again ({release['source'] or 'its source is not known'})")
    if json:
        console.put_json({"repaired": sorted(brought)})
    elif not brought:
        console.say("no entry is missing")
