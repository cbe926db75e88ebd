"""Quoting for HCL, the one way by which a string gets into a .tf file.

`json.dumps` is no HCL quoter: its `\\b`, `\\f` and surrogate pairs are syntax errors there, and `${` and `%{` start a
template (HashiCorp, HCL native syntax specification, "Quoted templates").
"""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Hcl(str):
    """Text that is HCL already: a quoted string, a name of ours, a literal."""

    __slots__ = ()


def quote(text: str) -> Hcl:
    """A string as an HCL quoted literal that evaluates to exactly this string.

    Raises ValueError for a lone surrogate, which is no character and cannot be written.
    """
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise ValueError("a lone surrogate cannot be written")
    out = "".join(_escape(character) for character in text)
    # Not `$${`: python-hcl2 8.1 reads that only where the brace is closed. An escape starts no template either.
    return Hcl('"' + out.replace("${", "\\u0024{").replace("%{", "\\u0025{") + '"')


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    # Controls, and the separators that some readers take for line ends, are written by number.
    if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 or character in "\u2028\u2029":
        return f"\\u{ord(character):04x}"
    return character


def finalize(value: object) -> str:
    """What a template may print: HCL and numbers. A forgotten quote is an error, not an injection."""
    if isinstance(value, Hcl) or type(value) is int:
        return str(value)
    raise TypeError(f"unquoted value in a template: {value!r}")
