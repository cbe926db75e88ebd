"""Secrets that the user marks (`--secret NAME`): from our environment to that of the steps, and into no file here.

They are sent to the machine's memory before the first step, over the connection that the build has anyway: Terraform,
its state and its plans never see them.
"""

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from generator.builder.ssh import Login
from generator.errors import ImagegenError, UsageError
from generator.system import redact, spellings

if TYPE_CHECKING:
    from generator.builder.relay import Relay

Secrets = Mapping[str, str]
FOLDER = "/dev/shm/imagegen"  # noqa: S108 - memory of the machine that is built, readable by the build user only
SHELL_FILE = f"{FOLDER}/secrets"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# All of these end a text in single quotes (Microsoft, "about_Quoting_Rules"; PowerShell's own CharTraits.cs).
_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")


def read(names: Iterable[str]) -> dict[str, str]:
    """The marked variables of our environment. Raises ImagegenError for one that is not set, or no variable's name."""
    found = {}
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError("--secret takes the name of an environment variable", "give its name, not its value")
        value = os.environ.get(name)
        if not value:
            raise ImagegenError(f"the secret {name} is not in the environment", f"set it: {name}=… imagegen apply …")
        if not spellings.can_be_redacted(value):
            raise ImagegenError(
                f"the secret {name} is too short to be redacted", f"use one of at least {spellings.SHORTEST} characters"
            )
        if len(value.encode(errors="replace")) > redact.LONGEST:
            raise ImagegenError(
                f"the secret {name} is too large to be redacted", f"use one of at most {redact.LONGEST // 1024} KiB"
            )
        if os.fsencode(value) != value.encode(errors="replace"):
            raise ImagegenError(f"the secret {name} is not UTF-8 text", "encode it, as by base64")
        found[name] = value
    return found


def flags(names: Iterable[str]) -> list[str]:
    """How secrets of these names are given to `apply`."""
    return [f"--secret={name}" for name in names]


def as_shell(secrets: Secrets) -> str:
    """What a shell reads to have them."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(secrets.items()))


def as_powershell(secrets: Secrets) -> str:
    """What PowerShell reads to have them."""
    quoted = {name: _QUOTES.sub(r"\g<0>\g<0>", value) for name, value in sorted(secrets.items())}
    return "".join(f"$env:{name} = '{value}'\n" for name, value in quoted.items())


def over_ssh(relay: "Relay", login: Login, secrets: Secrets) -> None:
    """Send them over the build's own connection, by standard input, which no process list shows.

    Raises ImagegenError where the VM's host key could not be checked.
    """
    command = f"umask 077 && mkdir -p {FOLDER} && cat >{SHELL_FILE}"
    relay.run(login, command, as_shell(secrets).encode(), verified=True)
