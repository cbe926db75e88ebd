"""The command that logs in to a build's machine."""

import os
import shlex
from pathlib import Path


def command(key: Path, user: str, host: str, *, port: int = 22, jump: str = "") -> list[str]:
    """ssh with the build's own key, through the bastion `jump` (`USER@HOST:PORT`) where one is given.

    Each machine is new and so is its host key: there is none to compare it with, and none to remember.
    """
    return [
        "ssh", "-i", str(key), "-p", str(port), *(["-o", f"ProxyCommand={_through(jump, key)}"] if jump else []),
        "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
        f"{user}@{host}",
    ]  # fmt: skip


def _through(jump: str, key: Path) -> str:
    """A way through a bastion that takes the build's key or one of the agent's, as Terraform does, and asks nothing
    (ssh_config(5), ProxyCommand: a shell runs it, `%` begins a token). `-J` would take none of these options along.
    A bastion stays: the key of its host is compared with the known one.
    """
    where, _, port = jump.rpartition(":")
    words = ["ssh", "-i", str(key), "-p", port, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new"]
    return f"{shlex.join(words).replace('%', '%%')} -W '[%h]:%p' {shlex.quote(where)}"


def agent() -> dict[str, str]:
    """What ssh needs of our environment to reach the agent, which may hold the bastion's key."""
    return {name: os.environ[name] for name in ("SSH_AUTH_SOCK",) if name in os.environ}
