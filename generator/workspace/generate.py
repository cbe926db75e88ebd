"""The way from a template file to a workspace: load, check, decide, render, write."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.errors import ImagegenError
from generator.settings import Settings, to_lock
from generator.template import allowed
from generator.template.reader import SHORTEST_TOLD
from generator.workspace import held, ledger, names, scripts, store
from generator.workspace import origin as origins
from generator.workspace.blueprint import Blueprint
from generator.workspace.decide import decide
from generator.workspace.locked import with_locked
from generator.workspace.origin import Origin
from generator.workspace.render import render
from generator.workspace.store import Generated

if TYPE_CHECKING:
    from generator.template import Read
    from generator.template.fetch import Held

SUBSCRIPTION = re.compile(r"[0-9A-Za-z-]{1,64}")


def generate(path: Path, settings: Settings, out: Path | None = None) -> Generated:
    """Render the workspace of a template, or of the template that a workspace (a folder) holds. Raises InvalidTemplate
    with every problem of the template."""
    return from_workspace(path, settings) if path.is_dir() else from_template(path, settings, out)


def from_template(
    path: Path, settings: Settings, out: Path | None = None, lock: store.Lock | None = None,
    downloaded: dict[str, "Held"] | None = None,
) -> Generated:  # fmt: skip
    """Render the workspace of a template.

    lock: of the workspace that is generated again, whose settings hold; downloaded: what it holds of the web, by URL.
    """
    from generator.template import Sources, fetch_all, read  # noqa: PLC0415 - pydantic, only where it is needed

    found = read(path, settings)
    sources = Sources(path, settings, downloaded=downloaded)
    downloads = fetch_all(found.template, sources, found.document)
    found = scripts.checked(found, downloads)
    name = str(lock.settings["name"]) if lock else name_of(path, out)
    blueprint = decide(found.template, downloads, name=name, settings=settings)
    folder = out or Path(blueprint.name)
    taken = {path: found.raw} | sources.read
    if settings.parameters and found.parameters is not None:
        taken[settings.parameters] = found.parameters
    secret = {one for one, content in taken.items() if one not in sources.read and _kept(found, content) != content}
    origin = origins.record(folder, path, settings.parameters, taken, secret)
    return _rendered(
        found, blueprint, folder, lock.settings if lock else _locked_settings(settings, blueprint.name, found), origin
    )


def from_workspace(folder: Path, settings: Settings) -> Generated:
    """Render the workspace of the template that a workspace holds, from the scripts and files that it holds, with the
    settings of its lock."""
    from generator.template import Sources, fetch_all, read  # noqa: PLC0415

    lock = store.read_lock(folder)
    if lock is None:
        raise ImagegenError(f"{folder} is not a workspace of imagegen", "give a template file, or a generated folder")
    settings = _own(folder, with_locked(settings, lock), lock)
    found = read(folder / store.TEMPLATE, settings)
    recorded = held.read(folder, found.template, lock)
    downloads = fetch_all(found.template, Sources(folder / store.TEMPLATE, settings, recorded), found.document)
    found = scripts.checked(found, downloads)
    blueprint = decide(found.template, downloads, name=name_of(folder), settings=settings)
    return _rendered(found, blueprint, folder, lock.settings, lock.origin)


def from_origin(folder: Path, settings: Settings) -> Generated | None:
    """Render a workspace from the template that it was generated from, as that is now; None where that is not there."""
    lock = store.read_lock(folder)
    template = lock.origin.template_in(folder) if lock and lock.origin else None
    if lock is None or lock.origin is None or template is None:
        return None
    from generator.template import read  # noqa: PLC0415

    settings = with_locked(settings, lock)
    try:
        own = held.read(folder, read(folder / store.TEMPLATE, _own(folder, settings, lock)).template, lock)
    except ImagegenError:
        own = {}  # its own copy cannot be read: all is read again
    if parameters := lock.origin.parameters_in(folder):
        allowed.require(parameters, template, settings)
    return from_template(template, replace(settings, parameters=parameters), folder, lock, own)


def _own(folder: Path, settings: Settings, lock: store.Lock) -> Settings:
    """The settings by which a workspace's own copy of its template is read."""
    return replace(settings, parameters=folder / store.PARAMETERS if store.PARAMETERS in lock.files else None)


