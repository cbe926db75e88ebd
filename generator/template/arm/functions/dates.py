"""Functions of dates, in UTC and the invariant culture. Source: docs, «Date functions for ARM templates»."""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from generator.template.arm.bounds import ExpressionError
from generator.template.arm.functions.signature import Table, define

DATES: Table = {}
DURATION = re.compile(
    r"(?P<sign>-)?P(?=.)(?:(?P<years>\d{1,5})Y)?(?:(?P<months>\d{1,6})M)?(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,7})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,12})(?:\.(?P<fraction>\d{1,6})\d*)?S)?)?\Z",
    re.ASCII,
)
COMPACT = "yyyyMMddTHHmmssZ"
ISO = "yyyy-MM-ddTHH:mm:ssZ"
# The standard forms of .NET in the invariant culture.
STANDARD = {
    "d": "MM/dd/yyyy", "D": "dddd, dd MMMM yyyy", "f": "dddd, dd MMMM yyyy HH:mm", "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm", "G": "MM/dd/yyyy HH:mm:ss", "m": "MMMM dd", "M": "MMMM dd",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffK", "O": "yyyy-MM-ddTHH:mm:ss.fffffffK", "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "s": "yyyy-MM-ddTHH:mm:ss", "t": "HH:mm", "T": "HH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ss'Z'", "U": "dddd, dd MMMM yyyy HH:mm:ss", "y": "yyyy MMMM", "Y": "yyyy MMMM",
}  # fmt: skip
CUSTOM = re.compile(r"y+|M+|d+|H+|h+|m+|s+|f+|F+|t+|z+|K|g+|\\.|'[^']*'|\"[^\"]*\"|%|.", re.DOTALL)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
HERE: dict[str, Callable[[datetime], str]] = {
    "yyyy": lambda now: f"{now.year:04}", "yy": lambda now: f"{now.year % 100:02}",
    "y": lambda now: f"{now.year % 100}",
    "MMMM": lambda now: MONTHS[now.month - 1], "MMM": lambda now: MONTHS[now.month - 1][:3],
    "MM": lambda now: f"{now.month:02}", "M": lambda now: f"{now.month}",
    "dddd": lambda now: DAYS[now.weekday()], "ddd": lambda now: DAYS[now.weekday()][:3],
    "dd": lambda now: f"{now.day:02}", "d": lambda now: f"{now.day}",
    "HH": lambda now: f"{now.hour:02}", "H": lambda now: f"{now.hour}",
    "hh": lambda now: f"{(now.hour + 11) % 12 + 1:02}", "h": lambda now: f"{(now.hour + 11) % 12 + 1}",
    "mm": lambda now: f"{now.minute:02}", "m": lambda now: f"{now.minute}",
    "ss": lambda now: f"{now.second:02}", "s": lambda now: f"{now.second}",
    "tt": lambda now: "AM" if now.hour < 12 else "PM", "t": lambda now: "A" if now.hour < 12 else "P",
    "zzz": lambda _: "+00:00", "zz": lambda _: "+00", "z": lambda _: "+0", "K": lambda _: "Z", "gg": lambda _: "A.D.",
}  # fmt: skip


class Shape(NamedTuple):
    """A way to write a date: what it looks like, and its .NET form."""

    pattern: re.Pattern[str]
    form: str


SHAPES = (
    Shape(re.compile(r"\d{8}T\d{6}Z\Z", re.ASCII), COMPACT),
    Shape(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\Z", re.ASCII), STANDARD["u"]),
    Shape(re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z\Z", re.ASCII), STANDARD["o"]),
    Shape(re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\Z", re.ASCII), STANDARD["s"]),
    Shape(re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII), "yyyy-MM-dd"),
)


@define(DATES, "dateTimeAdd(base: string, duration: string, format: string?)")
def date_time_add(base: str, duration: str, form: str | None = None) -> str:
    """A date and a duration later; written as the base is, where no format is given."""
    now, found = moment(base), DURATION.match(duration)
    if not found:
        raise ExpressionError("the duration is not written as ISO 8601 does", "such as P3Y, -P9D or PT1H30M")
    part = {name: int(digits or 0) for name, digits in found.groupdict().items() if name not in ("sign", "fraction")}
    sign = -1 if found["sign"] else 1
    fraction = int((found["fraction"] or "").ljust(6, "0"))
    months, years = part.pop("months"), part.pop("years")
    try:
        later = _months_on(now, sign * (years * 12 + months))
        later += sign * timedelta(**part, microseconds=fraction)
    except (OverflowError, ValueError):
        raise ExpressionError("the date lies outside of the years 1 to 9999") from None
    shape = next((shape.form for shape in SHAPES if shape.pattern.match(base)), ISO)
    return written(later, form if form is not None else shape)


def _months_on(now: datetime, months: int) -> datetime:
    """Some months later; a day that the month lacks becomes its last."""
    count = now.year * 12 + now.month - 1 + months
    year, month = count // 12, count % 12 + 1
    if not 1 <= year <= 9999:
        raise ValueError(year)
    return now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))


@define(DATES, "dateTimeFromEpoch(seconds: int)")
def date_time_from_epoch(seconds: int) -> str:
    """The date so many seconds after 1970 began."""
    try:
        return written(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), ISO)
    except OverflowError:
        raise ExpressionError("the date lies outside of the years 1 to 9999") from None


@define(DATES, "dateTimeToEpoch(date: string)")
def date_time_to_epoch(date: str) -> int:
    """The seconds from 1970 to a date."""
    return (moment(date) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def moment(text: str) -> datetime:
    """A date in ISO 8601; UTC where it says nothing else. Raises ExpressionError."""
    # .NET writes seven digits of a second, Python reads six.
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", text.strip()[:64], flags=re.ASCII)
    try:
        date = datetime.fromisoformat(trimmed)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ExpressionError("the date is not written as ISO 8601 does", "such as 2024-05-01T12:00:00Z") from None


def written(date: datetime, form: str) -> str:
    """A date in a .NET form, standard (one letter) or custom. Raises ExpressionError."""
    if len(form) == 1 and form not in STANDARD:
        raise ExpressionError(f"`{form}` is not a date format")
    if len(form) > 200:
        raise ExpressionError("the date format is too long")
    return "".join(_piece(date, found[0]) for found in CUSTOM.finditer(STANDARD.get(form, form)))


def _piece(date: datetime, piece: str) -> str:
    if piece in HERE:
        return HERE[piece](date)
    if piece[0] in "fF":
        digits = f"{date.microsecond:06}0"[: len(piece)]
        return digits if piece[0] == "f" else digits.rstrip("0")
    if piece[0] in "yMdHhmstzg":  # longer than any form: the longest counts
        longest = max((key for key in HERE if key[0] == piece[0]), key=len)
        return HERE[longest](date).rjust(len(piece) if piece[0] == "y" else 0, "0")
    return "" if piece == "%" else piece[1:] if piece[0] == "\\" else piece.strip("'\"") if len(piece) > 1 else piece
