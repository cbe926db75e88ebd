"""The simulator for tests: import these into a conftest."""

from pathlib import Path

import pytest

from tests.azure_sim import mirror
from tests.azure_sim.mirror import AzureSim, Mirror


@pytest.fixture(scope="session")
def azurerm_mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    """A filesystem mirror that has only the stand-in azurerm."""
    return mirror.make(tmp_path_factory.mktemp("mirror"))


@pytest.fixture
def azure_sim(azurerm_mirror: Mirror, tmp_path: Path) -> AzureSim:
    """An empty simulated Azure of the test's own."""
    folder = tmp_path / "azure"
    folder.mkdir()
    return azurerm_mirror.configured(folder)
