"""What the tests of the template reader share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.errors import InvalidTemplate, Problem
from generator.settings import Settings
from generator.template import Read, read_bytes

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute"


def template(**properties: Any) -> dict[str, Any]:
    """A small good template, with other properties."""
    source = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12", "version": "latest"}
    usual = {
        "source": source,
        "customize": [{"type": "Shell", "inline": ["true"]}],
        "distribute": [{"type": "VHD", "runOutputName": "disk"}],
    }
    return {"location": "westeurope", "properties": usual | properties}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(target="local", cache_dir=tmp_path / "cache", state_dir=tmp_path / "state")


@pytest.fixture
def good(settings: Settings) -> Callable[[Any], Read]:
    """Reads a template that has no errors."""
    return lambda value: read_bytes(json.dumps(value).encode(), "t.json", settings)


@pytest.fixture
def problems(settings: Settings) -> Callable[[Any], list[Problem]]:
    """Everything that is said of a template (text, or a value that is dumped)."""

    def told(value: Any) -> list[Problem]:
        raw = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else None
        try:
            return read_bytes(raw if raw is not None else json.dumps(value).encode(), "t.json", settings).warnings
        except InvalidTemplate as error:
            return error.problems

    return told
