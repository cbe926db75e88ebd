"""Addresses of scripts and files: what kind they are, which are refused, and how they are shown without secrets."""

import posixpath
import re
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["https", "http", "relative"]

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
DRIVE = re.compile(r"[A-Za-z]:[\\/](?!/)")
# Name and password before a host; everything after `?` or `#`, where SAS tokens and signatures stand.
SECRET = re.compile(r"(?<=://)[^/\s\"'@?#]*@|(?<=[?#])[^\s\"'<>`|;)\\]+")
ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>`|;)\\]+")


def redact(uri: str) -> str:
    """An address as it may be shown: without name, password, query and fragment."""
    return SECRET.sub(lambda found: "…@" if found[0].endswith("@") else "…", uri)


def mask(text: str) -> str:
    """A line of text with the secrets of the addresses in it starred out, as long as before."""
    return ADDRESS.sub(lambda found: SECRET.sub(lambda secret: "*" * len(secret[0]), found[0]), text)


def kind(uri: str) -> Kind | None:
    """What kind of address this is; None: one that `refusal` refuses."""
    if refusal(uri):
        return None
    scheme = SCHEME.match(uri)
    if not scheme:
        return "relative"
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
    if scheme[1].lower() not in ("http", "https"):
        return f"`{scheme[1][:20]}:` addresses are not taken: use https, http or a path relative to the template"
    return None if _has_host(uri) else "the address has no valid host"


def _path_refusal(path: str) -> str | None:
    """Why a path is not taken, or None; links are looked at only when it is read."""
    if path.startswith(("/", "\\")) or DRIVE.match(path):
        return "an absolute path is not taken as an address: write one relative to the template's folder, or https"
    if posixpath.normpath(path).split("/")[0] == "..":
        return "the path leads out of the template's folder"
    return None


def _has_host(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
