"""JSON as Newtonsoft's reader takes it, which Azure Resource Manager uses: with comments, commas before a bracket,
texts in single quotes and keys without quotes."""

from typing import Any

from generator.template.load import Reader
from generator.template.tokens import Token


def loads_leniently(text: str) -> Any:
    """The value of a JSON text in Newtonsoft's form. Raises ValueError."""
    reader = _LenientReader(text, "")
    value, _ = reader.document()
    if reader.problems:
        raise ValueError(reader.problems[0].message)
    return value


class _LenientReader(Reader):
    """One reading of a text that may be in Newtonsoft's form."""

    def key(self) -> str:
        """The key of a member and the colon after it."""
        if self.now.kind == "word" or _is_quoted(self.now):
            self.now = self.now._replace(kind="string", text=_in_double_quotes(self.now))
        return super().key()

    def scalar(self, token: Token) -> Any:
        """A value that is no object and no array."""
        if _is_quoted(token):
            self.now = token = token._replace(kind="string", text=_in_double_quotes(token))
        return super().scalar(token)


def _is_quoted(token: Token) -> bool:
    """Whether a token is a whole text in single quotes."""
    return token.kind == "quoted" and len(token.text) > 1 and token.text.endswith("'")


def _in_double_quotes(token: Token) -> str:
    """A word, or a text in single quotes, as a text of JSON."""
    inner = token.text[1:-1] if token.kind == "quoted" else token.text
    return '"' + inner.replace('"', r"\"") + '"'
