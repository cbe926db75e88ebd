"""Which base stands for which marketplace image."""

from dataclasses import dataclass
from typing import Protocol

from generator.errors import ImagegenError, to_paste
from generator.local import bases
from generator.settings import Settings

# (publisher, offer, sku) of the marketplace, in lower case.
BUILT = {
    ("debian", "debian-12", "12"): "debian-12",
    ("debian", "debian-12", "12-gen2"): "debian-12",
}
REFUSED = {
    "debian-12-daily": "daily images are not built locally",
    "12-arm64": "only x86-64 machines are built locally",
}


@dataclass(frozen=True)
class Found:
    """The name of the base that stands for a source, and what a user should know about it (empty: nothing)."""

    name: str
    note: str


class Source(Protocol):
    """A marketplace image."""

    @property
    def publisher(self) -> str: ...
    @property
    def offer(self) -> str: ...
    @property
    def sku(self) -> str: ...
    @property
    def version(self) -> str: ...


def find(settings: Settings, source: Source) -> Found:
    """The base for a marketplace image; names match in any case. Builds nothing.

    Raises ImagegenError when there is none.
    """
    name = ":".join((source.publisher, source.offer, source.sku))
    for part in (source.offer, source.sku):
        if reason := REFUSED.get(part.lower()):
            raise ImagegenError(f"no local base for {name}: {reason}", _hint(name))
    key = (source.publisher.lower(), source.offer.lower(), source.sku.lower())
    base = BUILT.get(key) or _imported(settings, ":".join(key))
    if base is None:
        raise ImagegenError(f"no local base for {name}", _hint(name))
    return Found(base, _note(settings, base, source.version))


def _imported(settings: Settings, alias: str) -> str | None:
    """The name of an imported base, if it is there."""
    return alias if bases.lookup(settings, alias) else None


def _note(settings: Settings, base: str, version: str) -> str:
    """What to tell about a version that the local base cannot be held to."""
    if version.lower() == "latest":
        return ""
    built = bases.lookup(settings, base)
    if built and built.version == version:
        return ""
    return f"version {version} is the marketplace's; the local base is {base}" + (f" {built.version}" if built else "")


def _hint(name: str) -> str:
    return f"import a disk: {to_paste('imagegen', 'base', 'import', 'FILE', '--as', name)}"
