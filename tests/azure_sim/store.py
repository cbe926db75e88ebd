"""The cloud's memory: one JSON file, changed by one process at a time, and a journal of what was asked."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.azure_sim import clock, life
from tests.azure_sim.contents import Contents, empty


class Store:
    """Contents in a file. Readers see a whole version, writers wait for each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        clock.use(path)

    @contextmanager
    def changing(self) -> Iterator[Contents]:
        """The contents to change; kept only when the block ends well."""
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            contents = self.read()
            yield contents
            coming = self.path.with_suffix(".new")
            coming.write_text(json.dumps(contents, indent=1))
            coming.replace(self.path)  # a reader, or a writer that is killed, never meets half a file

    def read(self) -> Contents:
        """The contents as they stand now: without what has gone meanwhile, and with what has happened to machines."""
        contents: Contents = json.loads(self.path.read_text() if self.path.exists() else json.dumps(empty()))
        now = clock.now()
        contents["resources"] = {
            key: record for key, record in contents["resources"].items() if not 0 < record.get("gone_at", 0) <= now
        }
        life.settle(contents)
        return contents

    def log(self, action: str, resource_id: str, **more: Any) -> None:
        """Note a request; what is written at once is appended whole, so no lock is needed."""
        line = json.dumps({"at": clock.now(), "action": action, "id": resource_id} | more) + "\n"
        descriptor = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def journal(self) -> list[dict[str, Any]]:
        """All requests so far, in the order they came."""
        lines = self._journal.read_text().splitlines() if self._journal.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def _journal(self) -> Path:
        return self.path.with_suffix(".journal")
