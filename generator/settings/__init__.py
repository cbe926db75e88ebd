"""Settings: each declared once in `table`, and resolved once by `sources`."""

from generator.settings.project import find as project_of
from generator.settings.sources import (
    Found,
    as_environment,
    gather,
    given_again,
    is_given,
    resolve,
    to_lock,
    with_lock,
)
from generator.settings.table import CACHE_SIZE, Setting, Settings, Stage, table

__all__ = [
    "CACHE_SIZE",
    "Found",
    "Setting",
    "Settings",
    "Stage",
    "as_environment",
    "gather",
    "given_again",
    "is_given",
    "project_of",
    "resolve",
    "table",
    "to_lock",
    "with_lock",
]
