"""Versions, the ledger's file, and who may work in a workspace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator.build import journal, releases
from generator.build.releases import Ledger, choose_version
from generator.errors import ImagegenError
from generator.workspace.store import LEDGER

RELEASED = {"status": "released", "images": {}, "time": "", "source": "s", "template": "t"}


def ledger(*versions: str) -> Ledger:
    """A ledger with these versions."""
    return Ledger(dict.fromkeys(versions, RELEASED))


@pytest.mark.parametrize(
    ("versions", "expected"),
    [((), "1.0.0"), (("1.0.0",), "1.0.1"), (("1.0.9", "1.0.10"), "1.0.11"), (("2.0.0", "1.9.9"), "2.0.1")],
)
def test_the_next_version_raises_the_highest_patch(versions: tuple[str, ...], expected: str) -> None:
    """Compared as numbers, not as text."""
    assert choose_version(ledger(*versions), None) == expected


def test_an_existing_version_is_refused_whatever_its_state() -> None:
    """A retired number is never used again."""
    retired = Ledger({"1.0.0": RELEASED | {"status": "retired"}})
    with pytest.raises(ImagegenError, match=r"1\.0\.0 exists already \(retired\)"):
        choose_version(retired, "1.0.0")
    assert choose_version(retired, None) == "1.0.1"


@pytest.mark.parametrize("wanted", ["", "1", "1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "../1.0.0", "1.0.0\n"])
def test_what_is_no_version_is_refused(wanted: str) -> None:
    """With the form that is wanted."""
    with pytest.raises(ImagegenError, match="is not a version"):
        choose_version(ledger(), wanted)


def test_a_ledger_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    """And no file means no releases."""
    assert releases.load(tmp_path) == Ledger({})
    releases.save(tmp_path, ledger("1.0.0"))
    assert releases.load(tmp_path) == ledger("1.0.0")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"releases": []}', '{"releases": {"x": {}}}', '{"releases": {"1.0.0": {}}}']
)
def test_a_damaged_ledger_is_refused_in_words(tmp_path: Path, text: str) -> None:
    """It is never taken for an empty one: that would reuse version numbers."""
    (tmp_path / LEDGER).write_text(text)
    with pytest.raises(ImagegenError, match="ledger"):
        releases.load(tmp_path)


def test_a_second_command_in_the_workspace_is_refused_and_names_the_first(tmp_path: Path) -> None:
    """The lease is one process's."""
    with journal.lease(tmp_path):
        assert journal.holder(tmp_path) == os.getpid()
        with pytest.raises(ImagegenError, match=f"process {os.getpid()}"), journal.lease(tmp_path):
            pass
    assert not (tmp_path / journal.FOLDER).exists()


def test_the_lease_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    """The kernel frees it, however the holder died."""
    code = (
        "import os, signal, sys; from pathlib import Path; from generator.build import journal\n"
        f"with journal.lease(Path({str(tmp_path)!r})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert journal.path(tmp_path, journal.LEASE).exists()
    assert journal.holder(tmp_path) is None
    with journal.lease(tmp_path):
        pass
