"""The user's home and base folders, whatever the environment says of them."""

import os
import pwd
from pathlib import Path

from generator.errors import ImagegenError


def home() -> Path:
    """The user's home: HOME, or what the password database says where HOME is empty, relative or not set.

    Raises ImagegenError where neither says one, as for a user of a container who is in no database.
    """
    said = os.environ.get("HOME", "")
    if os.path.isabs(said):  # noqa: PTH117 - a text, maybe empty
        return Path(said)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        raise ImagegenError(
            f"the home of user {os.getuid()} is not known",
            "set HOME to an absolute path, or set IMAGEGEN_CACHE_DIR and IMAGEGEN_STATE_DIR",
        ) from None


def known_home() -> Path | None:
    """The user's home; None where it is not known."""
    try:
        return home()
    except ImagegenError:
        return None


def base_folder(variable: str, default: str) -> Path:
    """The XDG base folder that a variable names, else `default` in the home.

    A relative path is invalid and ignored, as the XDG Base Directory Specification says.
    """
    said = os.environ.get(variable, "")
    return Path(said) if os.path.isabs(said) else home() / default  # noqa: PTH117


def expand(text: str) -> Path:
    """A path with `~` replaced. Raises ImagegenError for the home of a user who does not exist."""
    if text == "~" or text.startswith("~/"):
        return home() / text[2:]
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ImagegenError(f"`{text}`: there is no such user") from error


def repair_environment() -> None:
    """Let no program that we start see an empty or relative HOME, or a relative folder of XDG: each would take it for
    something else, and some would write into the current folder."""
    for name in [name for name in os.environ if name.startswith("XDG_") and name.endswith(("_HOME", "_DIR"))]:
        if not os.path.isabs(os.environ[name]):  # noqa: PTH117
            del os.environ[name]
    try:
        os.environ["HOME"] = str(home())
    except ImagegenError:
        os.environ.pop("HOME", None)
