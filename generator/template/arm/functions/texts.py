"""Functions of texts. Source: docs, «String functions for ARM templates»."""

import base64
import binascii
import re
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from generator.template.arm.bounds import MAX_NODES, ExpressionError, fits
from generator.template.arm.functions.hashing import name_guid, unique_string
from generator.template.arm.functions.signature import Table, define
from generator.template.arm.values import MISSING, find, from_json, text

TEXTS: Table = {}
DATA_URI = re.compile(r"data:[^,]*,", re.IGNORECASE)
WEB = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]")


@define(TEXTS, "string(value: any)")
def string(value: Any) -> str:
    """A value as text; arrays and objects as JSON."""
    return text(value)


@define(TEXTS, "toLower(text: string)")
def to_lower(value: str) -> str:
    """The text in small letters."""
    return value.lower()


@define(TEXTS, "toUpper(text: string)")
def to_upper(value: str) -> str:
    """The text in capitals."""
    return value.upper()


@define(TEXTS, "trim(text: string)")
def trim(value: str) -> str:
    """The text without white space around it."""
    return value.strip()


@define(TEXTS, "startsWith(text: string, start: string)")
def starts_with(value: str, start: str) -> bool:
    """Whether a text starts with another, in any case."""
    return value.lower().startswith(start.lower())


@define(TEXTS, "endsWith(text: string, end: string)")
def ends_with(value: str, end: str) -> bool:
    """Whether a text ends with another, in any case."""
    return value.lower().endswith(end.lower())


@define(TEXTS, "like(text: string, pattern: string)")
def like(value: str, pattern: str) -> bool:
    """Whether a text fits a pattern in which `*` stands for any text; case does not count. Source: Bicep's own list."""
    text, (first, *rest) = value.lower(), pattern.lower().split("*")
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in middle:  # each at its earliest place leaves the most for those after it
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(text) - at >= len(last) and text.endswith(last)


