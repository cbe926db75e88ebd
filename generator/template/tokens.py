"""The words of a JSON text. Made for good messages: nothing is refused here, each piece of text gets a kind."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

# Every repeat is possessive and every token may lack its end, so that no text makes the search go back:
# reading stays linear. White space is exactly JSON's (RFC 8259, section 2).
TOKEN = re.compile(
    r"""
    [ \t\r\n]*+ (?:
      (?P<string>"(?:[^"\\\n]|\\[^\n])*+"?)
    | (?P<mark>[{}\[\]:,])
    | (?P<comment>//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)
    | (?P<placeholder><[A-Za-z][\w\ .-]{0,80}>)
    | (?P<quoted>'[^'\n]*+'?)
    | (?P<word>[\w.+$-]++)
    | (?P<other>.)
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z", re.ASCII)
WORDS = {"true": True, "false": False, "null": None}
LONGEST_NUMBER = 40
SURROGATE = re.compile("[\ud800-\udfff]")
DECODER = json.JSONDecoder(strict=False)  # control characters are judged elsewhere
CONTROL = re.compile("[\x00-\x1f]")


class Bare(str):
    """A placeholder that stands where a value does, without quotes: `"updateLimit": <n>`."""

    __slots__ = ()


class Token(NamedTuple):
    """A word of the text: its kind (`end` at the end), its text and its offsets."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text, then `end` for ever."""
    for found in TOKEN.finditer(text):
        kind = found.lastgroup or "other"
        yield Token(kind, found[kind], found.start(kind), found.end())
    while True:
        yield Token("end", "", len(text), len(text))


class Mistake(NamedTuple):
    """What is wrong with a token, and what to do."""

    message: str
    hint: str | None = None


def decode(token: Token) -> tuple[str, Mistake | None]:
    """The value of a string token, and what is wrong with it (None: nothing)."""
    text = token.text
    if len(text) < 2 or not text.endswith('"') or _open(text):
        return text[1:], Mistake(
            "the string has no closing quote on its line", r"write a line break as `\n`, a quote as `\"`"
        )
    if "\\" not in text:
        return text[1:-1], None
    try:
        value = str(DECODER.decode(text))
    except json.JSONDecodeError as error:
        escape = text[error.pos : error.pos + 2]
        return text[1:-1], Mistake(f"`{escape}` is not an escape that JSON knows", r"write a backslash as `\\`")
    if SURROGATE.search(value):
        return value, Mistake(r"half a surrogate pair: `\ud800` to `\udfff` come in twos", "write the character itself")
    return value, None


def _open(text: str) -> bool:
    """Whether the last quote is escaped, so that it does not close the string."""
    body = text[1:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


def number(text: str) -> tuple[int | float, Mistake | None]:
    """The value of a number, and what is wrong with it (None: nothing)."""
    if not NUMBER.match(text):
        return 0, Mistake(f"`{text[:LONGEST_NUMBER]}` is not a number as JSON writes them")
    if len(text) > LONGEST_NUMBER:
        return 0, Mistake(f"the number has more than {LONGEST_NUMBER} characters")
    value = float(text) if set(text) & set(".eE") else int(text)
    return (0, Mistake("the number is too large")) if value in (float("inf"), float("-inf")) else (value, None)
