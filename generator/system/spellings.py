"""How programs spell a text that they were given: quoted, escaped, encoded. Each encoder is one function.

What the redaction ignores anyway (redact.py: white space, control characters, quotes, backslashes, case) needs no
encoder: shell quoting by `printf %q`, `declare -p`, `export -p`, `set` and traces, the quotes of JSON and Python,
base64 in lines, hexadecimal digits in groups.
"""

import base64
import html
import json
import re
import string
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

Encoder = Callable[[str], Iterator[str]]
# How one byte is written among others, with what stands between two.
FORMS = (
    "{:02x}:", "{:02x}-", "0x{:02x},", "0x{:x},", "\\x{:02x}", "%{:02x}", "={:02x}", "\\u{:04x}", "&#x{:x};", "{:03o}",
    "\\{:o}", "{:d}", "{:d},", "{:d};", "&#{:d};", "&#x{:04x};", "&#{:03d};", "&#{:04d};", "\\{:06x}", "\\u{{{:x}}}",
    "\\x{{{:x}}}", "\\U{:08x}", "%u{:04x}", "U+{:04x}", "{:08b}", "{:02x}00", "{:02x},", "{:#o},", "{:#b},",
)  # fmt: skip
# The names of od(1) -a for what has no letter.
NAMES = [
    "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "nl", "vt", "ff", "cr", "so", "si", "dle",
    "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em", "sub", "esc", "fs", "gs", "rs", "us", "sp",
]  # fmt: skip
SHORTEST = 4  # characters; of fewer too much else would be redacted
SHORT_LINE = 24  # characters
LONGEST_VARIED = 1024  # characters; of a longer text only the usual spellings are made, so that memory stays bounded
ESCAPES = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
CONTROLS = {"\a": r"\a", "\b": r"\b", "\x1b": r"\E", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}


def can_be_redacted(value: str) -> bool:
    """Whether a value has a line that is long enough."""
    return any(len(line.strip()) >= SHORTEST for line in value.splitlines())


def parts(value: str) -> Iterator[str]:
    """A value, its short lines, and where it is JSON, the texts in it. A long line is a piece of the value."""
    yield value
    yield value.strip()
    yield from (line.strip() for line in value.splitlines() if len(line.strip()) < SHORT_LINE)
    try:
        waiting: list[Any] = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)


def of_short(text: str) -> set[str]:
    """The spellings of a short text that are found as they are: not those that other text has by chance."""
    spelt = {one for one in of(text) if len(one) > SHORTEST + 1} | {text, text.strip()}
    return {one for one in spelt if len(one.strip()) >= SHORTEST and "\n" not in one and "\r" not in one}


def of(text: str) -> Iterator[str]:
    """The spellings of a text, itself among them; the same one may come several times."""
    content = text.encode(errors="replace")
    if len(text) > LONGEST_VARIED:
        yield from (
            text,
            json.dumps(text)[1:-1],
            quote(text, safe="", errors="replace"),
            html.escape(text),
            content.hex(),
        )
        for spelt in _base64(content):
            yield from (spelt, spelt.translate(URL_SAFE))
        return
    for one in dict.fromkeys([text, *(spelt for encoder in ESCAPERS for spelt in encoder(text))]):
        yield one
        yield from _html(one)
    for one in (text, json.dumps(text)[1:-1]):
        yield from _percent(one)
    for inner in (content, json.dumps(text)[1:-1].encode(), text.encode("utf-16-le", errors="replace")):
        for spelt in _base64(inner):
            yield from (spelt, quote(spelt, safe=""), spelt.replace("+", r"\u002b"), spelt.replace("+", "&#x2b;"))
            yield spelt.translate(URL_SAFE)
    for once in _base64(content):  # the login of a registry, within the secret of a cluster
        yield from _base64(once.encode())
    yield from _base32(content)
    yield from _uuencode(content)
    yield from _digits(content)


URL_SAFE = str.maketrans("+/", "-_")
BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
UUENCODE = str.maketrans(BASE64, "".join(map(chr, range(32, 96))))


def _json(text: str) -> Iterator[str]:
    """JSON, with characters beyond ASCII as they are or escaped. The quotes around it are left out."""
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]


def _json_for_html(text: str) -> Iterator[str]:
    """JSON as Go's encoding/json writes it, PowerShell's ConvertTo-Json (`'` too) and .NET's System.Text.Json."""
    for special in ("<>&", "<>&'", "<>&'\"`+"):
        for ascii_only in (True, False):
            plain = json.dumps(text, ensure_ascii=ascii_only)[1:-1].replace('\\"', '"')
            yield re.sub(f"[{re.escape(special)}]", lambda found: f"\\u{ord(found[0]):04x}", plain)


def _ansi_c(text: str) -> Iterator[str]:
    """`$'…'` of a shell: control characters, and in the C locale all bytes beyond ASCII, by name or in octal."""
    for beyond in (True, False):
        yield "".join(
            CONTROLS.get(char)
            or ("".join(f"\\{byte:03o}" for byte in char.encode(errors="replace"))
                if ord(char) < 32 or (beyond and ord(char) > 126) else char)
            for char in text
        )  # fmt: skip


