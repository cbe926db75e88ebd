"""URLs without their secrets: as messages show them, and as a workspace keeps them.

Messages show scheme, host, port and path. A workspace keeps also those members of a query that are known to be
harmless; everything else, and a user's name and password, is replaced.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

STARS = "***"
# Members of a query that say what is fetched, or how, and never who fetches it. Of a SAS these are its terms
# (Microsoft, "Create a service SAS"), of a signed URL of S3 or Google its algorithm and time.
HARMLESS = {
    "api-version", "version", "ver", "v", "raw", "ref", "rev", "branch", "tag", "release", "channel", "path", "file",
    "filename", "name", "format", "type", "dl", "download", "plain", "inline", "arch", "os", "platform", "distro",
    "lang", "sv", "sr", "st", "se", "sp", "spr", "ss", "srt", "sip", "si", "sdd", "skoid", "sktid", "skt", "ske",
    "sks", "skv", "scid", "comp", "restype", "snapshot", "versionid", "timeout", "rscc", "rscd", "rsce", "rscl",
    "rsct", "response-content-type", "response-content-disposition", "x-amz-algorithm", "x-amz-date", "x-amz-expires",
    "x-amz-signedheaders", "x-goog-algorithm", "x-goog-date", "x-goog-expires", "x-goog-signedheaders", "x-ms-version",
}  # fmt: skip
# A harmless value has no URL of its own in it, and is not as long as a token.
PLAIN_VALUE = re.compile(r"[\w.,:+/ -]{0,64}", re.ASCII)
NAME = re.compile(r"[A-Za-z][\w.-]{0,31}", re.ASCII)
# A slash too few, or turned round, is a mistake that is shown with the rest of the URL.
SCHEME = re.compile(
    r"(?:(?<![\w:])(?:[Hh][Tt]{2}[Pp][Ss]?:[\\/]*|//(?=[^\s/]*@))|[A-Za-z][A-Za-z0-9+.-]{0,31}:(?:\\?/){2})"
)
HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]*\]|[^:\[\]@]*)(?::\d{0,5})?")
# The bound of the scheme keeps a long line that only begins like many URLs from taking quadratic time. In a line of
# JSON a text that begins like a URL is one to its end.
IN_LINE = re.compile(rf"(?<=\"){SCHEME.pattern}(?:[^\"\\]|\\.)*+|{SCHEME.pattern}[^\s\"<>`|]+")
IN_TEXT = re.compile(rf"{SCHEME.pattern}[^\s\"'<>`|)]+")
# `?NAME=VALUE` and the like, in a piece of a URL that stands by itself, such as an argument of `concat`.
PIECE = re.compile(r"(?:[?&;]|%3[Ff]|%26)([A-Za-z%][\w.%-]{0,31})=([^&#;\s\"'<>\\]+)", re.ASCII)
MEMBER = re.compile(r"(?<![\w.%-])([A-Za-z][\w.-]{0,31})=([^&#;\s\"'<>]+)", re.ASCII)
QUOTED = re.compile(r"'([^']*)'")
IN_PATH = re.compile(
    r"(?:[;&,][^=;&,/]*|/[\w.-]*(?:auth|code|key|pass|pwd|sas|secret|sig|token)[\w.-]*)=([^;&,/]+)|%3[Ff](.+)"
    r"|:(?:\\?/){2}([^/]*)@",
    re.IGNORECASE,
)
LONG = 12  # characters of which no word of a template is by chance
LONG_PASSWORD = 6
FEW = 100  # values that are looked for within other texts


class Parts(NamedTuple):
    """Where the parts of a URL are, as offsets in it; each end is the next one's start, with its mark before it.

    user: what stands before the `@`; query, fragment: what follows `?` and `#`. A part that is not there is empty.
    """

    user: tuple[int, int]
    path: tuple[int, int]
    query: tuple[int, int]
    fragment: tuple[int, int]


def parts(uri: str) -> Parts:
    """The parts of a URL, or of a path with a query. A password may have an `@`, and by mistake a `/`, `?` or `#`."""
    scheme = SCHEME.match(uri)
    start = scheme.end() if scheme else 0
    if not scheme:
        user = (0, 0)
    else:
        host = _first(uri, "/?#\\", start)
        at = uri.rfind("@", start, host)
        if at < 0 and not HOST.fullmatch(uri, start, host):
            at = uri.rfind("@", host)
        user = (start, max(at, start))
        start = at + 1 if at >= 0 else start
    path_end = _first(uri, "?#", start)
    query_end = _first(uri, "#", path_end)
    return Parts(
        user, (start, path_end), (min(path_end + 1, query_end), query_end), (min(query_end + 1, len(uri)), len(uri))
    )


def redact(uri: str) -> str:
    """A URL as a message may show it: without name, password, query and fragment."""
    return _replaced(uri, ((span, "…") for span in _strict(uri)))


def plain(uri: str) -> str:
    """A URL without anything that may be secret."""
    user, path, *_ = parts(uri)
    shown = _replaced(uri[: path[1]], ((span, "") for span in _in_path(uri, path)))
    return shown[: user[0]] + shown[path[0] :] if user[0] < user[1] else shown


def has_secret(uri: str) -> bool:
    """Whether a URL has a name, password, query or fragment, which may be secret."""
    return any(True for _ in _strict(uri))


def mask(text: str) -> str:
    """A line of text with the secrets of the URLs in it starred out, as long as before."""

    def starred(found: re.Match[str]) -> str:
        uri = found[0]
        escape = re.search(r"\\[^/]", uri)  # of JSON: what follows is not looked into
        end = escape.start() if escape else len(uri)
        shown = _replaced(uri[:end], (((start, to), "*" * (to - start)) for start, to in _strict(uri[:end])))
        return shown + "*" * (len(uri) - end)

    return PIECE.sub(_starred_piece, IN_LINE.sub(starred, text))


def _starred_piece(found: re.Match[str]) -> str:
    name, value = unquote(found[1]).lower(), found[2]
    if name in HARMLESS and PLAIN_VALUE.fullmatch(unquote(value)):
        return found[0]
    return found[0][: -len(value)] + "*" * len(value)


def _strict(uri: str) -> Iterator[tuple[int, int]]:
    """Everything but scheme, host, port and path, in order."""
    user, path, query, fragment = parts(uri)
    after = (query if query[0] < query[1] else fragment)[0]
    for start, end in (user, *_in_path(uri, path), (after, len(uri))):
        if start < end:
            yield start, end


def _in_path(uri: str, path: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The secrets in a path: values after `;NAME=`, `&NAME=`, `,NAME=` and `/token=`, what follows a `?` that was
    encoded by mistake, and the user of a URL that stands in it."""
    for found in IN_PATH.finditer(uri, *path):
        yield found.span(found.lastindex or 0)


