"""What each command does: settings, one call into the wings, the result shown. Imports are late, to start quickly."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import console, masks
from generator.errors import ImagegenError, to_paste
from generator.settings import Settings, refuse_strange, resolve

if TYPE_CHECKING:
    from generator.build.events import Events
    from generator.build.marked import Secrets
    from generator.build.target import Request, Target
    from generator.workspace.blueprint import Blueprint
    from generator.workspace.store import Generated


FLAGS = {"mirrors": "mirror", "sets": "set"}
# What holds for one run and is no part of a workspace.
OF_A_RUN = ("allow_from", "allow_local_state", "no_cache", "no_cache_from")


def plan(
    subject: Path, out: Path | None, version: str | None, *, force: bool, trust: bool, json: bool, **flags: Any
) -> None:
    """The whole build, phase by phase."""
    from generator.build import inspect  # noqa: PLC0415

    request = _ready(subject, out, force=force, trust=trust, events=console.HumanEvents(quiet=True), **flags)
    found = inspect.plan(replace(request, version=version))
    if json:
        console.put_json(found)
    else:
        console.put(inspect.plan_as_text(found, request.blueprint))


def apply(
    subject: Path, out: Path | None, version: str | None, on_error: Any, *, force: bool, fresh: bool, wait: bool,
    commit: bool, secrets: list[str], trust: bool, yes: bool, quiet: bool, json: bool, **flags: Any,
) -> None:  # fmt: skip
    """Build one version."""
    from generator.build import marked, phases, record  # noqa: PLC0415

    began = time.monotonic()
    known = marked.read(secrets)
    masks.mask(known.values())
    events = console.JsonEvents() if json else console.HumanEvents(quiet=quiet)
    request = _ready(subject, out, force=force, trust=trust, events=events, wait=wait, secrets=known, **flags)
    if commit:
        record.check(request.workspace, request.settings)
    request = replace(
        request, version=version, on_error=on_error, fresh=fresh, wait=wait,
        ask=lambda question: console.ask(question, yes=yes), recheck=partial(_unchanged, request, trust=trust),
    )  # fmt: skip
    outcome = phases.build(request)
    folder, release = request.workspace, outcome.release
    events.result({
        "name": request.blueprint.name, "version": outcome.version, "folder": str(folder),
        "images": request.target.describe(folder, release) if release else [],
        "seconds": round(time.monotonic() - began, 1),
    })  # fmt: skip
    if release and not json and not quiet and (boot := request.target.boot_hint(folder, release)):
        console.say(f"boot it: {boot}")
    if release and request.settings.target == "azure":
        _put_on_record(folder, request.blueprint.name, outcome.version, commit=commit)
    if outcome.failure:
        raise outcome.failure


def _put_on_record(folder: Path, name: str, version: str, *, commit: bool) -> None:
    """Commit the ledger, or say how to."""
    from generator.build import record  # noqa: PLC0415

    if commit:
        record.commit(folder, name, version)
    elif told := record.command(folder, name, version):
        console.say(f"put it on record: {told}")


def apply_many(subjects: list[Path], options: list[str], parallel: int, *, json: bool, target: str | None) -> int:
    """Build several, each as `apply` would."""
    from generator import many  # noqa: PLC0415

    for flag in ("--out", "--version"):
        if flag in options:
            raise ImagegenError(f"{flag} is for one build", "leave it out, or name one template or workspace")
    if len({subject.resolve() for subject in subjects}) < len(subjects):
        raise ImagegenError("the same template or workspace is named twice", "name each once")
    memory = [_memory_mb(subject, target) for subject in subjects]
    return many.apply(subjects, options, memory, parallel, json=json)


def _memory_mb(subject: Path, target: str | None) -> int:
    """The memory that a build takes on this computer, in MiB."""
    settings = settings_of(subject) if subject.is_dir() else resolve(target=target)
    if settings.target != "local":
        return 0
    from generator.local import host  # noqa: PLC0415
    from generator.workspace import sizes  # noqa: PLC0415

    shape = sizes.shape(generated_of(subject, None, settings).blueprint.vm_size or sizes.DEFAULT)
    return sizes.capped(shape, host.cores(), host.memory_mb()).memory_mb if shape else 0


def status(folder: Path, *, json: bool) -> None:
    """What is in a workspace."""
    from generator.build import inspect  # noqa: PLC0415

    settings = settings_of(folder)
    blueprint = generated_of(folder, None, settings).blueprint
    value = inspect.status(folder, blueprint, _target(settings), settings.state_dir)
    if json:
        console.put_json(value)
    else:
        console.put(inspect.status_as_text(value))


def cleanup(folder: Path, *, others: bool, trust: bool, json: bool) -> None:
    """End what is left of a build."""
    from generator.build import journal, recover  # noqa: PLC0415
    from generator.build.terraform import Terraform  # noqa: PLC0415

    events = console.JsonEvents() if json else console.HumanEvents()
    request = _ready(folder, None, force=False, trust=trust, events=events, building=False)
    request = replace(request, others=others)
    with journal.lease(folder), request.target.lease(request.blueprint):
        terraform = Terraform(folder, request.settings, request.target.environment())
        terraform.init()
        ended = recover.clean_up(request, terraform, quiet=True)
    if json:
        console.put_json({"ended": ended})
    else:
        console.say(f"ended: {', '.join(ended)}" if ended else "nothing was left behind")


def ssh(folder: Path, command: list[str]) -> None:
    """Log in to a kept machine: this process becomes ssh."""
    from generator.build import journal  # noqa: PLC0415
    from generator.build.secrets import folder_of  # noqa: PLC0415

    settings = settings_of(folder)
    record = journal.read(folder)
    directory = folder_of(record, settings.state_dir) if record else None
    login = None
    if directory:
        login = _target(settings).login(generated_of(folder, None, settings).blueprint, directory)
    if login is None:
        raise ImagegenError(f"no machine is kept in {folder}", "build with --on-error abort to keep one that fails")
    os.execvp(login[0], [*login, *command])  # noqa: S606 - no shell is wanted


def releases(folder: Path, *, json: bool) -> None:
    """The ledger of a workspace."""
    from generator.build import numbering  # noqa: PLC0415
    from generator.build import releases as ledgers  # noqa: PLC0415

    settings_of(folder)
    ledger = ledgers.load(folder)
    if json:
        console.put_json({"releases": ledger.releases})
        return
    if not ledger.releases:
        console.say("no releases yet")
        return
    rows = [
        [version, release["status"], release["time"], release["source"], ", ".join(sorted(ledger.images(version)))]
        for version in sorted(ledger.releases, key=numbering.sort_key)
        for release in [ledger.releases[version]]
    ]
    console.put(console.table(rows, ["VERSION", "STATUS", "TIME", "SOURCE", "IMAGES"]))


def retire(folder: Path, version: str, *, yes: bool) -> None:
    """Take a version out of service: its images go, its ledger entry stays."""
    from generator.build import retire as retiring  # noqa: PLC0415

    request = _ready(folder, None, force=False, trust=False, events=console.HumanEvents(), building=False)
    if not console.ask(f"Remove the images of {version} for good?", yes=yes):
        raise ImagegenError(f"version {version} was left as it is", "answer yes, or give --yes")
    retiring.retire(request, version)
    console.say(f"retired {version}")


def _ready(
    subject: Path, out: Path | None, *, force: bool, trust: bool, events: "Events", wait: bool = False,
    secrets: "Secrets | None" = None, building: bool = True, **flags: Any,
) -> "Request":  # fmt: skip
    """A workspace on disk that is as generated, and the target it builds on, with all that this needs installed."""
    from generator.build.target import Request  # noqa: PLC0415
    from generator.workspace import store  # noqa: PLC0415

    settings = settings_for(subject, out, **flags)
    if secrets:
        settings = replace(settings, no_cache=True)  # a saved machine would have them in its memory
    target = _target(settings)
    generated = generated_of(subject, out, settings)
    target.require(generated.blueprint, building=building)
    if not subject.is_dir():
        write(generated, force=force, waiting=events.note if wait else None)
    _refuse_strangers(generated, trust=trust, written=not subject.is_dir())
    import hashlib  # noqa: PLC0415 - `--help` need not wait for it

    digest = hashlib.sha256(generated.files[store.TEMPLATE]).hexdigest()
    return Request(generated.folder, generated.blueprint, digest, target, settings, events, secrets=secrets or {})


def _unchanged(request: "Request", *, trust: bool) -> None:
    """Raise ImagegenError where the workspace is not what it was when waiting for another command began."""
    import hashlib  # noqa: PLC0415

    from generator.workspace import recall, store  # noqa: PLC0415

    again = recall.generate(request.workspace, settings_of(request.workspace))
    if hashlib.sha256(again.files[store.TEMPLATE]).hexdigest() != request.template_digest:
        raise ImagegenError(f"{request.workspace} was changed while this waited", "run the command again")
    _refuse_strangers(again, trust=trust)


def generated_of(path: Path, out: Path | None, settings: Settings) -> "Generated":
    """The workspace of a template or folder, rendered; warnings of the template are shown."""
    if path.is_dir():
        from generator.workspace import recall  # noqa: PLC0415

        generated = recall.generate(path, settings)
    else:
        from generator.workspace.generate import generate as render  # noqa: PLC0415

        generated = render(path, settings, out)
    if generated.warnings:
        console.show_problems(generated.warnings)
    return generated


def write(generated: "Generated", *, force: bool, waiting: Callable[[str], None] | None = None) -> list[str]:
    """Write a workspace, unless a build is at work in it."""
    from generator.build import journal  # noqa: PLC0415
    from generator.workspace import store  # noqa: PLC0415

    if not generated.comparison.having("create", "update", "edited", "foreign", "orphan"):
        return []
    with journal.lease(generated.folder, waiting):
        now = store.compare(generated.folder, generated.files, store.read_lock(generated.folder))
        return store.write(generated.folder, generated.files, now, force=force)


def _refuse_strangers(generated: "Generated", *, trust: bool, written: bool = False) -> None:
    """Before Terraform runs anything: the workspace is what generating it gives, and nothing more; its ledger, which
    Terraform loads too, is one."""
    from generator.build import releases  # noqa: PLC0415
    from generator.workspace import store  # noqa: PLC0415

    releases.load(generated.folder)

    differing = [] if written else generated.comparison.having("create", "update", "edited", "foreign", "orphan")
    strange = sorted({*differing, *store.foreign_to_terraform(generated.folder, generated.files)})
    if strange and not trust:
        again = to_paste("imagegen", "generate", generated.folder)
        raise ImagegenError(
            f"{generated.folder} is not as generated from its template: {', '.join(strange)}",
            f"read these files; then `{again}`, or --trust to run them as they are",
        )


def settings_for(subject: Path, out: Path | None, **flags: Any) -> Settings:
    """The settings for a template or a workspace, with the flags that were given. Raises ImagegenError for one that
    means nothing on their target."""
    settings = settings_of(subject, out=out, **flags) if subject.is_dir() else resolve(**flags)
    refuse_strange(settings.target, flags)
    return settings


def settings_of(folder: Path, **flags: Any) -> Settings:
    """The settings of a workspace: its own, in its lock. Raises ImagegenError where there is none.

    Nor can a flag change them: what was asked for would be dropped in silence.
    """
    from generator.workspace import locked, store  # noqa: PLC0415

    lock = store.read_lock(folder) if folder.is_dir() else None
    if lock is None:
        raise ImagegenError(f"{folder} is not a workspace of imagegen", "give a folder that `imagegen generate` wrote")
    ours = {name: flags.pop(name) for name in OF_A_RUN if flags.get(name) not in (None, [])}
    if given := [f"--{FLAGS.get(name, name)}" for name, value in flags.items() if value not in (None, [])]:
        raise ImagegenError(
            f"{', '.join(given)} cannot change the workspace {folder}", "generate it anew from its template with them"
        )
    return locked.with_locked(resolve(**ours), lock)


def blueprint_of(subject: Path, settings: Settings) -> "Blueprint":
    """What a template, or the workspace of one, would build."""
    return generated_of(subject, None, settings).blueprint


def _target(settings: Settings) -> "Target":
    if settings.target == "azure":
        from generator.azure.target import AzureTarget  # noqa: PLC0415

        return AzureTarget(settings)
    from generator.local.target import LocalTarget  # noqa: PLC0415

    return LocalTarget(settings)
