"""Requests and answers, as plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.azure_sim.errors import CloudError


@dataclass(frozen=True)
class Request:
    """A request: its path is decoded, the names of its headers and query parameters are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body, which has to be a JSON object or nothing. Raises CloudError as ARM does."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise CloudError(400, "InvalidRequestContent", f"The request content was invalid: {error}") from error
        if not isinstance(value, dict):
            raise CloudError(400, "InvalidRequestContent", "The request content is not a JSON object.")
        return value


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0


def shown(value: Any, status: int = 200, headers: Mapping[str, str] | None = None, wait: float = 0.0) -> Answer:
    """An answer in JSON."""
    typed = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return Answer(status, json.dumps(value).encode(), typed, wait)


def refused(error: CloudError) -> Answer:
    """A refusal as ARM writes it."""
    headers = {"x-ms-failure-cause": "gateway"}
    if error.retry_after is not None:
        headers["Retry-After"] = f"{error.retry_after:g}"
    return shown({"error": {"code": error.code, "message": error.message}}, error.status, headers)
