"""The template reader: a file of Azure VM Image Builder's format → a checked model, or every problem at its place.

Cheap to import: each name is looked up when it is used, pydantic comes in when a template is read, httpx when something
is downloaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from generator.template.fetch import Sources, fetch_all
    from generator.template.reader import Read, problems_of, read, read_bytes

__all__ = ["Read", "Sources", "fetch_all", "problems_of", "read", "read_bytes"]
_MODULES = {"Sources": "fetch", "fetch_all": "fetch"}


def __getattr__(name: str) -> Any:
    """A name of this package, from the module that has it (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'reader')}"), name)
