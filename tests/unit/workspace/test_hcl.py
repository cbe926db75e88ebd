"""Strings come back from HCL as they went in."""

import hcl2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.workspace.hcl import Hcl, finalize, quote

UGLY = [
    "", "plain", 'a "quote"', "back\\slash", "line\nbreak\r\n", "tab\t", "${var.x}", "%{if true}", "$${x}", "$$", "%",
    "`backtick`", "emoji 🎉", "\u2028", "\x00\x07\x7f\x9b", "\\${", '"${"', "é́",
]  # fmt: skip


@pytest.mark.parametrize("text", UGLY)
def test_ugly_strings_are_one_line_of_printable_hcl(text: str) -> None:
    """No raw control character, no template start that is not doubled."""
    quoted = quote(text)
    assert quoted.isprintable()
    inner = quoted[1:-1].replace("$${", "").replace("%%{", "")
    assert "${" not in inner
    assert "%{" not in inner


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_string_parses_as_one_attribute(text: str) -> None:
    """The HCL reader finds exactly the one attribute, whatever the text."""
    parsed = hcl2.loads(f"value = {quote(text)}\n")
    assert [key for key in parsed if not key.startswith("__")] == ["value"]


def test_a_lone_surrogate_is_refused() -> None:
    """It is no character."""
    with pytest.raises(ValueError, match="surrogate"):
        quote("\ud800")


def test_a_template_cannot_print_a_plain_string() -> None:
    """A forgotten quote is an error."""
    assert finalize(Hcl("true")) == "true"
    assert finalize(3) == "3"
    with pytest.raises(TypeError, match="unquoted"):
        finalize("user text")
