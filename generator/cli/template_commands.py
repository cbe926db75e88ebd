"""The commands that need nothing but templates: what they say, and the workspaces that they become."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.cli import console
from generator.cli.subject import (
    refuse_newer,
    regenerated,
    render,
    settings_for,
    template_settings,
    workspace_found,
    write,
)
from generator.errors import DIFFERS, ImagegenError
from generator.settings import gather, table

if TYPE_CHECKING:
    from generator.workspace.store import Generated


def validate(templates: list[Path], *, json: bool, flags: Mapping[str, Any]) -> int:
    """Every problem of every template, of the format and of a target that was named. Exit code 1 for an error."""
    from generator.template import problems_of, report  # noqa: PLC0415

    settings = {path: template_settings(path, flags) for path in templates}
    found = problems_of(settings, building=flags.get("target") is not None)
    problems = [problem for of_one in found.values() for problem in of_one]
    if json:
        console.put_json(report.as_json(problems, report.files_of(problems)) | report.verdict(found))
    else:
        if problems:
            console.show_problems(problems)
        console.say(report.closing(found))
    return int(not report.all_valid(found))


def schema() -> None:
    """The JSON Schema of the format."""
    from generator.template.jsonschema import schema as made  # noqa: PLC0415

    console.put(made())


def settings(subject: Path | None, *, json: bool) -> None:
    """Each setting with its value and where that came from."""
    if subject and not subject.exists():
        raise ImagegenError(f"there is no file {subject}")
    found = workspace_found(subject) if subject and subject.is_dir() else gather(subject)
    if json:
        values = {
            name: {"value": _shown(one.kind.as_json(getattr(found.settings, name))), "from": found.origins[name]}
            for name, one in table().items()
        }
        console.put_json({"settings": values})
        return
    rows = []
    for name, one in table().items():
        value = getattr(found.settings, name)
        shown = "-" if value in ("", (), None) else str(_shown(one.kind.show(value)))
        rows.append([name, shown, found.origins[name]])
    console.put(console.table(rows, ["SETTING", "VALUE", "FROM"]))


def _shown(value: Any) -> Any:
    """The value of a setting without the secrets of the URLs in it."""
    from generator.template import addresses  # noqa: PLC0415

    if isinstance(value, list):
        return [_shown(one) for one in value]
    return addresses.mask(value) if isinstance(value, str) else value


def generate(
    paths: list[Path], out: Path | None, mode: str, *, force: bool, json: bool, flags: Mapping[str, Any]
) -> int:
    """Write workspaces, or tell what writing them would change. Exit code 4 when `--check` finds a difference.

    With several templates `out` is the folder that their workspaces go to.
    """
    from generator.workspace import doubles  # noqa: PLC0415

    rendered = [_rendered(path, _folder(path, out, len(paths)), flags) for path in paths]
    doubles.refuse(rendered)
    return max(_generate_one(generated, mode, force=force, json=json) for generated in rendered)


def _rendered(path: Path, out: Path | None, flags: Mapping[str, Any]) -> "Generated":
    settings = settings_for(path, flags, fetching=True)
    return (regenerated(path, settings) if path.is_dir() else None) or render(path, out, settings)


def _folder(path: Path, out: Path | None, count: int) -> Path | None:
    """Where the workspace of one of several templates goes."""
    if out is None or count == 1 or path.is_dir():
        return out
    from generator.workspace.generate import name_of  # noqa: PLC0415

    return out / name_of(path)


def _generate_one(generated: "Generated", mode: str, *, force: bool, json: bool) -> int:
    from generator.workspace import doubles, store  # noqa: PLC0415

    if other := doubles.replaced_origin(generated):
        console.note(f"{generated.folder} was generated from another template until now, {other}")
    console.show_warnings(generated.warnings)
    refuse_newer(generated.folder, store.read_lock(generated.folder))
    comparison = generated.comparison
    differing = [(name, state) for name, state in comparison.states.items() if state != "identical"]
    if mode == "write":
        changed = write(generated, force=force)
        if json:
            console.put_json({"folder": str(generated.folder), "changed": changed})
        else:
            console.say(f"{generated.folder}: {len(changed)} of {len(generated.files)} files written")
            console.put(str(generated.folder))
        return 0
    if json:
        console.put_json({"folder": str(generated.folder), "differences": dict(differing)})
    else:
        for name, state in sorted(differing):
            console.put(f"{state:<8} {generated.folder / name}")
        if mode == "check" and differing:
            more = " and with --force" if comparison.having("edited", "foreign") else ""
            console.say(f"hint: run the same command without --check{more} to write these changes")
    return DIFFERS if mode == "check" and differing else 0
