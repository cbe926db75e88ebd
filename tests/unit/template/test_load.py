"""Reading JSON text: positions, and every mistake at its place."""

import json
from typing import Any

import pytest

from generator.errors import InvalidTemplate
from generator.template.document import Document
from generator.template.load import MAX_BYTES, load


def told(text: str | bytes) -> list[tuple[int, int, str]]:
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(InvalidTemplate) as caught:
        load(raw, "t.json")
    return [(problem.line, problem.column, problem.message) for problem in caught.value.problems]


def one(text: str | bytes) -> tuple[int, int, str]:
    (only,) = told(text)
    return only


def place(document: Document, *path: str | int, at_key: bool = False) -> tuple[int, int]:
    problem = document.problem(path, "", at_key=at_key)
    return problem.line, problem.column


def test_value_is_the_same_as_json_gives() -> None:
    value: dict[str, Any] = {"a": [1, -2.5, 1e3, True, False, None, 'é\n\\"/\b😀', {}], "": {"x": []}}
    for text in (json.dumps(value), json.dumps(value, indent=2), json.dumps(value, ensure_ascii=False)):
        assert load(text.encode(), "t").value == value


def test_positions_of_keys_and_values() -> None:
    document = load('{\n  "é": {"b": [10,\n   20]}\n}'.encode(), "t")
    assert place(document, "é") == (2, 8)
    assert place(document, "é", at_key=True) == (2, 3)
    assert place(document, "é", "b", 1) == (3, 4)


def test_missing_things_are_placed_at_what_is_around_them() -> None:
    assert place(load(b'{"a": {"b": 1}}', "t"), "a", "missing", 3) == (1, 7)


def test_byte_order_mark_is_nothing() -> None:
    assert place(load(b'\xef\xbb\xbf{"a": 1}', "t"), "a") == (1, 7)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ('{"a": 1\n "b": 2}', 1, 8, "a comma is missing after this"),
        ('{"a" 1}', 1, 5, "a colon is missing after the key `a`"),
        ("{'a': 1}", 1, 2, "the key a must stand in double quotes"),
        ("{a: 1}", 1, 2, "the key a must stand in double quotes"),
        ("{\"a\": 'b'}", 1, 7, "text must stand in double quotes, not single ones"),
        ('{\n"a": [1', 2, 8, "the file ends before the `]` for the `[` of line 2"),
        ('{"a": [1,2}', 1, 11, "`]` was expected for the `[` of line 1, not `}`"),
        ('{"a": "x\n', 1, 7, "the string has no closing quote on its line"),
        ('{"a": True}', 1, 7, "`True` is not a JSON value"),
        ('{"a": 01}', 1, 7, "`01` is not a number as JSON writes them"),
        ('{"a": 1e999}', 1, 7, "the number is too large"),
        ('{"a": }', 1, 6, "a value is missing here"),
        ('{"a": 1,, "b": 2}', 1, 9, "a comma too many"),
        ('{"a": 1}}', 1, 9, "the document ends before this"),
        (r'{"a": "\q"}', 1, 7, r"`\q` is not an escape that JSON knows"),
        (r'{"a": "\ud800"}', 1, 7, r"half a surrogate pair: `\ud800` to `\udfff` come in twos"),
        ("", 1, 1, "the file is empty"),
        ("/* never ends", 1, 1, "the comment has no end"),
    ],
)
def test_syntax_error_is_named_at_its_place(text: str, line: int, column: int, message: str) -> None:
    assert told(text)[0] == (line, column, message)


def test_every_syntax_error_is_told_at_once() -> None:
    lines = [line for line, _, _ in told('{\n"a": 1\n"b": True,\n"c" 3,\n"a": 4\n}')]
    assert lines == [2, 3, 4, 5]


def test_a_duplicate_key_names_the_first_and_the_last_counts() -> None:
    document = load(b'{"a": 1,\n "a": 2, "b": {"c": 1, "c": 2,\n"c": 3}}', "t")
    assert document.value == {"a": 2, "b": {"c": 3}}
    assert [(one.line, one.column, one.path, one.level) for one in document.duplicates] == [
        (2, 2, "a", "warning"), (2, 24, "b.c", "warning"), (3, 1, "b.c", "warning"),
    ]  # fmt: skip
    assert document.duplicates[0].message == "`a` is duplicated in this object"
    assert document.duplicates[0].hint == "the last one counts; the first is in line 1, column 2: keep one"
    assert document.problem(("b", "c"), "").line == 3


def test_what_strict_json_forbids_is_kept_apart() -> None:
    document = load(b'{ // why\n "a": [1,], "b": "tab\there" }', "t")
    assert document.value == {"a": [1], "b": "tab\there"}
    assert [(one.line, one.message) for one in document.relaxed] == [
        (1, "JSON has no comments"),
        (2, "a comma stands before `]`"),
        (2, "a raw control character stands in a string"),
    ]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\xff\xfe{\x00}\x00", "the file is UTF-16"),
        (b'{"a":\n "\xe9"}', "the byte 0xe9 is not UTF-8"),
        (b"[" * 1_000_000, "more than 200 levels stand inside each other"),
        (b'{"a":' * 100_000, "more than 200 levels stand inside each other"),
        (b" " * (MAX_BYTES + 1), "the file is larger than 20 MiB"),
        (b"[" + b"9" * 10_000 + b"]", "the number has more than 40 characters"),
    ],
)
def test_hostile_bytes_are_refused_in_words(raw: bytes, message: str) -> None:
    assert told(raw)[0][2] == message
