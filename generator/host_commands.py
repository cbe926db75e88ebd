"""The commands about this computer: its bases, and what is installed. Imports are late, to start quickly."""

from dataclasses import asdict
from pathlib import Path

from generator import console
from generator.settings import resolve


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

    console.put(str(bases.import_base(resolve(), file, alias).disk))


def base_remove(name: str) -> None:
    """Remove a base."""
    from generator.local import bases  # noqa: PLC0415

    bases.remove(resolve(), name)


def doctor(target: str, subject: Path | None, *, json: bool) -> int:
    """What builds need and what of it is there. Exit code 1 when something is missing."""
    return _doctor_azure(subject, json=json) if target == "azure" else _doctor_local(json=json)


def _doctor_azure(subject: Path | None, *, json: bool) -> int:
    """Login, subscription, permissions; with a template or workspace also its source, destinations and size."""
    from generator.azure import doctor as azure  # noqa: PLC0415
    from generator.commands import blueprint_of  # noqa: PLC0415

    settings = resolve(target="azure")
    blueprint = blueprint_of(subject, settings) if subject else None
    build = blueprint.azure.subscription_id if blueprint and blueprint.azure else settings.subscription_id
    checks = azure.check(build, blueprint)
    ok = all(check.ok for check in checks)
    if json:
        console.put_json({"ok": ok, "checks": [asdict(check) for check in checks]})
    else:
        rows = [["ok" if check.ok else "FAILED", check.name, check.advice] for check in checks]
        console.put(console.table(rows, ["", "CHECKED", "WHAT TO DO"]))
    return int(not ok)


def _doctor_local(*, json: bool) -> int:
    """What is installed on this computer."""
    from generator.local import accelerator, host  # noqa: PLC0415

    settings = resolve(target="local")
    checks = host.check_tools(building_base=True, terraform=settings.terraform)
    missing = [check.requirement for check in checks if not check.path]
    if json:
        found = [asdict(check.requirement) | {"path": check.path} for check in checks]
        console.put_json({"ok": not missing, "checks": found})
        return int(bool(missing))
    rows = [
        ["ok" if check.path else "MISSING", check.requirement.name, check.requirement.purpose, check.path or ""]
        for check in checks
    ]
    chosen = accelerator.explain(settings) if not missing else None
    if chosen:
        rows.append(["ok", "accelerator", "speed of the machine", f"{chosen.name}: {chosen.why}"])
    console.put(console.table(rows, ["", "NEEDED", "FOR", "FOUND"]))
    host.require(building_base=True, terraform=settings.terraform)
    return 0
