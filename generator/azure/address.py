"""From where a build's machine may be reached: this computer's public address, unless told otherwise."""

import ipaddress
from collections.abc import Sequence

from generator.errors import ImagegenError

# Both answer with nothing but the caller's address.
SERVICES = ("https://api.ipify.org", "https://checkip.amazonaws.com")
TIMEOUT_SECONDS = 10.0
HINT = "say who may reach the machine: --allow-from CIDR"


def allowed(given: Sequence[str] = ()) -> list[str]:
    """The ranges that may reach the machine: the given ones, else this computer's own public IPv4 address.

    Raises ImagegenError for what is no range, or when the address cannot be found out.
    """
    return [_range(text) for text in given] or [f"{_own()}/32"]


def _range(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ImagegenError(f"`{text}` is no address range: {error}", "write it as 203.0.113.0/24") from error


def _own() -> str:
    """What the first service says that answers with a public address."""
    import httpx  # noqa: PLC0415 - heavy

    for service in SERVICES:
        try:
            answer = httpx.get(service, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            address = ipaddress.IPv4Address(answer.text.strip())
        except (httpx.HTTPError, ValueError):
            continue
        if address.is_global:
            return str(address)
    raise ImagegenError("this computer's public address could not be found out", HINT)
