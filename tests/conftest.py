"""Every test has a home of its own, so nothing of the developer's reaches it; bases are shared through the cache."""

import os
import signal
from pathlib import Path

import pytest

from generator.local import bases
from generator.settings import Settings

# A background job ignores it, and so would all that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Built once for all machine tests, and kept between runs: building it takes minutes.
SHARED_CACHE = Path(
    os.environ.get("IMAGEGEN_CACHE_DIR")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imagegen"
)


@pytest.fixture(autouse=True)
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("IMAGEGEN_", "TF_VAR_", "TF_CLI_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("PYTHONPATH", raising=False)


@pytest.fixture
def shared_cache(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache with the real bases."""
    monkeypatch.setenv("IMAGEGEN_CACHE_DIR", str(SHARED_CACHE))
    return SHARED_CACHE


@pytest.fixture(scope="session")
def _base() -> None:
    """The base of the machine tests: the first worker makes it, where it is missing (a minute), the others wait."""
    bases.ensure(Settings(cache_dir=SHARED_CACHE), "debian-12", lambda _line: None)


@pytest.fixture(autouse=True)
def _base_of_machines(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("machine"):
        request.getfixturevalue("_base")
