"""The kinds of values that settings have: read from a flag, a variable and a TOML file, and shown.

`parse` and `load` raise ValueError for a value of the wrong form. The message of that error is never shown: `words`
says what is expected, and a value may be secret.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generator.errors import ImagegenError
from generator.system.home import expand

LONGEST_SHOWN = 80  # characters of a wrong value
TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")
UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}  # powers of 1024
LARGEST_NUMBER = 19  # digits
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)


class Kind:
    """Any text.

    words: what a value is, for messages; flag: the type of the command line's option; secret: whether no message may
    show a value.
    """

    words = "text"
    flag: Any = str
    secret = False

    def parse(self, text: str, folder: Path) -> Any:  # noqa: ARG002 - paths need the folder
        """The value of a flag or a variable. folder: what a relative path starts from."""
        if "\0" in text:
            raise ValueError
        return text

    def load(self, value: Any, folder: Path) -> Any:
        """The value in a TOML or JSON file, of exactly this kind."""
        if not isinstance(value, str):
            raise ValueError
        return self.parse(value, folder)

    def show(self, value: Any) -> str:
        """A value in one line, for people."""
        return str(value)

    def as_json(self, value: Any) -> Any:
        """A value for programs and for the lock."""
        return value


def wrong(kind: Kind, place: str, value: Any) -> tuple[str, str]:
    """Message and hint for a value of the wrong form, which is not shown where it, or a URL in it, may be secret."""
    shown = "has the wrong form" if kind.secret or "://" in str(value) else f"is `{str(value)[:LONGEST_SHOWN]}`"
    return f"{place} {shown}", f"use {kind.words}"


class Choice(Kind):
    """One of a few words."""

    def __init__(self, *choices: str) -> None:
        from typing import Literal  # noqa: PLC0415 - a name for the line below only

        self.choices = choices
        self.words = f"{', '.join(choices[:-1])} or {choices[-1]}"
        self.flag = Literal[choices]

    def parse(self, text: str, folder: Path) -> str:  # noqa: ARG002
        """See Kind."""
        if text not in self.choices:
            raise ValueError
        return text


class Backend(Kind):
    """`TYPE:NAME=VALUE,…`. Of an argument that a backend may not have here, no value is shown: it may be a key."""

    words = "azurerm:NAME=VALUE,…"
    # Arguments of the azurerm backend that say where, and none that is a secret (Terraform, "Backend Type: azurerm").
    arguments = (
        "resource_group_name", "storage_account_name", "container_name", "key", "subscription_id", "tenant_id",
        "use_azuread_auth", "use_oidc", "use_msi", "use_cli",
    )  # fmt: skip
    _ARGUMENT = re.compile(r"([^=,:]*)=([^,]*)")

    def show(self, value: Any) -> str:
        """See Kind."""
        return self._ARGUMENT.sub(
            lambda found: found[0] if found[1].strip() in self.arguments else f"{found[1]}=***", str(value)
        )

    def as_json(self, value: Any) -> Any:
        """See Kind."""
        return self.show(value)


class Switch(Kind):
    """On or off."""

    words = "true or false"
    flag = bool

    def parse(self, text: str, folder: Path) -> bool:  # noqa: ARG002
        """See Kind."""
        if text.lower() not in TRUE + FALSE:
            raise ValueError
        return text.lower() in TRUE

    def load(self, value: Any, folder: Path) -> bool:  # noqa: ARG002
        """See Kind."""
        if not isinstance(value, bool):
            raise ValueError
        return value

    def show(self, value: Any) -> str:
        """See Kind."""
        return str(value).lower()


class Number(Kind):
    """A whole number between two others."""

    flag = int

    def __init__(self, lowest: int, highest: int) -> None:
        self.lowest, self.highest = lowest, highest
        self.words = f"a number from {lowest} to {highest}"

    def parse(self, text: str, folder: Path) -> int:
        """See Kind."""
        if not text.isascii() or not text.isdigit() or len(text) > LARGEST_NUMBER:
            raise ValueError
        return self.load(int(text), folder)

    def load(self, value: Any, folder: Path) -> int:  # noqa: ARG002
        """See Kind."""
        if type(value) is not int or not self.lowest <= value <= self.highest:  # True is an int too
            raise ValueError
        return value


class Size(Kind):
    """Bytes, as a number or as a text such as `10G`."""

    words = "a size such as 10G or 800M"
    _SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,18})?) ?([KMGT]?)(?:i?B)?", re.IGNORECASE | re.ASCII)

    def parse(self, text: str, folder: Path) -> int:  # noqa: ARG002
        """See Kind."""
        found = self._SIZE.fullmatch(text)
        if not found:
            raise ValueError
        return int(float(found[1]) * 1024 ** UNITS[found[2].upper()])

    def load(self, value: Any, folder: Path) -> int:
        """See Kind."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError
        return self.parse(value if isinstance(value, str) else str(value)[: LARGEST_NUMBER + 1], folder)

    def show(self, value: Any) -> str:
        """See Kind. The largest unit in which the number is whole."""
        number, units = int(value), [unit for unit in UNITS if unit]
        powers = [unit for unit in units if number and number % 1024 ** UNITS[unit] == 0]
        return f"{number // 1024 ** UNITS[powers[-1]]}{powers[-1]}" if powers else str(number)


