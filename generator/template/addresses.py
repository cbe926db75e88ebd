"""Addresses of scripts and files: what kind they are, which are refused, and how they are shown without secrets."""

import re
from typing import Literal
from urllib.parse import unquote, urlsplit

from generator.template import allowed

Kind = Literal["https", "http", "relative", "absolute"]

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
DRIVE = re.compile(r"[A-Za-z]:[\\/](?!/)")
# The blob endpoints of Azure's clouds.
BLOB_HOST = re.compile(
    r"\.blob\.(?:core\.windows\.net|core\.usgovcloudapi\.net|core\.chinacloudapi\.cn|storage\.azure\.net)\Z"
)
# Name and password before a host; everything after `?` or `#`, where SAS tokens and signatures stand.
SECRET = re.compile(r"(?<=://)[^/\s\"'@?#]*@|(?<=[?#])[^\s\"'<>`|;)\\]+")
# What stands for a login in a query: a SAS's signature, those of S3 and Google's storage, and what others call a token.
SIGNED = re.compile(
    r"(?<=://)[^/\s\"'@?#]+@"
    r"|(?<=[?&#])(sig|(?:x-(?:amz|goog)-)?(?:signature|security-token|credential)|awsaccesskeyid|googleaccessid|code"
    r"|[a-z_-]*(?:token|secret|password|passwd|key|auth|jwt))=([^&#\s]+)",
    re.IGNORECASE,
)
LONG = 12  # characters of which no word of a template is by chance
# The bound keeps a long line that only begins like many addresses from taking quadratic time.
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s\"'<>`|;)\\]+")


def redact(uri: str) -> str:
    """An address as it may be shown: without name, password, query and fragment."""
    return SECRET.sub(lambda found: "…@" if found[0].endswith("@") else "…", uri)


def plain(uri: str) -> str:
    """An address without anything that may be secret."""
    return SECRET.sub("", uri).rstrip("?#")


def has_secret(uri: str) -> bool:
    """Whether an address has a name, password, query or fragment, which may be secret."""
    return bool(SECRET.search(uri))


def secrets_of(uri: str) -> dict[str, str]:
    """The secrets in an address, and what stands for each: name and password before the host, signatures, tokens.

    Of a short one all of `NAME=VALUE` counts: its value may be a word that stands elsewhere too.
    """
    found: dict[str, str] = {}
    for one in SIGNED.finditer(uri):
        name, value = one[1], one[2] or one[0].removesuffix("@")
        if value != "***":
            found |= {f"{name}={value}": f"{name}=***"} if name and len(value) < LONG else {value: "***"}
    return found


def mask(text: str) -> str:
    """A line of text with the secrets of the addresses in it starred out, as long as before."""
    return ADDRESS.sub(lambda found: SECRET.sub(lambda secret: "*" * len(secret[0]), found[0]), text)


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
