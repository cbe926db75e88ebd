"""imagegen.toml: the project's, found upward from a template or a workspace, and the user's own."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import __version__
from generator.errors import ImagegenError
from generator.settings.kinds import LONGEST_SHOWN, is_web, wrong
from generator.settings.table import Setting, folder_of
from generator.system import files
from generator.system.home import known_home

NAME = "imagegen.toml"
LARGEST = 1024 * 1024  # bytes
ROOT = 0  # the user id
REQUIRED_VERSION = "required_version"  # not a setting: nothing else may decide it
LONGEST_REQUIREMENT = 200  # characters


@dataclass(frozen=True)
class Project:
    """What was found upward.

    file: the imagegen.toml, None where there is none; top: of the git repository that contains both it and the place
    where the search began, None without one; stranger: a file that was passed over, because it belongs to another user.
    """

    file: Path | None = None
    top: Path | None = None
    stranger: Path | None = None

    @property
    def folder(self) -> Path | None:
        """The project's folder, of which the templates below may use any file: only where it is a repository.

        A checkout may bring an imagegen.toml at its own top, and never above it. Without a repository nothing says
        where a stranger's files end.
        """
        return self.file.parent if self.file and self.top else None


def find(subject: Path) -> Project:
    """The project of a template or a workspace.

    The nearest imagegen.toml counts, from the subject's own folder up to the top of its git repository. Without a
    repository the search ends below the home folder, or below the root. A file of another user is passed over, unless
    the subject is his too.
    """
    subject = subject.absolute()
    start = (subject if subject.is_dir() else subject.parent).resolve()
    found: Path | None = None
    for folder in _upward(start):
        path = folder / NAME
        if found is None and os.path.lexists(path):
            if not _is_of_ours(path, subject):
                return Project(stranger=path)
            found = path
        if os.path.lexists(folder / ".git"):
            return Project(found, folder)
    return Project(found)


def _upward(start: Path) -> Iterator[Path]:
    """A folder and those above it, as far as a project may reach."""
    yield start
    limits = {Path(start.anchor)} | ({known.resolve()} if (known := known_home()) else set())
    for folder in start.parents:
        if folder in limits or start in limits:
            return
        yield folder


def _is_of_ours(path: Path, subject: Path) -> bool:
    """Whether a file belongs to this user, to root, or to whoever the subject belongs to."""
    try:
        owners = {os.geteuid(), ROOT, subject.stat().st_uid}
    except OSError:  # a template that is not there is reported where it is read
        owners = {os.geteuid(), ROOT}
    return path.lstat().st_uid in owners


def own_file() -> Path | None:
    """The user's own imagegen.toml, whether or not it is there; None for a user without a home."""
    try:
        return folder_of("XDG_CONFIG_HOME", ".config") / NAME
    except ImagegenError:
        return None


def read(path: Path, known: dict[str, Setting], *, own: bool) -> dict[str, Any]:
    """The values of an imagegen.toml, empty where there is none. own: it is the user's, who may set anything.

    Raises ImagegenError for a file that cannot be read or is not TOML or that requires another version of imagegen, for
    an unknown name, a value of the wrong form, and what a project's file may not set.
    """
    if not os.path.lexists(path):
        return {}
    values = _parsed(path, _content(path, own=own))
    if REQUIRED_VERSION in values:  # first: another version may know other settings
        _require_version(path, values.pop(REQUIRED_VERSION))
    if unknown := sorted(set(values) - set(known)):
        settable = sorted(name for name, one in known.items() if own or one.trust)
        raise ImagegenError(f"{path} has unknown settings: {', '.join(unknown)}", f"known are {', '.join(settable)}")
    if not own and (chosen := sorted(name for name in values if not known[name].trust)):
        raise ImagegenError(
            f"{path} may not choose {', '.join(chosen)}: it comes with a checkout",
            f"set {', '.join(known[name].variable for name in chosen)} in the environment, or use {own_file() or NAME}",
        )
    loaded = {}
    for name, value in values.items():
        kind = known[name].kind
        try:
            loaded[name] = kind.load(value, path.parent)
        except ValueError:
            raise ImagegenError(*wrong(kind, f"{path}: `{name}`", value)) from None
    if not own:
        _keep_inside(path, loaded)
    return loaded


def _require_version(path: Path, wanted: Any) -> None:
    """Raise ImagegenError where a file's `required_version`, in the form of PEP 440, is not met by this imagegen."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - rarely needed

    try:
        if not isinstance(wanted, str) or not wanted.strip() or len(wanted) > LONGEST_REQUIREMENT:
            raise InvalidSpecifier
        met = SpecifierSet(wanted).contains(__version__, prereleases=True)
    except InvalidSpecifier:
        shown = str(wanted)[:LONGEST_SHOWN]
        raise ImagegenError(
            f"{path}: `{REQUIRED_VERSION}` is `{shown}`", 'use versions such as ">= 0.2" or ">= 0.2, < 0.4"'
        ) from None
    if not met:
        raise ImagegenError(
            f"{path} requires imagegen {wanted.strip()}; this is {__version__}",
            f"install imagegen {wanted.strip()}, or change `{REQUIRED_VERSION}` there",
        )


def _keep_inside(path: Path, values: dict[str, Any]) -> None:
    """Raise ImagegenError where a project's file names files outside its own folder: a stranger's could read any."""
    folder = path.parent.resolve()
    mirrors = [Path(other) for _, other in values.get("mirrors", ()) if not is_web(other)]
    for name, flag, paths in (
        ("mirrors", "--mirror", mirrors),
        ("parameters", "--parameters", [values[name] for name in ("parameters",) if name in values]),
    ):
        if [one for one in paths if not one.resolve().is_relative_to(folder)]:
            raise ImagegenError(f"{path}: `{name}` leads out of {folder}", f"use {flag} yourself if you trust it")


def _content(path: Path, *, own: bool) -> bytes:
    """The bytes of an imagegen.toml. The user may keep a link to his own; a checkout's is a plain file."""
    try:
        content = files.read(path.resolve() if own else path, LARGEST)
    except OSError as error:
        raise ImagegenError(f"{path} cannot be read: {error.strerror}", "make it a plain file, or remove it") from error
    if len(content) == LARGEST:
        raise ImagegenError(f"{path} is too large", f"it may have {LARGEST // 1024} KiB")
    return content


def _parsed(path: Path, content: bytes) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - slow to import, and there is rarely a file

    try:
        return tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        if files.has_conflict(content):
            raise ImagegenError(f"{path} has conflict markers of git", files.CONFLICT_HINT) from error
        raise ImagegenError(f"{path} is not valid TOML: {error}") from error
