"""No two workspaces have one folder or one Terraform state: a build of the one would delete the images of the other."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from generator.errors import ImagegenError
from generator.system.records import from_json
from generator.workspace import backend, origin, store
from generator.workspace.store import Generated

MOST_FOLDERS = 5000  # of a repository that are searched for workspaces, which takes 0.1 s


def refuse(workspaces: Sequence[Generated]) -> None:
    """Raise ImagegenError where two of these have the same folder or state, or one of them has the state of another
    workspace of the project: its git repository, or without one the folder that it is in."""
    folders: dict[Path, Generated] = {}
    for one in workspaces:
        if one.folder.resolve() in folders:
            raise ImagegenError(
                f"two templates have the same workspace, {one.folder}",
                "generate each by itself, with an --out DIR of its own, or give them different names",
            )
        folders[one.folder.resolve()] = one
    states: dict[str, tuple[Path, str]] = {}
    for one in workspaces:
        known = (one.folder, one.blueprint.name)
        state = backend.location(dict(one.blueprint.azure.backend)) if one.blueprint.azure else ""
        if state in states:
            raise _double(states[state], known, state)
        if state:
            states[state] = known
    tops = {_top(folder) for folder in folders} if states else set()
    for folder in (found for top, deep in sorted(tops) for found in _workspaces(top, deep=deep)):
        state, name = _state_of(folder)
        if state in states and folder not in folders:
            raise _double((_shown(folder), name), states[state], state)


def replaced_origin(generated: Generated) -> Path | None:
    """The other template that a folder was generated from until now; None where it is the same, or gone."""
    lock, new = store.read_lock(generated.folder), origin.parse(from_json(generated.files[store.LOCK]).get("origin"))
    if lock is None or lock.origin is None or new is None or lock.origin.template == new.template:
        return None
    return lock.origin.template_in(generated.folder)


def _double(first: tuple[Path, str], second: tuple[Path, str], state: str) -> ImagegenError:
    """first, second: folder and name of the workspaces."""
    way = f"write `key={backend.NAME}.tfstate` in the backend, so that each has a key of its own"
    if first[1] == second[1]:
        way = f"give each a --backend with a key of its own, such as `key=prod/{backend.NAME}.tfstate`; remove a copy"
    return ImagegenError(f"{first[0]} and {second[0]} have the same Terraform state, {state}", way)


def _shown(folder: Path) -> Path:
    """A folder as the user would name it."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _top(folder: Path) -> tuple[Path, bool]:
    """The folder in which the other workspaces of a project are, and whether they are at any depth there."""
    for above in (folder, *folder.parents):
        if os.path.lexists(above / ".git"):
            return above, True
    return folder.parent, False


def _workspaces(top: Path, *, deep: bool) -> Iterator[Path]:
    """The folders with a lock below a folder, the nearest first; none in a hidden folder, in another workspace or in
    another repository."""
    waiting = deque([top])
    for _ in range(MOST_FOLDERS):
        if not waiting:
            return
        folder = waiting.popleft()
        try:
            with os.scandir(folder) as entries:
                found = {one.name: one.is_dir(follow_symlinks=False) for one in entries}
        except OSError:
            continue
        if store.LOCK in found:
            yield folder
        elif folder == top or (deep and ".git" not in found):
            waiting += [folder / name for name in sorted(found) if found[name] and not name.startswith(".")]


def _state_of(folder: Path) -> tuple[str, str]:
    """Where a workspace keeps its state, and its name; "" for a local state, and where its lock cannot be read."""
    try:
        lock = store.read_lock(folder)
        if lock is None or lock.settings.get("target") != "azure":
            return "", ""
        name = str(lock.settings["name"])
        return backend.location(dict(backend.arguments(str(lock.settings.get("backend", "")), name))), name
    except (ImagegenError, KeyError, OSError):  # whoever uses that workspace is told
        return "", ""
