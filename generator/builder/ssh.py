"""How a build's VM is reached by SSH: where, through what, which host key is expected, and the command that logs in."""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

KNOWN_HOSTS = "known_hosts"  # in a VM's or a build's folder

# The public host keys of the VM at a host and port, as `TYPE BASE64`; none where they cannot be found out.
HostKeys = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class Login:
    """Where and as whom to log in."""

    user: str
    host: str
    port: int = 22

    @classmethod
    def parse(cls, text: str) -> "Login":
        """The login that `USER@HOST:PORT` stands for. Raises ValueError."""
        user, _, where = text.partition("@")
        host, _, port = where.rpartition(":")
        if not user or not host:
            raise ValueError(f"{text!r} is not USER@HOST:PORT")
        return cls(user, host.strip("[]"), int(port))


@dataclass(frozen=True)
class Route:
    """The way to the VMs of a build: their host keys, the bastion host in between, if there is one, and how many times
    longer than usual to wait for them."""

    host_keys: HostKeys
    bastion: Login | None = None
    patience: float = 1.0


def command(
    key: Path, user: str, host: str, *, port: int = 22, jump: str = "", known_hosts: Path | None = None
) -> list[str]:
    """ssh with the build's own key and none of the user's configuration, through the bastion `jump` (`USER@HOST:PORT`)
    where one is given.

    known_hosts: the file with the VM's host key. Where it is not known yet, the first one is accepted and kept there.
    """
    checking = "yes" if known_hosts and known_hosts.exists() else "accept-new"
    kept = str(known_hosts or os.devnull).replace("%", "%%")
    return [
        "ssh", "-F", "none", "-i", str(key).replace("%", "%%"), "-o", "IdentitiesOnly=yes", "-a", "-p", str(port),
        *(["-o", f"ProxyCommand={_through(jump, key)}"] if jump else []),
        "-o", f"StrictHostKeyChecking={checking}",
        "-o", f'UserKnownHostsFile="{kept}"',
        "-o", "LogLevel=ERROR", f"{user}@{host}",
    ]  # fmt: skip


def _through(jump: str, key: Path) -> str:
    """The command that connects through a bastion (ssh_config(5), ProxyCommand: a shell runs it, `%` begins a token).

    The bastion is the user's own: their configuration and agent are used, and its host key is compared with the known
    one. `-J` would not pass these options on.
    """
    where, _, port = jump.rpartition(":")
    identity = str(key).replace("%", "%%")
    options = ("BatchMode=yes", "StrictHostKeyChecking=accept-new")
    words = ["ssh", "-i", identity, "-p", port, "-a", *(word for option in options for word in ("-o", option))]
    return f"{shlex.join(words).replace('%', '%%')} -W '[%h]:%p' {shlex.quote(where)}"


def agent() -> dict[str, str]:
    """What ssh needs of our environment to reach the agent, which may hold the bastion's key."""
    return {name: os.environ[name] for name in ("SSH_AUTH_SOCK",) if name in os.environ}


def known_host(host: str, port: int, public_keys: list[str]) -> str:
    """The lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) for keys of the form `TYPE BASE64`."""
    name = host if port == 22 else f"[{host}]:{port}"
    return "".join(f"{name} {key}\n" for key in public_keys)


def read_known_hosts(path: Path, host: str, port: int) -> list[str]:
    """The keys of a host in a known_hosts file that we wrote; none where there is no such file."""
    try:
        lines = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        return []
    name = host if port == 22 else f"[{host}]:{port}"
    return [rest for first, _, rest in (line.partition(" ") for line in lines) if first == name]