def _python(text: str) -> Iterator[str]:
    """Python's repr() and ascii(), and repr() of the bytes."""
    yield from (repr(text)[1:-1], ascii(text)[1:-1], repr(text.encode(errors="replace"))[2:-1])


def _interpreted(text: str) -> Iterator[str]:
    r"""What `echo -e`, dash's `echo` and `printf '%b'` make of a text with backslashes; `\c` ends it. As a format of
    printf it has `%%` for a percent sign."""
    shown = text.partition("\\c")[0]
    plain = re.sub(r"\\(0[0-7]{1,3}|[0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", _meant, shown, flags=re.DOTALL)
    yield from (plain, plain.replace("%%", "%"), text.replace("%%", "%"))


def _meant(found: re.Match[str]) -> str:
    word = found[1]
    if word[0] == "x" and len(word) > 1:
        return chr(int(word[1:], 16))
    if word[0] in "01234567":
        return chr(int(word, 8) & 0xFF)
    return ESCAPES.get(word, "\\" if word == "\\" else f"\\{word}")


def _percent(text: str) -> Iterator[str]:
    """Percent-encoding as libraries do it: they differ in what they leave as it is, and in `+` for a blank;
    twice for a URL within a URL."""
    for safe in ("", "/", "*", "!'()*", "!'()*;,/?:@&=+$#"):
        for tilde in ("~", "%7E"):
            encoded = quote(text, safe=safe, errors="replace").replace("~", tilde)
            yield from (encoded, encoded.replace("%20", "+"), encoded.replace("%", "%25"))


def _visible(text: str) -> Iterator[str]:
    """`cat -v` and `od -a`, which name what a terminal does not show; quoted-printable (RFC 2045); a list of
    characters."""
    content = text.encode(errors="replace")
    yield "".join(map(_caret, content))
    yield "".join(NAMES[byte & 127] if byte & 127 <= 32 else chr(byte & 127) for byte in content)
    yield "".join(chr(byte) if 32 < byte < 127 and byte != ord("=") else f"={byte:02X}" for byte in content)
    yield "".join(chr(byte) if 32 <= byte < 127 and byte != ord("=") else f"={byte:02X}" for byte in content)
    yield ",".join(text)


def _caret(byte: int) -> str:
    """A byte as cat -v shows it."""
    if byte > 127:
        return f"M-{_caret(byte - 128)}"
    return chr(byte) if 32 <= byte < 127 else f"^{chr(byte ^ 64)}"


def _html(text: str) -> Iterator[str]:
    """Entities of HTML and XML; quotes are escaped or not, by name or by number; twice where a page quotes a page."""
    plain = html.escape(text, quote=False)
    for single, double in (("'", '"'), ("&#x27;", "&quot;"), ("&#39;", "&#34;"), ("&apos;", "&quot;")):
        escaped = plain.replace("'", single).replace('"', double)
        yield from (escaped, html.escape(escaped, quote=False), escaped.replace("+", "&#x2b;"))


def _base64(content: bytes) -> Iterator[str]:
    """base64, wherever in a longer text it stands there: without the characters that it shares with its neighbours."""
    yield from _aligned(content, 6, 3, base64.b64encode)


def _uuencode(content: bytes) -> Iterator[str]:
    """uuencode(1), which has other characters in the order of base64."""
    for spelt in _base64(content):
        yield spelt.translate(UUENCODE)


def _base32(content: bytes) -> Iterator[str]:
    """base32, in the same way."""
    yield from _aligned(content, 5, 5, base64.b32encode)


def _aligned(content: bytes, bits: int, group: int, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    """An encoding with so many bits in a character and bytes in a group."""
    for before in range(group):
        whole = encode(bytes(before) + content).decode()
        yield whole[-(-before * 8 // bits) : (before + len(content)) * 8 // bits]


def _digits(content: bytes) -> Iterator[str]:
    """The bytes as numbers: hexadecimal (in words of either order), octal and decimal, with the usual marks between."""
    numbers = list(content)
    yield content.hex()
    for size, form in ((2, "{:04x}"), (2, "{:06o}"), (4, "{:08x}"), (4, "{:011o}")):
        yield from _words(content, size, form)
    yield "".join(str(byte - 256 if byte > 127 else byte) for byte in content)
    for form in FORMS:
        yield "".join(map(form.format, numbers))[: -1 if form[-1] in ":-,;" else None]


def _words(content: bytes, size: int, form: str) -> Iterator[str]:
    """What hexdump(1), od(1) and `xxd -e` show: words of so many bytes, the lowest first, wherever the text begins in
    one. What shares a word with its neighbours is left out, for it depends on them."""
    for before in range(size):
        inside = content[(size - before) % size :]
        words = [inside[at : at + size] for at in range(0, len(inside) // size * size, size)]
        yield "".join(form.format(int.from_bytes(word, "little")) for word in words)


ESCAPERS: tuple[Encoder, ...] = (_json, _json_for_html, _ansi_c, _python, _interpreted, _visible)