@define(TEXTS, "parseUri(uri: string)")
def parse_uri(value: str) -> dict[str, Any]:
    """The parts of an absolute address. Source: Bicep, SystemNamespaceType: scheme, host, port, path, query."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ExpressionError("the text is not an address") from None
    if not parts.scheme or not parts.hostname:
        raise ExpressionError("the text is not an absolute address")
    query = {"query": f"?{parts.query}"} if parts.query else {}
    ported = {"port": port} if port is not None else {}
    return {"scheme": parts.scheme, "host": parts.hostname} | ported | {"path": parts.path} | query


@define(TEXTS, "buildUri(parts: object)")
def build_uri(parts: dict[str, Any]) -> str:
    """The address of its parts, as `parseUri` gives them."""
    scheme, host = find(parts, "scheme"), find(parts, "host")
    if not isinstance(scheme, str) or not isinstance(host, str):
        raise ExpressionError("`buildUri` takes an object with `scheme` and `host`")
    given = {name: find(parts, name) for name in ("port", "path", "query")}
    said = {name: "" if one in (MISSING, None) else text(one) for name, one in given.items()}
    port = f":{said['port']}" if said["port"] else ""
    path = said["path"] if said["path"].startswith("/") or not said["path"] else f"/{said['path']}"
    query = f"?{said['query'].removeprefix('?')}" if said["query"] else ""
    return f"{scheme}://{host}{port}{path}{query}"


@define(TEXTS, "replace(text: string, old: string, new: string)")
def replace(value: str, old: str, new: str) -> str:
    """The text with each `old` replaced."""
    if not old:
        raise ExpressionError("`replace` cannot search for the empty text")
    fits(len(value) + value.count(old) * (len(new) - len(old)))
    return value.replace(old, new)


@define(TEXTS, "split(text: string, delimiter: string|array)")
def split(value: str, delimiter: Any) -> list[str]:
    """The pieces between a delimiter, or between any of several."""
    delimiters = delimiter if isinstance(delimiter, list) else [delimiter]
    if not all(isinstance(one, str) for one in delimiters):
        raise ExpressionError("the delimiters of `split` are texts")
    # The longest first, so that one that starts with another still counts.
    pattern = "|".join(re.escape(one) for one in sorted(set(delimiters), key=lambda one: (-len(one), one)) if one)
    if len(pattern) > 1000:
        raise ExpressionError("the delimiters of `split` are too long")
    pieces = re.split(pattern, value, maxsplit=MAX_NODES) if pattern else [value]
    if len(pieces) > MAX_NODES:
        raise ExpressionError(f"`split` makes more than {MAX_NODES:,} pieces")
    return pieces


@define(TEXTS, "substring(text: string, start: int?, length: int?)")
def substring(value: str, start: int = 0, length: int | None = None) -> str:
    """A piece of a text; all of it must lie inside."""
    end = len(value) if length is None else start + length
    if not 0 <= start <= end <= len(value):
        raise ExpressionError(
            f"`substring` from {start} to {end} does not lie inside a text of {len(value)} characters"
        )
    return value[start:end]


@define(TEXTS, "padLeft(value: string|int, length: int, padding: string?)")
def pad_left(value: Any, length: int, padding: str = " ") -> str:
    """The text filled up at its left to a length."""
    if len(padding) != 1:
        raise ExpressionError("the padding of `padLeft` is one character")
    fits(length)
    return text(value).rjust(length, padding)


@define(TEXTS, "base64(text: string)")
def base64_(value: str) -> str:
    """The text in base64, as UTF-8."""
    return base64.b64encode(_bytes(value)).decode()


@define(TEXTS, "base64ToString(text: string)")
def base64_to_string(value: str) -> str:
    """What a base64 text says."""
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise ExpressionError("the text is not base64 of a text in UTF-8") from None


@define(TEXTS, "base64ToJson(text: string)")
def base64_to_json(value: str) -> Any:
    """The value of a JSON text in base64."""
    return from_json(base64_to_string(value))


@define(TEXTS, "dataUri(text: string)")
def data_uri(value: str) -> str:
    """The text as a data URI."""
    return "data:text/plain;charset=utf8;base64," + base64_(value)


@define(TEXTS, "dataUriToString(uri: string)")
def data_uri_to_string(value: str) -> str:
    """What a data URI says."""
    head = DATA_URI.match(value)
    if not head:
        raise ExpressionError("the text is not a data URI")
    rest = value[head.end() :]
    return base64_to_string(rest) if head[0].lower().endswith(";base64,") else unquote(rest)


@define(TEXTS, "uri(base: string, relative: string)")
def uri(base: str, relative: str) -> str:
    """A relative address made absolute (RFC 3986, section 5)."""
    if not WEB.match(base):
        raise ExpressionError("the base of `uri` is not an absolute address")
    try:
        return urljoin(base, relative)
    except ValueError:
        raise ExpressionError("`uri` cannot join these addresses") from None


@define(TEXTS, "uriComponent(text: string)")
def uri_component(value: str) -> str:
    """The text with everything escaped that has a meaning in an address."""
    return quote(_bytes(value), safe="")


@define(TEXTS, "uriComponentToString(text: string)")
def uri_component_to_string(value: str) -> str:
    """The text without the escapes of an address."""
    return unquote(value)


@define(TEXTS, "guid(first: string, ...more: string)")
def guid(*parts: str) -> str:
    """A GUID of the texts: always the same for the same texts, and the same as Azure's."""
    return name_guid("-".join(parts))


@define(TEXTS, "uniqueString(first: string, ...more: string)")
def unique_string_(*parts: str) -> str:
    """13 letters and digits of the texts: always the same for the same texts, and the same as Azure's."""
    return unique_string("-".join(parts))


def _bytes(value: str) -> bytes:
    """UTF-8; half a surrogate pair becomes a question mark, as .NET writes it."""
    return value.encode("utf-8", "replace")
