"""`format`, as .NET's String.Format writes texts and numbers in the invariant culture."""

import re
from typing import Any

from generator.template.arm.bounds import ExpressionError, fits
from generator.template.arm.functions.signature import Table, define
from generator.template.arm.values import kind, text

FORMATS: Table = {}
PIECE = re.compile(r"\{\{|\}\}|\{(\d{1,6})(?:,\s*(-?\d{1,6}))?(?::([^{}]*))?\}|[{}]|[^{}]+", re.ASCII)
STANDARD = re.compile(r"([CDEFGNPXRcdefgnpxr])(\d{0,2})\Z", re.ASCII)


@define(FORMATS, "format(format: string, ...values: any)")
def format_(pattern: str, *values: Any) -> str:
    """The values put in for `{0}`, `{1}`, … with `{0,10}` for a width and `{0:N2}` for the form of a number."""
    pieces: list[str] = []
    size = 0
    for found in PIECE.finditer(pattern):
        pieces.append(_piece(found, values))
        size += len(pieces[-1])
        fits(size)
    return "".join(pieces)


def _piece(found: re.Match[str], values: tuple[Any, ...]) -> str:
    if found[0] in ("{{", "}}"):
        return found[0][0]
    if found[1] is None:
        if found[0] in "{}":
            raise ExpressionError("a curly bracket of `format` stands alone", "write it twice, or `{0}` for a value")
        return found[0]
    index, width = int(found[1]), int(found[2] or 0)
    if index >= len(values):
        raise ExpressionError(f"`format` has `{{{index}}}` but only {len(values)} values")
    fits(abs(width))
    written = _formed(values[index], found[3])
    return written.rjust(width) if width > 0 else written.ljust(-width)


def _formed(value: Any, form: str | None) -> str:
    if not form or kind(value) not in ("int", "float"):
        return text(value)
    standard = STANDARD.match(form)
    return _standard(value, standard[1], standard[2]) if standard else _custom(value, form)


def _standard(value: Any, letter: str, digits: str) -> str:
    """A standard numeric format. Source: .NET docs, «Standard numeric format strings»."""
    count = int(digits or 2)
    forms = {
        "N": f",.{count}f", "F": f".{count}f", "C": f",.{count}f", "P": f",.{count}f",
        "E": f".{int(digits or 6)}{letter}",
    }  # fmt: skip
    kept = letter.upper()
    if kept in forms:
        written = format(value * 100 if kept == "P" else value, forms[kept])
        if kept == "E":  # .NET writes the exponent with three digits
            mantissa, sign, exponent = re.split(r"([+-])(?=\d+\Z)", written)
            return f"{mantissa}{sign}{exponent:0>3}"
        return {"C": "¤" + written, "P": written + " %"}.get(kept, written)
    if kept in "GR":
        return text(value)
    if not isinstance(value, int):
        raise ExpressionError(f"the form `{letter}` of `format` is for integers")
    if kept == "D":
        return f"{'-' if value < 0 else ''}{abs(value):0>{int(digits or 0)}d}"
    return f"{value & (2**32 - 1 if -(2**31) <= value < 0 else 2**64 - 1):0>{int(digits or 0)}{letter}}"


def _custom(value: Any, form: str) -> str:
    """A custom form made of `0`, `#`, a point and commas. Source: .NET docs, «Custom numeric format strings»."""
    if not re.fullmatch(r"[0#,]{1,40}(\.0*#*)?", form, re.ASCII) or len(form) > 60:
        raise ExpressionError("`format` does not know this form of a number", "use such as N0, D4, F2, X or 0.00")
    whole, _, fraction = form.partition(".")
    grouped = "," if "," in whole else ""
    written = format(abs(value), f"{grouped}.{len(fraction)}f")
    head, _, tail = written.partition(".")
    optional = len(fraction) - len(fraction.rstrip("#"))
    kept = tail[: len(tail) - optional] + tail[len(tail) - optional :].rstrip("0")
    head = head.rjust(whole.count("0"), "0") if head != "0" or "0" in whole else ""
    return ("-" if value < 0 else "") + head + (f".{kept}" if kept else "")
