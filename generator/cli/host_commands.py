"""The commands about this computer: its bases, and what is installed. Imports are late, to start quickly."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.cli import console
from generator.errors import ImagegenError, in_words
from generator.settings import Settings, is_given, resolve

if TYPE_CHECKING:
    from generator.workspace.blueprint import Blueprint


def base_list(*, json: bool) -> None:
    """The bases on this computer."""
    from generator.local import bases  # noqa: PLC0415

    found = bases.list_bases(resolve())
    if json:
        console.put_json({"bases": [{"name": b.name, "version": b.version, "disk": str(b.disk)} for b in found]})
    elif found:
        console.put(console.table([[b.name, b.version, str(b.disk)] for b in found], ["NAME", "VERSION", "DISK"]))
    else:
        console.say("no bases yet; the first build makes what it needs, or `imagegen base build`")


def base_build(name: str) -> None:
    """Build a base now rather than in the first build."""
    from generator.local import bases, host  # noqa: PLC0415

    host.require(building_base=True)
    base = bases.ensure(resolve(), name, console.say)
    console.put(str(base.disk))


def base_import(file: Path, alias: str) -> None:
    """Take a disk image as a base."""
    from generator.local import bases  # noqa: PLC0415

    console.put(str(bases.import_base(resolve(), file, alias, console.say).disk))


def base_remove(name: str) -> None:
    """Remove a base."""
    from generator.local import bases  # noqa: PLC0415

    bases.remove(resolve(), name, console.say)


def cache_list(*, json: bool) -> None:
    """The saved machines that builds go on from, the last used first."""
    from generator.local import bases, states  # noqa: PLC0415

    settings = resolve()
    found = states.listed(states.folder(settings.cache_dir))
    named = {base.disk.resolve(): base.name for base in bases.list_bases(settings)}
    rows = [(one, named.get(states.bottom(one, found), "")) for one in found]
    if json:
        told = [
            {"about": one.about, "base": base, "bytes": one.size(), "folder": str(one.folder),
             "in_use": bool(one.users()), "used": round(one.used())}
            for one, base in rows
        ]  # fmt: skip
        console.put_json({"cache": told, "limit": settings.cache_size})
    elif rows:
        lines = [
            [one.about, base, console.size(one.size()), _ago(one.used()) + (", in use" if one.users() else "")]
            for one, base in rows
        ]
        console.put(console.table(lines, ["WHAT", "BASE", "SIZE", "LAST USED"]))
        together = sum(one.size() for one in found)
        console.say(f"{console.size(together)} of {console.size(settings.cache_size)} (cache_size)")
    else:
        console.say("nothing is kept yet; the first build keeps what pays")


def cache_prune(*, everything: bool, json: bool) -> None:
    """Free what is beyond the limit, or all that no machine uses."""
    from generator.local import states  # noqa: PLC0415

    settings = resolve()
    root = states.folder(settings.cache_dir)
    sizes = {one: one.size() for one in states.listed(root)}
    gone = states.prune(root, 0 if everything else settings.cache_size)
    freed = sum(sizes.get(one, 0) for one in gone)
    if json:
        console.put_json({"freed": freed, "removed": len(gone)})
    else:
        console.say(f"freed {console.size(freed)}")


def _ago(moment: float) -> str:
    """A time for people, such as `3 h ago`."""
    seconds = max(0.0, time.time() - moment)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return "just now"


def cleanup_all(*, json: bool) -> int:
    """Remove the builds whose workspace is gone. Exit code 1 when one of them could not be removed."""
    from generator.builder import folders  # noqa: PLC0415
    from generator.cli import leftovers  # noqa: PLC0415

    removed: list[str] = []
    problems: list[tuple[str, ImagegenError]] = []
    for build in folders.abandoned(resolve().state_dir):
        about = leftovers.describe(build)
        try:
            leftovers.remove(build)
            removed.append(about)
        except ImagegenError as error:
            problems.append((about, error))
        except OSError as error:
            problems.append((about, ImagegenError(in_words(error))))
    if json:
        left = [{"build": about, "message": problem.message, "hint": problem.hint} for about, problem in problems]
        console.put_json({"removed": removed, "left": left})
    else:
        for about in removed:
            console.say(f"removed: {about}")
        for about, problem in problems:
            console.say(f"left: {about}")
            console.show_error(problem)
        if not removed and not problems:
            console.say("nothing was left behind")
    return int(bool(problems))


def doctor(subject: Path | None, *, json: bool, flags: Mapping[str, Any]) -> int:
    """What builds need and what of it is there. Exit code 1 when something is missing.

    Without a template or workspace and without --target: what local builds need of this computer.
    """
    from generator.cli.subject import render, settings_for  # noqa: PLC0415

    if subject is None:
        settings = resolve(**({"target": "local"} | {name: one for name, one in flags.items() if is_given(one)}))
        return (
            _doctor_azure(None, settings, json=json)
            if settings.target == "azure"
            else _doctor_local(settings, json=json)
        )
    settings = settings_for(subject, flags)
    blueprint = render(subject, None, settings).blueprint
    if settings.target == "azure":
        return _doctor_azure(blueprint, settings, json=json)
    return _doctor_local(settings, json=json)


def _doctor_azure(blueprint: "Blueprint | None", settings: Settings, *, json: bool) -> int:
    """Login, subscription, permissions; with a template or workspace also its source, destinations and size."""
    from generator.azure import doctor as azure  # noqa: PLC0415

    build = blueprint.azure.subscription_id if blueprint and blueprint.azure else settings.subscription_id
    checks = azure.check(build, blueprint)
    ok = all(check.ok for check in checks)
    if json:
        console.put_json({"ok": ok, "checks": [asdict(check) for check in checks]})
    else:
        rows = [["ok" if check.ok else "FAILED", check.name, check.advice] for check in checks]
        console.put(console.table(rows, ["", "CHECKED", "WHAT TO DO"]))
    return int(not ok)


def _doctor_local(settings: Settings, *, json: bool) -> int:
    """What is installed on this computer."""
    from generator.builder import folders  # noqa: PLC0415
    from generator.cli import leftovers  # noqa: PLC0415
    from generator.local import accelerator, host  # noqa: PLC0415

    left = [leftovers.describe(build) for build in folders.abandoned(settings.state_dir)]
    checks = host.check_tools(building_base=True, terraform=settings.terraform)
    missing = [check.requirement for check in checks if not check.path]
    if json:
        found = [asdict(check.requirement) | {"path": check.path} for check in checks]
        console.put_json({"ok": not missing, "checks": found, "leftovers": left})
        return int(bool(missing))
    rows = [
        ["ok" if check.path else "MISSING", check.requirement.name, check.requirement.purpose, check.path or ""]
        for check in checks
    ]
    chosen = accelerator.explain(settings) if not missing else None
    if chosen:
        rows.append(["ok", "accelerator", "speed of the machine", f"{chosen.name}: {chosen.why}"])
    console.put(console.table(rows, ["", "NEEDED", "FOR", "FOUND"]))
    for about in left:
        console.say(f"left behind: {about}; `{leftovers.COMMAND}` removes it")
    host.require(building_base=True, terraform=settings.terraform)
    return 0
