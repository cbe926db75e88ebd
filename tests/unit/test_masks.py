"""Marked secrets, where a machine or Azure shows only pieces of a line."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import console, masks
from generator.azure.runcommands import WINDOW, Ran, Tail
from generator.masks import PIECE, Folded

SECRET = "hunter2-correct-horse"


@pytest.fixture(autouse=True)
def _masking() -> Iterator[None]:
    masks.mask([SECRET])
    yield
    masks.mask([])


def _pieces(line: str) -> list[str]:
    """As fold(1) cuts it."""
    return [line[start : start + PIECE] for start in range(0, len(line), PIECE)] or [""]


@given(st.integers(PIECE - 40, PIECE + 40), st.integers(0, 2 * PIECE))
def test_a_secret_in_two_pieces_of_a_line_is_masked(before: int, after: int) -> None:
    """Wherever it is cut; and nothing else is lost."""
    line = "x" * before + SECRET + "y" * after
    folded = Folded()
    shown = [text for piece in _pieces(line) for text in folded.shown(piece)] + folded.rest()
    assert "".join(map(masks.masked, shown)) == masks.masked(line)
    assert all(part not in masks.masked(text) for text in shown for part in (SECRET[:8], SECRET[-8:]))


def test_short_lines_pass_as_they_are() -> None:
    """At once, each by itself."""
    folded = Folded()
    assert [folded.shown(line) for line in ("a", "", "b")] == [["a"], [""], ["b"]]
    assert folded.rest() == []


def test_without_secrets_pieces_pass_as_they_are() -> None:
    """Long lines are told as they come."""
    masks.mask([])
    folded = Folded()
    assert folded.shown("x" * PIECE) == ["x" * PIECE]


@pytest.mark.parametrize("cut", range(1, len(SECRET)))
def test_the_window_of_azure_shows_no_part_of_a_line(cut: int) -> None:
    """It has the end of what was printed, from anywhere on."""
    window = SECRET[cut:] + "\n" + "line\n" * (WINDOW // 5)
    assert Tail().news(window) == ["…", *["line"] * (WINDOW // 5)]
    assert SECRET[cut:] not in Ran(1, SECRET[cut:] + "z" * WINDOW, "").last_line
    tail = Tail()
    assert tail.news("first\n" + SECRET[:cut]) == ["first"]
    assert SECRET[:cut] not in "".join(tail.news(window, final=True))


@pytest.mark.parametrize("secret", ["hunter2/correct horse", "it's hunter2", 'say "hunter2"\\n', "  hunter2-key  \nab"])
def test_usual_spellings_are_masked(secret: str) -> None:
    """As programs print what they were given."""
    masks.mask([secret])
    basic = [base64.b64encode(f"{user}:{secret}".encode()).decode() for user in ("", "u", "bob", "anna")]
    spelt = [json.dumps(secret), repr(secret), quote(secret), quote(secret, safe=""), secret.strip(), *basic]
    assert not [text for text in spelt if "hunter2" in masks.masked(text)]
    assert all("***" in masks.masked(text) for text in spelt)


def test_a_text_in_a_secret_that_is_json_is_masked() -> None:
    """As a service account's key is."""
    masks.mask(['{"user": "me", "key": ["hunter2-correct"], "n": 1}'])
    assert masks.masked("the key hunter2-correct") == "the key ***"


def test_what_is_told_to_programs_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is masked; and colours in a secret hide it from nobody."""
    masks.mask(["even", "1234", "hunter2-correct"])
    console.put_json({"event": "x", "time": 12345, "line": "\x1b[31mhunter2\x1b[m-correct \x1b[1mbold"})
    said = json.loads(capsys.readouterr().out)
    assert said == {"event": "x", "time": 12345, "line": "*** bold"}
