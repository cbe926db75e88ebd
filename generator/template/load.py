"""Bytes → Document. An own reader, since a person gets every mistake at its place, in words, and in one go.

tree-sitter-json was tried: it accepts `\\u12`, raw control characters and two documents in a row, and puts a missing
comma at the start of the line before it.
"""

from collections.abc import Iterator
from typing import Any, NoReturn

from generator.errors import InvalidTemplate, Problem
from generator.template.document import Document, Lines, Path, Place, duplicate, in_order, written
from generator.template.tokens import CONTROL, WORDS, Bare, Token, decode, number, tokens

MAX_BYTES = 20 * 1024 * 1024
MAX_DEPTH = 200
MAX_VALUES = 500_000
MAX_PROBLEMS = 50
TEMPLATE_BEGINS = "a template begins with `{`; a Bicep file becomes JSON by `bicep build`"
CLOSING = {"{": "}", "[": "]"}


def load(raw: bytes, file: str) -> Document:
    """Read a JSON text (UTF-8, with or without a byte-order mark) into a Document.

    Comments, trailing commas and raw control characters go to `Document.relaxed`: whether they pass is for the API
    version to say, which is known only afterwards; so do duplicate keys to `Document.duplicates`. Raises
    InvalidTemplate with every syntax error.
    """
    if len(raw) > MAX_BYTES:
        raise _refused(file, "", 0, f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    text = _decode(raw, file)
    reader = Reader(text, file)
    value, place = reader.document()
    if reader.problems:
        raise InvalidTemplate(in_order([*reader.problems, *reader.duplicates]))
    return Document(file, text, value, place, reader.lines, reader.relaxed, reader.duplicates)


def _decode(raw: bytes, file: str) -> str:
    """The text of the file; a byte-order mark counts as nothing."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(file, "", 0, "the file is UTF-16", "save it as UTF-8")
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        byte = error.object[error.start]
        raise _refused(
            file, before, len(before), f"the byte 0x{byte:02x} is not UTF-8", "save the file as UTF-8"
        ) from None


def _refused(file: str, text: str, offset: int, message: str, hint: str | None = None) -> InvalidTemplate:
    return InvalidTemplate([Problem(file, *Lines(text).position(offset), "", message, hint)])


class _TooMuchError(Exception):
    """Reading ends here: the rest would only repeat what was said, or cost too much."""


class Reader:
    """One reading of a text: descends through it, one token ahead, and goes on after a mistake."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines = Lines(text)
        self.problems: list[Problem] = []
        self.relaxed: list[Problem] = []
        self.duplicates: list[Problem] = []
        self.path: list[str | int] = []
        self.values = 0
        self.broken = 0  # the last line with a syntax error
        self._tokens = self._without_comments(tokens(text))
        self.now: Token = next(self._tokens)
        self.before = Token("start", "", 0, 0)

    def document(self) -> tuple[Any, Place]:
        """The whole text: one value and nothing after it."""
        value, place = None, Place(0, 0, 0)
        try:
            if self.now.kind == "end":
                self.wrong(self.now, "the file is empty")
                return value, place
            if self.now.kind in ("word", "other", "placeholder") and not _is_value(self.now):
                self.stop(self.now, f"this is not JSON: it begins with {_named(self.now)}", TEMPLATE_BEGINS)
            value, place = self.value(0)
            if self.now.kind != "end":
                self.wrong(self.now, "the document ends before this", "take away what follows, or a bracket too many")
        except _TooMuchError:
            pass
        return value, place

    def value(self, depth: int, key: int | None = None) -> tuple[Any, Place]:
        """The value that begins here. `key` is the offset of its key."""
        token = self.now
        key = token.start if key is None else key
        self.values += 1
        if self.values > MAX_VALUES:
            self.stop(token, f"the file has more than {MAX_VALUES:,} values")
        if token.kind == "mark" and token.text in "{[":
            if depth >= MAX_DEPTH:
                self.stop(token, f"more than {MAX_DEPTH} levels stand inside each other")
            self.step()
            read = self.object if token.text == "{" else self.array
            value, inside = read(token, depth + 1)
            return value, Place(token.start, self.before.end, key, inside)
        return self.scalar(token), Place(token.start, token.end, key)

    def object(self, opening: Token, depth: int) -> tuple[Any, dict[str, Place]]:
        """The members of an object, after its `{`."""
        value: dict[str, Any] = {}
        inside: dict[str, Place] = {}
        while not self.closed(opening):
            token = self.now
            key = self.key()
            self.path.append(key)
            if key in inside and len(self.duplicates) < MAX_PROBLEMS:
                first = inside[key].key
                self.duplicates.append(duplicate(self.file, self.lines, self.path, token.start, first))
            value[key], inside[key] = self.value(depth, token.start)
            self.path.pop()
            self.comma(opening)
        return value, inside

    def array(self, opening: Token, depth: int) -> tuple[Any, list[Place]]:
        """The items of an array, after its `[`."""
        value: list[Any] = []
        inside: list[Place] = []
        while not self.closed(opening):
            self.path.append(len(value))
            item, place = self.value(depth)
            self.path.pop()
            value.append(item)
            inside.append(place)
            self.comma(opening)
        return value, inside

    def key(self) -> str:
        """The key of a member and the colon after it."""
        token = self.step()
        if token.kind == "string":
            key = self.string(token)
        elif token.kind in ("word", "quoted", "placeholder"):
            key = token.text.strip("'")
            self.wrong(token, f"the key {key[:80]} must stand in double quotes", f'write "{key[:80]}"')
        else:
            self.stop(token, f"a key in double quotes was expected, not {_named(token)}")
        if self.now.text == ":" and self.now.kind == "mark":
            self.step()
        else:
            self.wrong(self.before, f"a colon is missing after the key `{key[:80]}`", past=True)
        return key

    def scalar(self, token: Token) -> Any:
        """A value that is no object and no array."""
        if token.kind in ("mark", "end"):
            if token.text == ":":
                self.stop(token, "`:` does not belong here")
            self.wrong(self.before, "a value is missing here", past=True)
            return None
        self.step()
        if token.kind == "string":
            return self.string(token)
        if token.kind == "placeholder":
            return Bare(token.text)
        if token.text in WORDS:
            return WORDS[token.text]
        if token.kind == "word" and (token.text[0].isdigit() or token.text[0] in "+-."):
            value, wrong = number(token.text)
            if wrong:
                self.wrong(token, *wrong)
            return value
        self.wrong(token, *_no_value(token))
        return None

    def string(self, token: Token) -> str:
        """The value of a string token; what is wrong inside it is noted."""
        value, wrong = decode(token)
        if wrong:
            self.wrong(token, *wrong)
        if CONTROL.search(token.text):
            self.allowed(
                token, "a raw control character stands in a string", "write a tab as `\\t`, others as `\\u00XX`"
            )
        return value

    def closed(self, opening: Token) -> bool:
        """Whether the object or array ends here; if so its closing bracket is read."""
        wanted = CLOSING[opening.text]
        token = self.now
        if token.kind == "end":
            line = self.lines.position(opening.start)[0]
            self.stop(token, f"the file ends before the `{wanted}` for the `{opening.text}` of line {line}")
        if token.kind != "mark" or token.text not in "]}":
            return False
        if token.text != wanted:
            line = self.lines.position(opening.start)[0]
            self.stop(token, f"`{wanted}` was expected for the `{opening.text}` of line {line}, not `{token.text}`")
        self.step()
        return True

    def comma(self, opening: Token) -> None:
        """What stands between two members: one comma, or the end."""
        if self.now.text == "," and self.now.kind == "mark":
            comma = self.step()
            if self.now.kind == "mark" and self.now.text == CLOSING[opening.text]:
                self.allowed(comma, f"a comma stands before `{self.now.text}`", "take the comma away")
            while self.now.kind == "mark" and self.now.text == ",":
                self.wrong(self.step(), "a comma too many")
        elif self.now.kind != "end" and not (self.now.kind == "mark" and self.now.text in "]}"):
            if self.now.kind == "mark" and self.now.text == ":":
                self.stop(self.now, "`:` does not belong here")
            self.wrong(self.before, "a comma is missing after this", past=True)

    def step(self) -> Token:
        """The token that stands here; go on to the next."""
        self.before, self.now = self.now, next(self._tokens)
        return self.before

    def wrong(self, token: Token, message: str, hint: str | None = None, *, past: bool = False) -> None:
        """Note a syntax error at a token, or just past its end; what follows in the same line mostly stems from it."""
        offset = token.end if past else token.start
        line = self.lines.position(offset)[0]
        if line != self.broken:
            self.broken = line
            self.note(offset, message, hint)

    def note(self, offset: int, message: str, hint: str | None) -> None:
        """Note what is wrong at an offset."""
        self.problems.append(self._problem(offset, message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _TooMuchError

    def allowed(self, token: Token, message: str, hint: str) -> None:
        """Note what some API versions let pass."""
        if len(self.relaxed) < MAX_PROBLEMS:
            self.relaxed.append(self._problem(token.start, message, hint))

    def stop(self, token: Token, message: str, hint: str | None = None) -> NoReturn:
        """Note a syntax error after which nothing sensible can be read."""
        self.wrong(token, message, hint)
        raise _TooMuchError

    def _problem(self, offset: int, message: str, hint: str | None) -> Problem:
        return Problem(self.file, *self.lines.position(offset), written(self.path), message, hint)

    def _without_comments(self, stream: Iterator[Token]) -> Iterator[Token]:
        for token in stream:
            if token.kind != "comment":
                yield token
            elif token.text.startswith("/*") and not token.text.endswith("*/"):
                self.wrong(token, "the comment has no end")
            else:
                self.allowed(token, "JSON has no comments", "take the comment away")


def _named(token: Token) -> str:
    """A token in a message."""
    if token.kind == "end":
        return "the end of the file"
    if token.kind == "other" and not token.text.isprintable():
        return f"the character U+{ord(token.text):04X}"
    return f"`{token.text[:40]}`"


def _is_value(token: Token) -> bool:
    """Whether a word may be meant as a value: a number, or true, false and null."""
    return token.text.lower() in WORDS or token.text[0].isdigit() or token.text[0] in "+-."


def _no_value(token: Token) -> tuple[str, str | None]:
    """What to say of a word that is no JSON value, and what to do."""
    if token.kind == "quoted":
        return "text must stand in double quotes, not single ones", None
    likely = {"none": "null", "nil": "null", "undefined": "null", "yes": "true", "no": "false"}
    word = likely.get(token.text.lower(), token.text.lower())
    hint = f"write {word}" if word in WORDS else "text must stand in double quotes"
    return f"{_named(token)} is not a JSON value", hint


__all__ = ["Document", "Path", "load"]
