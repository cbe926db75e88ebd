"""Folders and files that nobody else may look at, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.system import private


@pytest.fixture(params=[0, 0o022, 0o077, 0o277, 0o777], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.usefixtures("_umask")
def test_what_is_made_is_for_its_owner_alone(tmp_path: Path) -> None:
    made = private.folder(tmp_path / "one/two/three")
    assert {_mode(path) for path in (made, *list(made.parents)[:2])} == {0o700}
    assert private.folder(made) == made


def test_a_folder_above_stays_as_it_is(tmp_path: Path) -> None:
    """It may be the user's home, or one that others share."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    private.folder(shared / "cache/bases")
    assert _mode(shared) == 0o755


def test_what_is_open_is_closed(tmp_path: Path) -> None:
    """An older imagegen made it so, or `cp`; what a link leads to is left alone."""
    root, outside = tmp_path / "cache", tmp_path / "outside"
    (root / "machines/one").mkdir(parents=True)
    (root / "machines/one/memory").write_text("secret")
    (root / "machines/one/memory").chmod(0o444)
    outside.write_text("shared")
    outside.chmod(0o644)
    (root / "link").symlink_to(outside)
    private.tree(root)
    assert {_mode(path) for path in (root, root / "machines", root / "machines/one")} == {0o700}
    assert _mode(root / "machines/one/memory") == 0o600
    assert _mode(outside) == 0o644
    private.tree(tmp_path / "none")
