"""The lock of a Terraform state that a build was killed with: a backend such as azurerm keeps it until it is broken.

Every command that may lock the state is on record while it runs. Who holds the workspace and its lease, and finds the
record of one that came to no end, asks for the lock, and breaks it where it must be that command's: by the lock's own
word of who took it, for what and when, and because no such Terraform runs here any more.
"""

import hashlib
import json
import os
import pwd
import re
import secrets as random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from generator.system import private
from generator.system.records import from_json, private_write, to_json

# What Terraform calls its commands in a lock, and by which word each is known in a command line (Terraform,
# internal/backend/backendrun/operation_type.go and internal/command/state_rm.go).
OPERATIONS = {"plan": "OperationTypePlan", "apply": "OperationTypeApply", "state rm": "state-rm"}
# Of a command that was killed before it told anything: it waits 10 s for the lock, and then fails. It is shorter than
# what the lease of a build outlasts that build by.
UNTOLD_SECONDS = 30.0
# What comes only of a Terraform that has the lock.
TOLD_UNDER_LOCK = ("hook", "change", "changes", "outputs")
BACKEND = ".terraform/terraform.tfstate"
RECORDS = "locking-"
# Terraform, internal/states/statemgr/locker.go (LockInfo.String): one field a line, or all in one in a frame.
_LOCK = re.compile(
    r"Lock Info:\s+ID:\s+(\S+)\s+Path:.*?\bOperation:\s+(\S+)\s+Who:\s+(\S+)\s+"
    r"Version:.*?Created:\s+(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? \+0000 UTC",
    re.DOTALL,
)
Heed = Callable[[dict[str, Any]], None]
# An id that no lock has: who asks to break it is told which lock there is (Terraform, the azurerm backend's Unlock).
NO_LOCK = "none"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Lock:
    """What the lock of a state says of itself; created: seconds since 1970."""

    id: str
    operation: str
    who: str
    created: float

    def __str__(self) -> str:
        """Whose it is, since when and for what, for a message."""
        since = datetime.fromtimestamp(self.created, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        command = next((command for command, name in OPERATIONS.items() if name == self.operation), self.operation)
        return f"{self.who} since {since} for `terraform {command}` (lock {self.id})"


def parse(said: str) -> Lock | None:
    """The lock that an error of Terraform's tells of; None where it tells of none, or not all of it."""
    if not (found := _LOCK.search(said)):
        return None
    whole = datetime.strptime(found[4], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    return Lock(found[1], found[2], found[3], whole + float(found[5] or 0))


@contextmanager
def recorded(command: str, records: Path, folder: Path) -> Iterator[Heed]:
    """Within, a command of Terraform runs in a workspace and is on record; it is given its events. Who leaves by an
    error leaves the record too: Terraform may not have come to its own end.

    records: the folder for that. A state that is a file here needs no record: the kernel frees its lock.
    """
    where = backend(folder)
    if where is None or command not in OPERATIONS:
        yield lambda _event: None
        return
    path = records / f"{RECORDS}{random.token_hex(6)}"
    record = {"command": command, "backend": where, "since": time.time(), "told": 0.0}

    def write() -> None:
        with suppress(OSError):  # a full disk: then nothing is broken
            private.folder(records)
            private_write(path, to_json(record))

    def heed(event: dict[str, Any]) -> None:
        if not record["told"] and not event.keys().isdisjoint(TOLD_UNDER_LOCK):
            record["told"] = time.time()
            write()

    write()
    yield heed
    path.unlink(missing_ok=True)


def break_left(records: Path, folder: Path, unlock: Callable[[str], str]) -> str | None:
    """Break the lock of the state that a command left which was killed in this workspace; returns its id if it did.

    Only for who holds the workspace, and so knows that no command on record still runs, and its lease. unlock: breaks
    the lock of this id, and returns what Terraform said.
    """
    where = backend(folder)
    killed = list(_read(records)) if where else []
    lock = parse(unlock(NO_LOCK)) if killed else None
    if (
        where is None
        or lock is None
        or lock.who not in _names()
        or not any(_is_of(lock, record, where) for record in killed)
        or _may_run(lock.operation, where)
    ):
        return None
    unlock(lock.id)
    return lock.id


def backend(folder: Path, known: Path = Path(BACKEND)) -> str | None:
    """Where an initialised workspace has its state, as a digest; None where that is a file of its own.

    known: where Terraform notes it, if that is not in `.terraform`.
    """
    try:
        return hashlib.sha256(to_json(json.loads((folder / known).read_bytes())["backend"]["config"])).hexdigest()
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _names() -> set[str]:
    """How Terraform may call who runs it here: by the password file, or by $USER where that knows nobody (Go,
    os/user.Current)."""
    names = {os.environ.get("USER", "")}
    with suppress(KeyError):
        names = {pwd.getpwuid(os.getuid()).pw_name}
    return {f"{name}@{socket.gethostname()}" for name in names}


def _is_of(lock: Lock, record: dict[str, Any], where: str) -> bool:
    """Whether it was taken by the command of this record, which had it by its first word under it at the latest."""
    until = record["told"] or record["since"] + UNTOLD_SECONDS
    return (
        record["backend"] == where
        and OPERATIONS.get(record["command"]) == lock.operation
        and record["since"] <= lock.created <= until
    )


def _read(records: Path) -> Iterator[dict[str, Any]]:
    for path in records.glob(f"{RECORDS}*"):
        with suppress(OSError, ValueError):
            yield from_json(path.read_bytes(), {"command": str, "backend": str, "since": float, "told": float})


def _state_of(process: Path) -> str | None:
    """Where a running Terraform has its state, as `backend` has it; UNKNOWN where that cannot be read."""
    variables = dict(each.split(b"=", 1) for each in (process / "environ").read_bytes().split(b"\0") if b"=" in each)
    known = Path(os.fsdecode(variables.get(b"TF_DATA_DIR", b".terraform")), Path(BACKEND).name)
    if not (process / "cwd" / known).exists():
        return None
    return backend(process / "cwd", known) or UNKNOWN


def _may_run(operation: str, where: str) -> bool:
    """Whether a Terraform of ours runs on this computer that may have such a lock of this state."""
    words = next(command for command, name in OPERATIONS.items() if name == operation).split()
    for path in Path("/proc").iterdir():
        with suppress(OSError):  # it has ended
            if not path.name.isdecimal() or path.stat().st_uid != os.getuid():
                continue
            name = (path / "comm").read_text("utf-8", "replace")
            given = (path / "cmdline").read_bytes().split(b"\0")
            if (
                name.startswith(("terraform", "tofu")) and not name.startswith("terraform-provi")
                and all(word.encode() in given for word in words)
                and b"-lock=false" not in given
                and _state_of(path) in (UNKNOWN, where)
            ):  # fmt: skip
                return True
    return False
