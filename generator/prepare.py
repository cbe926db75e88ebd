"""From what a user names to a workspace that may be run: its settings, its files, and that nobody else's are in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import console
from generator.errors import ImagegenError, to_paste
from generator.settings import Settings, refuse_strange, resolve

if TYPE_CHECKING:
    from generator.build.events import Events
    from generator.build.marked import Secrets
    from generator.build.target import Request, Target
    from generator.workspace.blueprint import Blueprint
    from generator.workspace.store import Generated, Lock

FLAGS = {"mirrors": "mirror", "sets": "set"}
# What holds for one run and is no part of a workspace.
OF_A_RUN = ("allow_from", "allow_local_state", "no_cache", "no_cache_from")


def ready(
    subject: Path, out: Path | None, *, force: bool, trust: bool, events: "Events", wait: bool = False,
    secrets: "Secrets | None" = None, building: bool = True, **flags: Any,
) -> "Request":  # fmt: skip
    """A workspace on disk that is as generated, and the target it builds on, with all that this needs installed."""
    from generator.build.target import Request  # noqa: PLC0415

    settings = settings_for(subject, out, **flags)
    if secrets:
        settings = replace(settings, no_cache=True)  # a saved machine would have them in its memory
    target = target_of(settings)
    generated = generated_of(subject, out, settings)
    azure = generated.blueprint.azure
    if secrets and azure and azure.communicator == "extension":
        raise ImagegenError("one extension cannot carry secrets", "set communicator to auto or run-command")
    target.require(generated.blueprint, building=building)
    if not subject.is_dir():
        write(generated, force=force, waiting=events.note if wait else None)
    _refuse_strangers(generated, trust=trust, written=not subject.is_dir())
    digest = _digest(generated)
    return Request(generated.folder, generated.blueprint, digest, target, settings, events, secrets=secrets or {})


def unchanged(request: "Request", *, trust: bool) -> None:
    """Raise ImagegenError where the workspace is not what it was when waiting for another command began."""
    from generator.workspace import recall  # noqa: PLC0415

    again = recall.generate(request.workspace, settings_of(request.workspace))
    if _digest(again) != request.template_digest:
        raise ImagegenError(f"{request.workspace} was changed while this waited", "run the command again")
    _refuse_strangers(again, trust=trust)


def _digest(generated: "Generated") -> str:
    """The template's, as the ledger has it."""
    import hashlib  # noqa: PLC0415 - `--help` need not wait for it

    from generator.workspace import store  # noqa: PLC0415

    return hashlib.sha256(generated.files[store.TEMPLATE]).hexdigest()


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
        lock = store.read_lock(generated.folder)
        _refuse_other_target(generated, lock)
        now = store.compare(generated.folder, generated.files, lock)
        return store.write(generated.folder, generated.files, now, force=force)


def _refuse_other_target(generated: "Generated", lock: "Lock | None") -> None:
    """A workspace keeps its target while it has releases: with another nothing could be done with them."""
    local = generated.blueprint.azure is None
    if lock and (lock.settings.get("target") == "local") != local:
        from generator.build import releases  # noqa: PLC0415 - rarely asked for

        releases.require(generated.folder, local=local)


def _refuse_strangers(generated: "Generated", *, trust: bool, written: bool = False) -> None:
    """Before Terraform runs anything: the workspace is what generating it gives, and nothing more; its ledger, which
    Terraform loads too, is one."""
    from generator.build import releases  # noqa: PLC0415
    from generator.workspace import store  # noqa: PLC0415

    releases.require(generated.folder, local=generated.blueprint.azure is None)
    differing = [] if written else generated.comparison.having("create", "update", "edited", "foreign", "orphan")
    added = store.foreign_to_terraform(generated.folder, generated.files)
    strange = sorted({*differing, *added})
    if strange and not trust:
        again = f"`{to_paste('imagegen', 'generate', generated.folder)}` writes what differs; " if differing else ""
        gone = f"{store.removal(generated.folder, added, 'remove what you do not want')}; " if added else ""
        raise ImagegenError(
            f"{generated.folder} is not as generated from its template: {', '.join(strange)}",
            f"read these files; {again}{gone}--trust runs them as they are",
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


def target_of(settings: Settings) -> "Target":
    if settings.target == "azure":
        from generator.azure.target import AzureTarget  # noqa: PLC0415

        return AzureTarget(settings)
    from generator.local.target import LocalTarget  # noqa: PLC0415

    return LocalTarget(settings)
