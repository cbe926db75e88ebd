"""Access tokens: signed, with an end and an audience. Enough for clients, which do not look into them."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tokens:
    """Makes tokens, and knows its own."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def issue(self, audience: str, tenant: str, client: str, seconds: float) -> str:
        """A token for an audience."""
        now = time.time()
        claims = {"aud": audience, "tid": tenant, "appid": client, "iat": int(now), "exp": now + seconds}
        head = _coded({"typ": "JWT", "alg": "HS256"})
        body = f"{head}.{_coded(claims)}"
        return f"{body}.{self._signature(body)}"

    def problem(self, token: str, audiences: set[str]) -> str | None:
        """Why a token is not good: `missing`, `forged`, `expired` or `audience`; None when it is."""
        if not token:
            return "missing"
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            return "forged"
        claims = read(body)
        if claims.get("exp", 0) <= time.time():
            return "expired"
        return None if str(claims.get("aud")).rstrip("/") in audiences else "audience"

    def _signature(self, body: str) -> str:
        return _base64(hmac.new(self.key, body.encode(), hashlib.sha256).digest())


def read(token: str) -> dict[str, Any]:
    """The claims of a token; none when it is not one."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _coded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