class Location(Kind):
    """A path of this computer."""

    words = "a path"

    def parse(self, text: str, folder: Path) -> Path:
        """See Kind."""
        if not text or "\0" in text:
            raise ValueError
        try:
            return folder.absolute() / expand(text)
        except ImagegenError:  # the home folder of a user who does not exist
            raise ValueError from None

    def as_json(self, value: Any) -> Any:
        """See Kind."""
        return str(value) if value else None


class Moment(Kind):
    """A date, or a date and time, in RFC 3339."""

    words = "a date such as 2026-12-31 or 2026-12-31T00:00:00Z"

    def parse(self, text: str, folder: Path) -> str:  # noqa: ARG002
        """See Kind."""
        from datetime import datetime  # noqa: PLC0415 - rarely needed

        if not MOMENT.fullmatch(text):
            raise ValueError
        datetime.fromisoformat(text)
        return text


class Listed(Kind):
    """Several values of one kind.

    one: their kind; separator: what stands between them in a variable. None: each is a line, and in JSON a value may
    have several lines. check: a last look at each parsed value; it returns the value as it is kept.
    """

    def __init__(
        self, words: str, one: Kind, *, separator: str | None = None, check: Callable[[Any], Any] = lambda value: value
    ) -> None:
        self.words, self.one, self.separator, self.check = words, one, separator, check
        self.flag, self.secret = list[str], one.secret

    def parse(self, text: str, folder: Path) -> tuple[Any, ...]:
        """See Kind."""
        return self.each(self._split(text), folder)

    def each(self, texts: Any, folder: Path) -> tuple[Any, ...]:
        """The values of a flag that is given several times."""
        return tuple(self.check(self.one.parse(text, folder)) for text in texts)

    def load(self, value: Any, folder: Path) -> tuple[Any, ...]:
        """See Kind."""
        if not isinstance(value, list):
            raise ValueError
        return tuple(self.check(self.one.load(one, folder)) for one in value)

    def show(self, value: Any) -> str:
        """See Kind."""
        return " ".join(map(self.one.show, value))

    def as_json(self, value: Any) -> Any:
        """See Kind."""
        return list(map(self.one.as_json, value))

    def _split(self, text: str) -> list[str]:
        if self.separator:
            return [part for part in re.split(self.separator, text) if part]
        if text.startswith('["'):
            import json  # noqa: PLC0415 - rarely needed

            try:
                return [str(one) for one in json.loads(text)]
            except (ValueError, RecursionError):
                pass
        return text.splitlines()


def is_web(prefix: str) -> bool:
    """Whether a mirror is fetched from, and not a folder of this computer."""
    return prefix.lower().startswith(("https://", "http://"))


class Pair(Kind):
    """`NAME=VALUE`. Of a secret one only the name is ever shown."""

    def __init__(self, words: str, *, secret: bool = False) -> None:
        self.words, self.secret = words, secret

    def parse(self, text: str, folder: Path) -> tuple[str, str]:  # noqa: ARG002
        """See Kind."""
        left, equals, right = text.partition("=")
        if not equals or not left:
            raise ValueError
        return left, right

    def show(self, value: Any) -> str:
        """See Kind."""
        return f"{value[0]}={'***' if self.secret else value[1]}"

    def as_json(self, value: Any) -> Any:
        """See Kind."""
        return self.show(value)


class Mirror(Pair):
    """`PREFIX=PREFIX`, the second of which is a URL or a path of this computer."""

    def parse(self, text: str, folder: Path) -> tuple[str, str]:
        """See Kind. A path becomes absolute and keeps a slash at its end, which says that it is a folder."""
        left, right = super().parse(text, folder)
        if not right or is_web(right):
            return left, right
        path = Location().parse(right, folder)
        return left, f"{path}/" if right.endswith("/") and path.name else str(path)