def _first(text: str, marks: str, start: int) -> int:
    """Where the first of some characters stands; the end of the text where none does."""
    found = re.compile(f"[{re.escape(marks)}]").search(text, start)
    return found.start() if found else len(text)


def _replaced(text: str, spans: Iterable[tuple[tuple[int, int], str]]) -> str:
    """A text with some spans of it, in order, replaced."""
    result, done = [], 0
    for (start, end), other in spans:
        result += [text[done:start], other]
        done = end
    return "".join([*result, text[done:]])


class Keeper:
    """Rewrites the texts of a template as a workspace may keep them: without the secrets of its URLs.

    uris: all that the template has, in order; spoken: what stands elsewhere in the template as it is read, and so in
    the workspace anyway. Two values are never replaced by the same text, so that two URLs stay two.
    """

    def __init__(self, uris: Iterable[str], spoken: Iterable[str]) -> None:
        self._stars: dict[tuple[str, str], str] = {}
        self._alone: dict[str, str] = {}
        self._known = "\n".join(spoken)
        self._count: dict[str, int] = {}
        self._uris = dict.fromkeys(uri for uri in uris if uri.lower().startswith(("https://", "http://")))
        for uri in self._uris:
            self._learn(uri)

    def kept(self, text: str) -> str:
        """A text without the secrets, wherever they stand in it."""
        if not self._stars:
            return text
        if text in self._uris:
            return self._url(text)
        text = IN_TEXT.sub(lambda found: self._url(found[0]), text)
        text = MEMBER.sub(self._member, text)
        if text in self._alone:
            return self._alone[text]
        text = QUOTED.sub(lambda found: f"'{self._alone.get(found[1], found[1])}'", text)
        for secret in sorted(self._alone, key=len, reverse=True)[:FEW]:
            text = text.replace(secret, self._alone[secret])
        return text

    def _learn(self, uri: str) -> None:
        """Note each secret of a URL, and what stands for it."""
        for name, value in _secrets(uri):
            stars = self._star(name, value)
            for one in {value, unquote(value), *([value.partition(":")[2]] if name == "@" else [])}:
                if len(one) >= (LONG_PASSWORD if name == "@" else LONG) and one not in self._known:
                    self._alone.setdefault(one, stars)

    def _star(self, name: str, value: str) -> str:
        """What stands for a value of a name."""
        if (name, value) not in self._stars:
            self._count[name] = count = self._count.get(name, 0) + 1
            self._stars[name, value] = STARS if count == 1 else f"{STARS}{count}"
        return self._stars[name, value]

    def _member(self, found: re.Match[str]) -> str:
        stars = self._stars.get((found[1], found[2]))
        return f"{found[1]}={stars}" if stars and found[0] not in self._known else found[0]

    def _url(self, uri: str) -> str:
        """One URL in a text, if it is one of those."""
        spans = [
            (span, stars)
            for (name, value), span in zip(_secrets(uri), _spans(uri), strict=True)
            if (stars := self._stars.get((name, value))) and uri not in self._known
        ]
        return _replaced(uri, spans)


def _secrets(uri: str) -> Iterator[tuple[str, str]]:
    """Name and value of each secret in a URL, by name: `@` for user and password, `#` for the fragment, "" for a member
    of the query without a name. What is starred already is none."""
    for name, start, end in _members(uri):
        yield name, uri[start:end]


def _spans(uri: str) -> Iterator[tuple[int, int]]:
    for _, start, end in _members(uri):
        yield start, end


def _members(uri: str) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of each secret of a URL, in order."""
    user, path, query, fragment = parts(uri)
    found = [("@", *user)]
    found += [("", *span) for span in _in_path(uri, path)]
    for piece in re.compile(r"[^&;]+").finditer(uri, *query):
        name, equals, value = piece[0].partition("=")
        plain_name, plain_value = unquote(name).lower(), unquote(value)
        if plain_name in HARMLESS and PLAIN_VALUE.fullmatch(plain_value):
            continue
        named = NAME.fullmatch(name) and value.strip("=")
        found.append((name, piece.start() + len(name + equals), piece.end()) if named else ("", *piece.span()))
    found.append(("#", *fragment))
    for name, start, end in found:
        if start < end and not re.fullmatch(r"\*\*\*\d*", uri[start:end]):
            yield name, start, end