def changed_origin(folder: Path, settings: Settings, generated: Generated) -> list[str]:
    """What was edited since a workspace was generated: files of its origin that are other than they were.

    generated: the workspace as what it holds makes it.
    """
    lock = store.read_lock(folder)
    if lock is None or lock.origin is None:
        return []
    changed = lock.origin.differing(folder)
    if changed or None not in lock.origin.files.values():
        return changed
    # Of a file with a secret in it no digest is kept: what it makes is compared.
    try:
        again = from_origin(folder, settings)
    except ImagegenError:  # it cannot be generated again as it is
        same = False
    else:
        content = {path for path in again.files if path.startswith(store.CONTENT)} if again else set()
        same = again is None or all(again.files[path] == generated.files.get(path) for path in content)
    return [] if same else [str(folder / name) for name, digest in lock.origin.files.items() if digest is None]


def _rendered(
    found: "Read", blueprint: Blueprint, folder: Path, settings: dict[str, Any], origin: Origin | None
) -> Generated:
    """The files of a workspace, compared with those that its folder has."""
    if folder.exists() and not folder.is_dir():
        raise ImagegenError(f"{folder} is not a folder", "choose another with --out DIR")
    rendered = render(blueprint, _released_to(folder) if blueprint.azure else ())
    _refuse_secrets(rendered, blueprint, found)
    files = rendered | {store.TEMPLATE: _kept(found, found.raw)}
    if found.parameters is not None:
        files[store.PARAMETERS] = _kept(found, found.parameters)
    files = dict(sorted(files.items()))
    files[store.LOCK] = store.lock_bytes(files, settings, held.names(blueprint, found.template), origin)
    comparison = store.compare(folder, files, store.read_lock(folder))
    return Generated(folder, blueprint, files, comparison, found.warnings)


def _released_to(folder: Path) -> tuple[str, ...]:
    """The subscriptions that released images are in: their providers stay, whatever the template says today
    (azure/FACTS.md 15)."""
    try:
        releases = ledger.load(folder).releases
    except ImagegenError:
        return ()  # it is refused where it is used
    images = [image for release in releases.values() for image in release["images"].values()]
    found = {str(image.get("subscription_id", "")) for image in images}
    return tuple(sorted(filter(SUBSCRIPTION.fullmatch, found)))


def _locked_settings(settings: Settings, name: str, found: "Read") -> dict[str, Any]:
    """What of the settings decides the bytes of a workspace."""
    sets = {name: found.kept(value) for name, value in sorted(settings.sets)}
    return {"name": name, "sets": sets, "target": settings.target} | to_lock(settings)


def _refuse_secrets(files: dict[str, bytes], blueprint: Blueprint, found: "Read") -> None:
    """Raise ImagegenError when a secure parameter, or what was made of it, would stand in a file that is committed."""
    texts = {path: content for path, content in files.items() if not path.startswith("modules/")}  # those are ours
    texts[ledger.FOLDER] = json.dumps([asdict(destination) for destination in blueprint.destinations]).encode()
    long = [secret for secret in found.secrets if len(secret) >= SHORTEST_TOLD]
    leaks = {path for path, content in texts.items() if any(part in content for part in _spelt(long, "{}"))}
    # A short one counts where values of the template stand, and alone: else it would by chance.
    alone = list(_spelt(found.short, '"{}"', "\n{}\n"))
    values = [path for path in texts if path.startswith(("scripts/", "files/")) or path.endswith(".tfvars.json")]
    leaks |= {path for path in values if any(part in texts[path] for part in alone)}
    slugs = [slug for secret in long if len(slug := names.slug(secret, "")) >= SHORTEST_TOLD]
    leaks |= {path for path in files if any(slug in path for slug in slugs)}
    if leaks:
        raise ImagegenError(
            f"the value of a secure parameter would stand in {', '.join(sorted(leaks))}",
            "a workspace is committed: let the script fetch the secret when it runs",
        )


def _spelt(secrets: Iterable[str], *around: str) -> Iterator[bytes]:
    """How secrets stand in files: as they are, and in JSON."""
    for secret in secrets:
        for spelt in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
            yield from (one.format(spelt).encode() for one in around)


def _kept(found: "Read", raw: bytes) -> bytes:
    """The bytes of a file as a workspace may keep them."""
    return found.kept(raw.decode("utf-8")).encode("utf-8")


def name_of(path: Path, out: Path | None = None) -> str:
    """What a template without a name is called: its file, or its folder if the file is just `template.json`.

    A workspace in `out` keeps the name that a folder gave it: a clone of the repository may have another name.
    """
    if path.is_dir():
        return _locked_name(path) or "image"
    if path.stem.lower() not in ("template", "imagetemplate"):
        stem = path.stem
    else:
        stem = (_locked_name(out) if out else "") or path.absolute().parent.name
    return stem.encode(errors="replace").decode()  # a file's name may be no text


def _locked_name(folder: Path) -> str:
    """The name in a workspace's lock, "" where there is none."""
    lock = store.read_lock(folder)
    return str(lock.settings.get("name", "")) if lock else ""
