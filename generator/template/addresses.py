"""Addresses of scripts and files: what kind they are, and which are refused."""

import re
from typing import Literal
from urllib.parse import unquote, urlsplit

from generator.template import allowed
from generator.template.urls import has_secret, mask, plain, redact

__all__ = ["has_secret", "kind", "mask", "path_of", "plain", "redact", "refusal", "wants_login"]

Kind = Literal["https", "http", "relative", "absolute"]

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
DRIVE = re.compile(r"[A-Za-z]:[\\/](?!/)")
# The blob endpoints of Azure's clouds.
BLOB_HOST = re.compile(
    r"\.blob\.(?:core\.windows\.net|core\.usgovcloudapi\.net|core\.chinacloudapi\.cn|storage\.azure\.net)\Z"
)


def kind(uri: str) -> Kind | None:
    """What kind of address this is; None: one that `refusal` refuses."""
    if refusal(uri):
        return None
    scheme = SCHEME.match(uri)
    if not scheme:
        return "absolute" if uri.startswith("/") else "relative"
    if scheme[1].lower() == "file":
        return "absolute"
    return "https" if scheme[1].lower() == "https" else "http"


def refusal(uri: str) -> str | None:
    """Why an address is not taken, or None."""
    if not uri.strip():
        return "the address is empty"
    if any(ord(char) < 32 or ord(char) == 127 for char in uri):
        return "the address has a control character in it"
    scheme = SCHEME.match(uri)
    if not scheme or DRIVE.match(uri):
        return _path_refusal(uri)
    if scheme[1].lower() == "file":
        return _file_refusal(uri)
    if scheme[1].lower() not in ("http", "https"):
        return f"`{scheme[1][:20]}:` addresses are not taken: use https, http, file or a path"
    return None if _has_host(uri) else "the address has no valid host"


def _path_refusal(path: str) -> str | None:
    """Why a path is not taken, or None; links are looked at only when it is read."""
    if path.startswith("\\") or DRIVE.match(path):
        return "this is a path of Windows: write one of this computer, or https"
    return allowed.KERNEL_REFUSAL if allowed.is_of_the_kernel(path) else None


def _file_refusal(uri: str) -> str | None:
    """Why a `file:` address is not taken, or None."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "the address is not valid"
    if parts.netloc.lower() not in ("", "localhost"):
        return "the address names another computer: write file:///PATH"
    if parts.query or parts.fragment:
        return "a `file:` address has nothing after its path: write ? as %3F and # as %23"
    if not parts.path.startswith("/"):
        return "a `file:` address is file:///PATH"
    return allowed.KERNEL_REFUSAL if allowed.is_of_the_kernel(unquote(parts.path)) else None


def path_of(uri: str) -> str:
    """The path that an absolute address names."""
    return unquote(urlsplit(uri).path) if SCHEME.match(uri) else uri


def wants_login(uri: str) -> bool:
    """Whether an https address is that of a blob in Azure, which may ask for a credential; a SAS token is one."""
    parts = urlsplit(uri)
    is_blob = parts.scheme.lower() == "https" and bool(BLOB_HOST.search((parts.hostname or "").lower()))
    return is_blob and "sig=" not in parts.query.lower()


def _has_host(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
