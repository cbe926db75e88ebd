"""The way from a template file to a workspace: load, check, decide, render, write."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.errors import ImagegenError, InvalidTemplate, Problem
from generator.settings import Settings, to_lock
from generator.template import plain
from generator.template.document import in_order
from generator.template.reader import SHORTEST_TOLD
from generator.workspace import ledger, names, scripts, store
from generator.workspace.blueprint import Blueprint
from generator.workspace.decide import decide
from generator.workspace.locked import with_locked
from generator.workspace.render import render
from generator.workspace.store import Generated

if TYPE_CHECKING:
    from generator.template import Read

SUBSCRIPTION = re.compile(r"[0-9A-Za-z-]{1,64}")


def generate(path: Path, settings: Settings, out: Path | None = None) -> Generated:
    """Render the workspace of a template, or of the template that a workspace (a folder) holds.

    A workspace is generated from what it holds: its template, the settings of its lock, and the scripts and files
    that were fetched when it was first generated. Raises InvalidTemplate with every problem of the template.
    """
    from generator.template import Sources, fetch_all, read  # noqa: PLC0415 - pydantic, only where it is needed

    lock, recorded, locked = None, None, None
    if path.is_dir():
        lock = store.read_lock(path)
        if lock is None:
            raise ImagegenError(f"{path} is not a workspace of imagegen", "give a template file, or a generated folder")
        settings = with_locked(settings, lock)
        settings = replace(settings, parameters=path / store.PARAMETERS if store.PARAMETERS in lock.files else None)
        out, template_path = path, path / store.TEMPLATE
    else:
        template_path = path
    found = read(template_path, settings)
    uris = _uris(found.template)
    if lock is not None:
        recorded = _recorded(path, uris, lock)
        locked = {uri: lock.files.get(name, "") for uri, name in zip(uris, lock.sources, strict=False)}
    downloads = fetch_all(found.template, Sources(template_path, settings, recorded, locked), found.document)
    remarks = _remarks(found, downloads)
    name = name_of(path)
    blueprint = decide(found.template, downloads, name=name, settings=settings)
    folder = out or Path(blueprint.name)
    if folder.exists() and not folder.is_dir():
        raise ImagegenError(f"{folder} is not a folder", "choose another with --out DIR")
    rendered = render(blueprint, _released_to(folder) if blueprint.azure else ())
    _refuse_secrets(rendered, blueprint, found)
    files = rendered | {store.TEMPLATE: _kept(found, found.raw)}
    if found.parameters is not None:
        files[store.PARAMETERS] = _kept(found, found.parameters)
    files = dict(sorted(files.items()))
    files[store.LOCK] = store.lock_bytes(
        files, _locked_settings(settings, name, lock, found), _source_files(blueprint, found.template)
    )
    comparison = store.compare(folder, files, store.read_lock(folder))
    return Generated(folder, blueprint, files, comparison, in_order([*found.warnings, *remarks]))


def _remarks(found: "Read", downloads: dict[str, bytes]) -> list[Problem]:
    """What is to be said of the scripts that were fetched. Raises InvalidTemplate for one that cannot run."""
    properties = found.template.properties
    lists = {
        ("customize",): properties.customize,
        ("validate", "inVMValidations"): properties.validate_.in_vm_validations,
    }
    remarks = [
        found.document.problem(("properties", *at, index, "scriptUri"), one.message, one.hint, level=one.level)
        for at, steps in lists.items()
        for index, one in scripts.remarks(steps, downloads)
    ]
    if any(one.level == "error" for one in remarks):
        raise InvalidTemplate(in_order([*found.warnings, *remarks]))
    return remarks


def _released_to(folder: Path) -> tuple[str, ...]:
    """The subscriptions that released images are in: their providers stay, whatever the template says today
    (azure-facts 15)."""
    try:
        releases = ledger.load(folder).releases
    except ImagegenError:
        return ()  # it is refused where it is used
    images = [image for release in releases.values() for image in release["images"].values()]
    found = {str(image.get("subscription_id", "")) for image in images}
    return tuple(sorted(filter(SUBSCRIPTION.fullmatch, found)))


def _locked_settings(settings: Settings, name: str, lock: store.Lock | None, found: "Read") -> dict[str, Any]:
    """What of the settings decides the bytes of a workspace."""
    if lock is not None:
        return lock.settings
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


def name_of(path: Path) -> str:
    """What a template without a name is called: its file, or its folder where the file is just `template.json`."""
    if path.is_dir():
        lock = store.read_lock(path)
        return str(lock.settings.get("name", "image")) if lock else "image"
    stem = path.absolute().parent.name if path.stem.lower() in ("template", "imagetemplate") else path.stem
    return stem.encode(errors="replace").decode()  # a file's name may be no text


def _entries(template: Any) -> list[Any]:
    """The steps that are carried out: with `sourceValidationOnly` the validators alone (aib-reference 2.5)."""
    validate = template.properties.validate_
    customize = () if validate and validate.source_validation_only else template.properties.customize or ()
    return [*customize, *((validate and validate.in_vm_validations) or ())]


def _uris(template: Any) -> list[str]:
    """Every address that a step's content comes from, in the order of the steps."""
    found = [getattr(entry, "script_uri", None) or getattr(entry, "source_uri", None) for entry in _entries(template)]
    return [uri for uri in found if uri]


def _source_files(blueprint: Blueprint, template: Any) -> list[str]:
    """The workspace's file for each of `_uris`."""
    steps = blueprint.steps + blueprint.validations
    return [
        step.file
        for step, entry in zip(steps, _entries(template), strict=True)
        if getattr(entry, "script_uri", None) or getattr(entry, "source_uri", None)
    ]


def _recorded(folder: Path, uris: list[str], lock: store.Lock) -> dict[str, bytes]:
    """What the workspace holds of its sources. Nothing is read that does not lie in it.

    What is both a script and a file is taken from the file, which is as it was fetched.
    """
    recorded = {}
    for uri, name in sorted(zip(uris, lock.sources, strict=False), key=lambda pair: pair[1].startswith("files/")):
        path = folder / name
        if path.resolve() == folder.resolve() / name and path.is_file():
            recorded[uri] = plain.read(path, plain.LARGEST)
    return recorded
