"""Where each setting's value comes from: flag, variable, the project's file, the user's file, default; or a lock."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError, UsageError
from generator.settings import project
from generator.settings.kinds import Listed, wrong
from generator.settings.project import Project
from generator.settings.table import Setting, Settings, Stage, Trust, default_of, table

PREFIX = "IMAGEGEN_"
DEFAULT = "default"
# The value of a setting, by its name, and where it is from.
Values = Iterator[tuple[str, tuple[Any, str]]]


@dataclass(frozen=True)
class Found:
    """The settings of one command.

    origins: for each name where its value is from, in words; project: what was found upward; changed: the names that
    the project's file decides; ignored: those that it may not set for a workspace.
    """

    settings: Settings
    origins: dict[str, str]
    project: Project = field(default_factory=Project)
    changed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def resolve(subject: Path | None = None, **flags: Any) -> Settings:
    """The settings of `gather`."""
    return gather(subject, flags).settings


def gather(
    subject: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    lock: tuple[str, Mapping[str, Any]] | None = None,
    *,
    fetching: bool = False,
) -> Found:
    """The value of each setting: flag > variable > the project's imagegen.toml > the user's > default.

    subject: the template or workspace, from which the project is found; None: no project counts. flags: as the command
    line gives them; None and an empty list: not given. lock: of a workspace, its name for messages and the settings
    recorded in it, which nothing else changes; fetching: its origin is read, for which the project may say from where.
    Raises UsageError for a flag or variable of the wrong form and for an
    unknown variable; ImagegenError for a file or a lock that has such a value or cannot be read.
    """
    known = table()
    _refuse_unknown_variables(known)
    found = project.find(subject) if subject else Project()
    chosen: dict[str, tuple[Any, str]] = {}
    if own := project.own_file():
        chosen |= {name: (value, str(own)) for name, value in project.read(own, known, own=True).items()}
    of_project = project.read(found.file, known, own=False) if found.file else {}
    taken = {
        name: value for name, value in of_project.items()
        if known[name].trust is Trust.ANYWHERE
        or (known[name].trust is Trust.TEMPLATE and (lock is None or (fetching and known[name].fetches)))
    }  # fmt: skip
    chosen |= {name: (value, str(found.file)) for name, value in taken.items()}
    chosen |= dict(_from_variables(known))
    chosen |= dict(_from_flags(known, flags or {}))
    if lock is not None:
        chosen |= dict(_from_lock(known, *lock))
    # A default may need the home folder, which not every user has.
    chosen = {name: chosen[name] if name in chosen else (default_of(name), DEFAULT) for name in known}
    settings = Settings(**{name: value for name, (value, _) in chosen.items()})
    origins = {name: origin for name, (_, origin) in chosen.items()}
    changed = [name for name in taken if origins[name] == str(found.file) and chosen[name][0] != default_of(name)]
    ignored = [name for name in of_project if name not in taken and known[name].scope == "run"]
    return Found(settings, origins, found, tuple(changed), tuple(ignored))


def to_lock(settings: Settings) -> dict[str, Any]:
    """What a lock records, besides the target and the values of `--set`: whatever is not as by default."""
    return {
        name: one.kind.as_json(getattr(settings, name))
        for name, one in _of_workspace().items()
        if getattr(settings, name) != default_of(name)
    }


def with_lock(settings: Settings, name: str, values: Mapping[str, Any]) -> Settings:
    """These settings, with those of a workspace's lock in their place. name: of the lock, for messages."""
    return replace(settings, **{one: value for one, (value, _) in _from_lock(table(), name, values)})


def as_environment(**lists: Sequence[str] | None) -> dict[str, str]:
    """Variables that stand for flags, for a command that is started with them; without those that were not given."""
    import json  # noqa: PLC0415 - rarely needed

    return {
        table()[name].variable: json.dumps(list(values), ensure_ascii=False) for name, values in lists.items() if values
    }


def given_again(flags: Mapping[str, Any], stage: Stage = Stage.BUILD) -> list[str]:
    """The flags of this run as words, for the hint that names the next command for its workspace.

    stage: of that command. The workspace has recorded the others.
    """
    words: list[str] = []
    for name, value in flags.items():
        one = table()[name]
        if one.flag is None or one.stage > stage or one.scope != "run" or one.fetches or not is_given(value):
            continue
        if isinstance(value, bool):
            words.append(one.flag)
        else:
            words += [
                word for each in (value if isinstance(value, list) else [value]) for word in (one.flag, str(each))
            ]
    return words


def is_given(value: Any) -> bool:
    """Whether a flag stands on the command line."""
    return value is not None and value != [] and value is not False


def _of_workspace() -> dict[str, Setting]:
    """The settings that a lock has under their own names: the files of `parameters` are in the workspace itself."""
    return {
        name: one for name, one in table().items()
        if one.scope == "workspace" and name not in ("target", "sets", "parameters")
    }  # fmt: skip


def _refuse_unknown_variables(known: Mapping[str, Setting]) -> None:
    variables = [one.variable for one in known.values()]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in variables:
            near = get_close_matches(name, variables, n=1)
            raise UsageError(f"{name} is not a setting of imagegen", f"did you mean {near[0]}?" if near else "unset it")


def _from_variables(known: Mapping[str, Setting]) -> Values:
    """The settings that the environment has; an empty variable counts as not set."""
    for name, one in known.items():
        if text := os.environ.get(one.variable):
            try:
                yield name, (one.kind.parse(text, Path()), one.variable)
            except ValueError:
                raise UsageError(*wrong(one.kind, one.variable, text)) from None


def _from_flags(known: Mapping[str, Setting], flags: Mapping[str, Any]) -> Values:
    """The settings that the command line has. A flag that may be given several times is a list of texts."""
    for name, value in flags.items():
        one = known[name]
        if not is_given(value):
            continue
        place = one.flag or name
        try:
            if isinstance(one.kind, Listed):
                yield name, (one.kind.each(value, Path()), place)
            else:
                yield name, (value if isinstance(value, bool) else one.kind.parse(str(value), Path()), place)
        except ValueError:
            shown = value if isinstance(value, str) else " ".join(map(str, value))
            raise UsageError(*wrong(one.kind, place, shown)) from None


def _from_lock(known: Mapping[str, Setting], lock: str, values: Mapping[str, Any]) -> Values:
    """The settings of a workspace: those that its lock has, and the default of all others."""
    sets = tuple(sorted((str(name), str(value)) for name, value in dict(values.get("sets", {})).items()))
    yield "sets", (sets, lock)
    for name in ("target", *_of_workspace()):
        one = known[name]
        if name not in values:
            yield name, (default_of(name), lock)
            continue
        try:
            yield name, (one.kind.load(values[name], Path()), lock)
        except ValueError:
            raise ImagegenError(*wrong(one.kind, f"{lock}: `{name}`", values[name])) from None
