"""Long operations: accepted at once, asked about until they are over."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.azure_sim import clock
from tests.azure_sim.errors import CloudError
from tests.azure_sim.scripts import stamp

# Azure says 10 s and more, in `Retry-After`. Here the clients' pace is the tests' pace.
PACE_MS = 20


@dataclass(frozen=True)
class Operation:
    """An operation: what it is about, when it is over, how it ends, and what it then answers (None for nothing)."""

    target: str
    begun: float
    until: float
    failure: CloudError | None
    answer: Any

    @property
    def status(self) -> str:
        """Where it stands."""
        if self.until > clock.now():
            return "InProgress"
        return "Failed" if self.failure else "Succeeded"


@dataclass(frozen=True)
class Operations:
    """All operations of a front."""

    _all: dict[str, Operation] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, operation: Operation) -> str:
        """Note an operation; its id."""
        with self._lock:
            name = str(uuid4())
            self._all[name] = operation
        return name

    def find(self, name: str) -> Operation:
        """An operation by its id."""
        with self._lock:
            if name not in self._all:
                raise CloudError(404, "OperationNotFound", f"The operation '{name}' was not found.")
            return self._all[name]


def links(endpoint: str, name: str, parts: Mapping[str, str]) -> dict[str, str]:
    """The headers that lead to an operation; `parts` has its subscription and namespace."""
    base = f"{endpoint}/subscriptions/{parts['subscription']}/providers/{parts['namespace']}/locations/westeurope"
    version = "api-version=2024-01-01"
    return {
        "Azure-AsyncOperation": f"{base}/operations/{name}?{version}",
        "Location": f"{base}/operationResults/{name}?{version}",
        "x-ms-retry-after-ms": str(PACE_MS),
    }


def described(name: str, operation: Operation) -> dict[str, Any]:
    """What `Azure-AsyncOperation` shows."""
    body: dict[str, Any] = {"name": name, "status": operation.status, "startTime": stamp(operation.begun)}
    if operation.status == "InProgress":
        return body
    body["endTime"] = stamp(max(operation.begun, operation.until))
    if operation.failure:
        body["error"] = {"code": operation.failure.code, "message": operation.failure.message}
    elif operation.answer is not None:
        body["properties"] = {"output": operation.answer}
    return body
