"""The text of an expression → its tree. The grammar: docs, «Syntax and expressions in ARM templates»."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from generator.template.arm.bounds import MAX_EXPRESSION, MAX_NESTING, ExpressionError

# Possessive repeats keep the search linear.
WORD = re.compile(
    r"""
    \s*+ (?:
      (?P<text>'(?:[^']|'')*+')
    | (?P<open>'.*+)
    | (?P<number>-?[0-9]++(?:\.[0-9]++)?+)
    | (?P<name>[A-Za-z_$][\w$]*+)
    | (?P<mark>[().,\[\]])
    | (?P<end>\Z)
    | (?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
INT64 = range(-(2**63), 2**63)


class Word(NamedTuple):
    """A word of an expression, with its offsets in the whole string."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Literal:
    """A text or a number."""

    value: str | int
    start: int


@dataclass(frozen=True)
class Call:
    """A function call; `space` is the namespace of a user-defined function. It stands in `text[start:end]`."""

    space: str
    name: str
    arguments: "tuple[Node, ...]"
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Step:
    """One `.name` or `[index]`."""

    key: "Node"
    start: int
    end: int


@dataclass(frozen=True)
class Access:
    """A value and what is taken out of it, in one piece: a long chain is no deep tree."""

    base: "Node"
    steps: tuple[Step, ...]
    text: str
    start: int
    end: int


Node = Literal | Call | Access


def is_expression(text: str) -> bool:
    """Whether Azure Resource Manager evaluates this string: `[…]`, but not `[[…]`."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def unescaped(text: str) -> str:
    """A string that is no expression, as it is meant: `[[…]` stands for `[…]`."""
    return text[1:] if text.startswith("[[") and text.endswith("]") else text


def parse(text: str) -> Node:
    """The tree of an expression with its brackets. Raises ExpressionError with the offset in `text`."""
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(f"the expression has more than {MAX_EXPRESSION:,} characters", offset=0)
    return _Parser(text[:-1], 1).whole()


def normal(text: str) -> str:
    """An expression without its brackets and without white space. Raises ExpressionError when it is none."""
    return "".join(word.text for word in _words(text, 0))


def _words(text: str, start: int) -> Iterator[Word]:
    for found in WORD.finditer(text, start):
        kind = found.lastgroup or "other"
        word = Word(kind, found[kind], found.start(kind), found.end())
        if kind == "other":
            raise ExpressionError(f"`{word.text}` does not belong in an expression", _likely(word.text), word.start)
        if kind == "open":
            raise ExpressionError("the text has no closing quote", "write a quote inside a text as ''", word.start)
        yield word
        if kind == "end":
            return


def _likely(char: str) -> str | None:
    if char == '"':
        return "texts stand in single quotes"
    if char in "+*/<>=!&|?:":
        return "there are no operators; write add(…), equals(…), if(…), tryGet(…)"
    return "write `[[` at the start when this is text and no expression"


class _Parser:
    """Descends through the words, one ahead."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.words = list(_words(text, start))
        self.at = 0
        self.depth = 0

    @property
    def now(self) -> Word:
        return self.words[self.at]

    def whole(self) -> Node:
        """One expression and nothing after it."""
        node = self.expression()
        if self.now.kind != "end":
            self.wrong("the expression ends before this")
        return node

    def expression(self) -> Node:
        """A value and what is taken out of it."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.wrong(f"more than {MAX_NESTING} calls stand inside each other")
        base = self.primary()
        steps: list[Step] = []
        while self.now.text in (".", "[") and self.now.kind == "mark":
            start = self.now.start
            key = self.step()
            steps.append(Step(key, start, self.words[self.at - 1].end))
        self.depth -= 1
        return Access(base, tuple(steps), self.text, base.start, steps[-1].end) if steps else base

    def primary(self) -> Node:
        """A text, a number or a call."""
        first = self.at
        word = self.take()
        if word.kind == "text":
            return Literal(word.text[1:-1].replace("''", "'"), word.start)
        if word.kind == "number":
            return Literal(_whole(word), word.start)
        if word.kind != "name":
            self.at = first
            self.wrong("a value is missing here" if word.kind == "end" else f"`{word.text}` does not belong here")
        space, name = "", word.text
        if self.now.text == "." and self.words[self.at + 1].kind == "name":
            self.take()
            space, name = name, self.take().text
        if self.now.text != "(":
            self.at = first
            self.wrong(f"`{name}` is no value by itself", _bare(name))
        arguments = self.arguments()
        return Call(space, name, arguments, self.text, word.start, self.words[self.at - 1].end)

    def arguments(self) -> tuple[Node, ...]:
        """What stands between the round brackets."""
        self.take()
        arguments: list[Node] = []
        while self.now.text != ")" or self.now.kind != "mark":
            if arguments:
                self.expect(",", "a comma or `)` is missing here")
            arguments.append(self.expression())
        self.take()
        return tuple(arguments)

    def step(self) -> Node:
        """The key of a `.name` or `[index]`."""
        if self.take().text == ".":
            if self.now.kind != "name":
                self.wrong("a property name is missing after the dot")
            word = self.take()
            return Literal(word.text, word.start)
        key = self.expression()
        self.expect("]", "`]` is missing here")
        return key

    def expect(self, mark: str, message: str) -> None:
        if self.now.kind != "mark" or self.now.text != mark:
            self.wrong(message)
        self.take()

    def take(self) -> Word:
        word = self.now
        if word.kind != "end":
            self.at += 1
        return word

    def wrong(self, message: str, hint: str | None = None) -> NoReturn:
        raise ExpressionError(message, hint, self.now.start)


def _whole(word: Word) -> int:
    if "." in word.text:
        raise ExpressionError("expressions have whole numbers only", "write json('1.5')", word.start)
    if len(word.text) > 20 or int(word.text) not in INT64:
        raise ExpressionError("the number is too large", None, word.start)
    return int(word.text)


def _bare(name: str) -> str:
    if name.lower() in ("true", "false", "null"):
        return f"write {name.lower()}()"
    return f"write {name}(…) for a function, '{name}' for a text; `[[` at the start when all of this is text"
