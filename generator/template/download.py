"""One download over http(s): retried, bounded in size and time, kept away from addresses that only machines may ask."""

import ipaddress
import socket
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies

import httpx

from generator.errors import ImagegenError
from generator.system import wait
from generator.template import addresses, blob
from generator.template.addresses import redact

PAUSES = (0.5, 1.0, 2.0)  # seconds between the tries, so four tries
REDIRECTS = 5
TIMEOUT = httpx.Timeout(30.0, connect=10.0)  # seconds of silence
DEADLINE = 300.0  # seconds for one try, so that a server that drips ends too
LONGEST_PAUSE = 10.0

Networks = list[ipaddress.IPv4Network | ipaddress.IPv6Network]
# Link-local, where clouds answer with credentials, and the metadata addresses that lie elsewhere: Azure's wire server,
# Alibaba, AWS and Google over IPv6.
FORBIDDEN = [
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16", "fe80::/10", "168.63.129.16/32", "100.100.100.200/32", "fd00:ec2::254/128",
        "fd20:ce::254/128",
    )
]  # fmt: skip
# This computer itself, which a redirect from elsewhere must not reach; a template of the user's own may name it.
OWN = [ipaddress.ip_network(network) for network in ("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128")]
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class _AgainError(Exception):
    """A try that failed in a way that another may not; `pause` is what the server asked for, in seconds."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


def download(uri: str, limit: int, too_large: ImagegenError) -> bytes:
    """The bytes of an http(s) address, fewer than `limit`; raises `too_large` for more, ImagegenError for the rest."""
    reason = ""
    with httpx.Client(timeout=TIMEOUT, headers={"User-Agent": "imagegen", "Accept-Encoding": "identity"}) as client:
        for pause in (*PAUSES, None):
            try:
                return _follow(client, uri, limit, too_large)
            except _AgainError as error:
                reason = str(error)
                if pause is not None:
                    wait.sleep(max(pause, min(error.pause, LONGEST_PAUSE)))
    raise ImagegenError(f"{redact(uri)} cannot be fetched ({len(PAUSES) + 1} tries): {reason}", "is the address right?")


def _follow(client: httpx.Client, uri: str, limit: int, too_large: ImagegenError) -> bytes:
    """One try, along its redirects."""
    at, inside = uri, True
    for _ in range(REDIRECTS + 1):
        answer = _ask(client, at, limit, too_large, inside=inside)
        if isinstance(answer, bytes):
            return answer
        inside = inside and _is_own(at)
        at = _next(at, answer)
        if not inside and _is_own(at):
            raise ImagegenError(f"{redact(uri)} redirects to this computer: this is not followed")
    raise ImagegenError(f"{redact(uri)} redirects more than {REDIRECTS} times")


def _next(at: str, location: str) -> str:
    """Where a redirect leads; only http(s) and never from https to http."""
    try:
        to = urljoin(at, location)
        old, new = urlsplit(at).scheme.lower(), urlsplit(to).scheme.lower()
    except ValueError:
        raise ImagegenError(f"{redact(at)} redirects to what is no address") from None
    if new not in ("http", "https") or (old == "https" and new == "http"):
        raise ImagegenError(f"{redact(at)} redirects from {old}: to {new}: this is not followed")
    return to


def _ask(
    client: httpx.Client, uri: str, limit: int, too_large: ImagegenError, headers: Mapping[str, str] | None = None,
    *, inside: bool,
) -> bytes | str:  # fmt: skip
    """The bytes of an address, or where it redirects to. inside: whether it may be one of this computer's own."""
    shown = redact(uri)
    end = time.monotonic() + DEADLINE
    try:
        _refuse_forbidden(_resolved(uri), shown)
        with client.stream("GET", uri, headers=headers) as response:
            # The name may have changed its address since it was asked; this is the one really connected to.
            _refuse_forbidden(_peer(response), shown)
            if not inside and not _is_proxied(uri) and any(_is_of(OWN, peer) for peer in _peer(response)):
                raise ImagegenError(f"{shown} leads to this computer: this is not followed")
            status = response.status_code
            if response.has_redirect_location:
                return response.headers["location"]
            if status == 429 or status >= 500:
                raise _AgainError(f"the server says {status}", _wanted_pause(response))
            if status in blob.REFUSING and headers is None and addresses.wants_login(uri):
                return _ask(client, uri, limit, too_large, blob.headers(shown, status), inside=inside)
            if status != 200:
                hint = "is it public?" if status in (401, 403) else "is the address right?"
                raise ImagegenError(f"{shown} cannot be fetched: the server says {status}", hint)
            return _body(response, limit, too_large, end)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError, ValueError) as error:
        raise ImagegenError(f"{shown} is no valid address, or redirects to none") from error
    except httpx.HTTPError as error:
        raise _AgainError(_reason(error)) from error


def _body(response: httpx.Response, limit: int, too_large: ImagegenError, end: float) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) >= limit:
            raise too_large
        if time.monotonic() > end:
            raise _AgainError(f"it was not complete after {DEADLINE:.0f} s")
    return bytes(content)


def _wanted_pause(response: httpx.Response) -> float:
    """What `Retry-After` asks for, in seconds; dates are not worth reading."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _resolved(uri: str) -> Iterator[str]:
    """The addresses of a host. A name that only a proxy can resolve has none here."""
    url = httpx.URL(uri)
    try:
        found = socket.getaddrinfo(url.host, url.port or None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    yield from (str(address[0]) for *_, address in found)


def _peer(response: httpx.Response) -> Iterator[str]:
    stream = response.extensions.get("network_stream")
    address = stream.get_extra_info("server_addr") if stream else None
    if address:
        yield str(address[0])


def _is_own(uri: str) -> bool:
    """Whether any address of a host is this computer's own. What is no address is refused when it is asked."""
    try:
        return any(_is_of(OWN, text) for text in _resolved(uri))
    except (httpx.InvalidURL, ValueError):
        return False


def _is_proxied(uri: str) -> bool:
    """Whether a proxy, which may well be on this computer, connects in our place."""
    proxies = getproxies()
    return bool(proxies.get(urlsplit(uri).scheme.lower()) or proxies.get("all"))


def _is_of(networks: Networks, text: str) -> bool:
    return any(_plain(text) in network for network in networks)


def _plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address, as IPv4 where that is what is written inside IPv6."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _refuse_forbidden(found: Iterator[str], shown: str) -> None:
    """Raise ImagegenError for link-local and metadata addresses, also when they are written inside IPv6."""
    for text in found:
        if _is_of(FORBIDDEN, text):
            raise ImagegenError(
                f"{shown} leads to {_plain(text)}, a link-local or metadata address: this is not fetched"
            )


def _reason(error: httpx.HTTPError) -> str:
    """What went wrong on the way, in words; httpx's own text may hold the address with its secrets."""
    if isinstance(error, httpx.TimeoutException):
        return "the server did not answer in time"
    if isinstance(error, httpx.ConnectError):
        return "no connection to the server"
    return "the connection broke off"
