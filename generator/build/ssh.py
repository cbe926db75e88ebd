"""The command that logs in to a build's machine."""

from pathlib import Path


def command(key: Path, user: str, host: str, *, port: int = 22, jump: str = "") -> list[str]:
    """ssh with the build's own key, through the bastion `jump` (`USER@HOST:PORT`) where one is given.

    Each machine is new and so is its host key: there is none to compare it with, and none to remember.
    """
    return [
        "ssh", "-i", str(key), "-p", str(port), *(["-J", jump] if jump else []),
        "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
        f"{user}@{host}",
    ]  # fmt: skip
