"""The names of warnings, by which the setting `accept` takes them as known.

A warning is named after the property that it is about, as the format spells it; those about the text itself have names
of their own.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from generator.errors import UsageError

UNKNOWN_NAME = "unknownName"  # a property that the format does not have
DUPLICATE_NAME = "duplicateName"  # a misspelled property beside the right one
SPELLING = "spelling"  # a name or a choice that is read as another
CONVERTED = "convertedValue"  # a value of another kind than the format wants, such as "120" for 120
DUPLICATE_KEY = "duplicateKey"  # a key that its object has more than once: the last one counts
NOT_GIVEN = "notGiven"  # where a deployment goes, or when: an expression asks, and neither flags nor settings say
LENIENT_JSON = "lenientJson"  # comments, trailing commas; only --strict reports them
TEXTUAL = (UNKNOWN_NAME, DUPLICATE_NAME, SPELLING, CONVERTED, DUPLICATE_KEY, NOT_GIVEN, LENIENT_JSON)
# Their members have names of the user's.
MAPS = ("artifactTags", "managedResourceTags", "tags", "userAssignedIdentities")
GENERAL = "state"  # a switch is named after what it switches


def name_of(path: Iterable[str | int]) -> str:
    """The name of a warning at a path: the innermost property of the format in it."""
    words = _words()
    name = ""
    for part in path:
        if part in words and part != GENERAL:
            name = str(part)
        if part in MAPS:
            break
    return name or "template"


def require_known(names: Sequence[str]) -> None:
    """Raise UsageError for a name in `accept` that no warning has."""
    known = [*_words(), *TEXTUAL, "template"] if names else []
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "`imagegen validate` shows the name of each warning"
            raise UsageError(f"`accept`: there is no warning `{name[:80]}`", hint)


def _words() -> dict[str, str]:
    """Every property of the format."""
    from generator.template.schema.words import WORDS  # noqa: PLC0415 - pydantic

    return WORDS
