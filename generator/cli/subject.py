"""From what a user names to a workspace that may be run: its settings, its files, and that nobody else's are in it.

Two doors: a template, whose workspace is written, and a workspace, which is compared with what it should be. Behind
both the workspace's lease is held: from the comparison to the last command nothing of ours changes it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.cli import console
from generator.errors import ImagegenError, UsageError, to_paste
from generator.settings import Found, Settings, Stage, gather, given_again, is_given, table
from generator.system import blob_login

if TYPE_CHECKING:
    from generator.builder.events import Events
    from generator.builder.marked import Secrets
    from generator.builder.target import Request, Target
    from generator.workspace.store import Generated, Lock, State


def _blob_token(shown: str, status: int) -> str:
    """Logs in to Azure Storage where a template names a private blob; httpx and the login are imported only then."""
    from generator.azure.auth.storage import token  # noqa: PLC0415

    return token(shown, status)


blob_login.token = _blob_token
CHANGED: "tuple[State, ...]" = ("create", "update", "edited", "foreign", "orphan")


@dataclass(frozen=True)
class Wish:
    """What a command asks for, besides its template or workspace.

    stage: how far it goes; flags: the settings of its command line; secrets: marked values for the steps; force:
    overwrite edited files; trust: run a workspace that is not as generated; regenerate: a workspace from its template
    first; building: it needs what a build needs,
    rather than what removing its leftovers needs; waiting: who is told of another command that is waited for, None: it
    is not waited for.
    """

    events: "Events"
    stage: Stage = Stage.WRITE
    flags: Mapping[str, Any] = field(default_factory=dict)
    secrets: "Secrets" = field(default_factory=dict)
    force: bool = False
    trust: bool = False
    regenerate: bool = False
    building: bool = True
    waiting: Callable[[str], None] | None = None

    @property
    def while_held(self) -> str:
        """What to do while another command holds the workspace."""
        return "wait until it has ended, or give --wait" if self.stage is Stage.BUILD else "wait until it has ended"


@contextmanager
def opened(subject: Path, out: Path | None, wish: Wish) -> Iterator["Request"]:
    """A workspace on disk, of a template or named itself, that is as generated; its lease is held within."""
    door = (
        from_workspace(subject, wish) if subject.is_dir() and not wish.regenerate else from_template(subject, out, wish)
    )
    with door as request:
        yield request


@contextmanager
def from_template(path: Path, out: Path | None, wish: Wish) -> Iterator["Request"]:
    """The workspace of a template, or of the one that a workspace came from, written."""
    from generator.builder import journal  # noqa: PLC0415
    from generator.workspace import doubles  # noqa: PLC0415

    settings = settings_for(path, wish.flags, fetching=True)
    generated = _from_origin(path, settings) if path.is_dir() else render(path, out, settings)
    doubles.refuse([generated])
    if other := doubles.replaced_origin(generated):
        wish.events.note(f"{generated.folder} was generated from another template until now, {other}")
    request = _request(generated, settings, wish)
    with journal.lease(generated.folder, wish.waiting, wish.while_held):
        _write(generated, force=wish.force)
        _refuse_strangers(generated, trust=wish.trust, written=True)
        yield request


@contextmanager
def from_workspace(folder: Path, wish: Wish) -> Iterator["Request"]:
    """A workspace that is there already. Raises ImagegenError for a template: a command that asks for a workspace
    writes none."""
    from generator.builder import journal  # noqa: PLC0415
    from generator.workspace import doubles  # noqa: PLC0415

    require_workspace(folder)
    with journal.lease(folder, wish.waiting, wish.while_held):
        settings = workspace_settings(folder, wish.flags, wish.stage)
        generated = render(folder, None, settings)
        if wish.stage in (Stage.PLAN, Stage.BUILD):
            doubles.refuse([generated])
        request = _request(generated, settings, wish)
        _refuse_strangers(generated, trust=wish.trust, written=False)
        _tell_of_origin(generated, settings, wish)
        yield request


def regenerated(folder: Path, settings: Settings) -> "Generated | None":
    """A workspace rendered from the template that it was generated from; None where that is not there."""
    from generator.workspace.generate import from_origin  # noqa: PLC0415

    return from_origin(folder, settings)


def _from_origin(folder: Path, settings: Settings) -> "Generated":
    if found := regenerated(folder, settings):
        return found
    raise UsageError(
        f"the template that {folder} was generated from is not there", "leave out --regenerate, or name the template"
    )


def _tell_of_origin(generated: "Generated", settings: Settings, wish: Wish) -> None:
    """Say, before a plan or a build, that the template or a file of it was edited since."""
    if wish.stage not in (Stage.PLAN, Stage.BUILD):
        return
    from generator.workspace.generate import changed_origin  # noqa: PLC0415

    folder = generated.folder
    if changed := changed_origin(folder, settings, generated):
        again = to_paste("imagegen", "generate", folder)
        ways = f"`{again}`" + (" or --regenerate" if wish.stage is Stage.BUILD else "")
        wish.events.note(
            f"{', '.join(changed)} changed since {folder} was generated, and is not in it: run {ways} to take it in"
        )


def _request(generated: "Generated", settings: Settings, wish: Wish) -> "Request":
    """What a build, or its cleanup, works with; all that its target needs is installed."""
    from generator.builder.target import Request  # noqa: PLC0415

    if wish.secrets:
        settings = replace(settings, no_cache=True)  # a saved machine would have them in its memory
    target = target_of(settings)
    azure = generated.blueprint.azure
    if wish.secrets and azure and azure.communicator == "extension":
        raise ImagegenError("one extension cannot carry secrets", "set communicator to auto or run-command")
    target.require(generated.blueprint, building=wish.building)
    return Request(
        generated.folder, generated.blueprint, generated.content_digest, target, settings, wish.events,
        secrets=wish.secrets, trust=wish.trust, flags=tuple(given_again(wish.flags)), warnings=generated.warnings,
    )  # fmt: skip


def render(path: Path, out: Path | None, settings: Settings) -> "Generated":
    """The workspace of a template, or of the one that a workspace holds, not yet written."""
    if path.is_dir():
        from generator.workspace import recall  # noqa: PLC0415

        return recall.generate(path, settings)
    from generator.workspace.generate import generate  # noqa: PLC0415

    return generate(path, settings, out)


def write(generated: "Generated", *, force: bool) -> list[str]:
    """Write a workspace, unless another command is at work in it. Returns the paths that changed."""
    from generator.builder import journal  # noqa: PLC0415
    from generator.workspace import ledger  # noqa: PLC0415

    old_ledger = (generated.folder / ledger.OLD_FILE).exists()
    if not old_ledger and not generated.comparison.having(*CHANGED):
        return []
    with journal.lease(generated.folder):
        return _write(generated, force=force)


def _write(generated: "Generated", *, force: bool) -> list[str]:
    """Compare with what is there now, and write. The lease is held."""
    from generator.workspace import store  # noqa: PLC0415

    lock = store.read_lock(generated.folder)
    refuse_newer(generated.folder, lock)
    _refuse_other_target(generated, lock)
    now = store.compare(generated.folder, generated.files, lock)
    return store.write(generated.folder, generated.files, now, force=force)


def _refuse_other_target(generated: "Generated", lock: "Lock | None") -> None:
    """A workspace keeps its target while it has releases: with another nothing could be done with them."""
    local = generated.blueprint.azure is None
    if lock and (lock.settings.get("target") == "local") != local:
        from generator.workspace import ledger  # noqa: PLC0415 - rarely asked for

        ledger.require(generated.folder, local=local)


def _refuse_strangers(generated: "Generated", *, trust: bool, written: bool) -> None:
    """Before Terraform runs anything: the workspace is what generating it gives, and nothing more; its ledger, which
    Terraform loads too, is one."""
    from generator.workspace import ledger, store  # noqa: PLC0415

    folder = generated.folder
    ledger.require(folder, local=generated.blueprint.azure is None)
    differing = [] if written else generated.comparison.having(*CHANGED)
    added = [name for name in store.foreign_to_terraform(folder, generated.files) if name not in differing]
    if trust or not (differing or added):
        return
    _refuse_older(generated, added)
    force = ["--force"] if generated.comparison.having("edited", "foreign") else []
    ways = [f"run `{to_paste('imagegen', 'generate', folder, *force)}`"] if differing else []
    ways += [store.removal(folder, added, "remove what does not belong there")] if added else []
    raise ImagegenError(
        f"{folder} is not as generated from its template: {', '.join(sorted({*differing, *added}))}",
        f"read these files; then {' and '.join(ways)}, or use --trust to run them as they are",
    )


def _refuse_older(generated: "Generated", added: list[str]) -> None:
    """Raise ImagegenError for a workspace that an older imagegen generated and nobody edited."""
    from generator import __version__  # noqa: PLC0415
    from generator.workspace import store  # noqa: PLC0415

    lock = store.read_lock(generated.folder)
    if lock and lock.is_older and not added and not generated.comparison.having("edited", "foreign"):
        raise ImagegenError(
            f"{generated.folder} was generated by imagegen {lock.imagegen}; this is {__version__}",
            f"run `{to_paste('imagegen', 'generate', generated.folder)}`, and read what changes",
        )


def settings_for(subject: Path, flags: Mapping[str, Any], *, fetching: bool = False) -> Settings:
    """The settings for a template or a workspace, with the flags that were given. fetching: of a workspace its origin
    is read again, and not only what it holds."""
    if subject.is_dir():
        return workspace_settings(subject, flags, fetching=fetching)
    return template_settings(subject, flags)


def template_settings(path: Path, flags: Mapping[str, Any]) -> Settings:
    """The settings for a template. Raises UsageError for a flag that means nothing with their target."""
    found = gather(path, flags)
    _tell_of_project(found)
    _refuse_strange(found.settings.target, flags)
    return found.settings


def workspace_settings(
    folder: Path, flags: Mapping[str, Any] | None = None, stage: Stage = Stage.READ, *, fetching: bool = False
) -> Settings:
    """The settings of a workspace: what its lock records, and the user's own for the rest. stage: of the command;
    fetching: see settings_for.

    Raises ImagegenError where there is no workspace; UsageError for a flag that its lock decides.
    """
    flags = flags or {}
    found = workspace_found(folder, flags, fetching=fetching)
    decided = {
        name: one for name, one in table().items() if one.scope == "workspace" or (one.fetches and not fetching)
    }  # fmt: skip
    fixed = [one.flag for name, one in decided.items() if is_given(flags.get(name))]
    if fixed:
        raise UsageError(
            f"{', '.join(map(str, fixed))} cannot change the workspace {folder}",
            "give it where you generate the workspace from its template",
        )
    _tell_of_project(found)
    if ignored := [name for name in found.ignored if table()[name].stage <= stage and not table()[name].fetches]:
        ways = " or ".join(f"{table()[name].flag}, {table()[name].variable}" for name in ignored)
        console.note(f"{found.project.file} cannot set {', '.join(ignored)} for a workspace: use {ways}")
    _refuse_strange(found.settings.target, flags)
    return found.settings


def workspace_found(folder: Path, flags: Mapping[str, Any] | None = None, *, fetching: bool = False) -> Found:
    """The settings of a workspace, each with its origin."""
    from generator.workspace import store  # noqa: PLC0415

    lock = (str(folder / store.LOCK), require_workspace(folder).settings)
    return gather(folder, flags, lock, fetching=fetching)


def require_workspace(folder: Path) -> "Lock":
    """The lock of a workspace. Raises ImagegenError for anything else that is named in its place."""
    from generator.workspace import store  # noqa: PLC0415

    if folder.is_file():
        raise ImagegenError(f"{folder} is a file, not a workspace", "name the folder that was generated from it")
    lock = store.read_lock(folder) if folder.is_dir() else None
    if lock is None:
        hint = "give a folder that `imagegen generate` wrote"
        raise ImagegenError(f"{folder} is not a workspace of imagegen", hint)
    refuse_newer(folder, lock)
    return lock


def refuse_newer(folder: Path, lock: "Lock | None") -> None:
    """Raise ImagegenError for a workspace of a newer imagegen: this one would undo what that one does better."""
    from generator import __version__  # noqa: PLC0415

    if lock and lock.is_newer:
        raise ImagegenError(
            f"{folder} was generated by imagegen {lock.imagegen}; this is the older {__version__}",
            f"install imagegen {lock.imagegen} or newer",
        )


def _refuse_strange(target: str, flags: Mapping[str, Any]) -> None:
    """Raise UsageError for flags of another target than this: they would be dropped in silence."""
    others = [one for name, one in table().items() if one.target not in (None, target) and is_given(flags.get(name))]
    if others:
        raise UsageError(
            f"{', '.join(str(one.flag) for one in others)} means nothing with the target {target}",
            "leave it out, or choose the other --target",
        )


_told: set[str] = set()


def _tell_of_project(found: Found) -> None:
    """Say, once, what a project's imagegen.toml changes: it comes with a checkout."""
    from generator.template import addresses  # noqa: PLC0415

    notes = []
    if found.project.stranger:
        notes.append(f"{found.project.stranger} belongs to another user and is not used")
    if found.changed:
        values = [f"{name} = {table()[name].kind.show(getattr(found.settings, name))}" for name in found.changed]
        notes.append(f"{found.project.file} sets {addresses.mask(', '.join(values))}")
    for text in notes:
        if text not in _told:
            _told.add(text)
            console.note(text)


def target_of(settings: Settings) -> "Target":
    """The target that these settings choose."""
    if settings.target == "azure":
        from generator.azure.target import AzureTarget  # noqa: PLC0415

        return AzureTarget(settings)
    from generator.local.target import LocalTarget  # noqa: PLC0415

    return LocalTarget(settings)
