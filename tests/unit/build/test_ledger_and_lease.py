"""Versions, the ledger's file, and who may work in a workspace."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator.build import journal, releases
from generator.build.releases import Ledger
from generator.errors import ImagegenError
from generator.process import Process
from generator.workspace.store import LEDGER

RELEASED = {"status": "released", "images": {}, "time": "", "source": "s", "template": "t"}


def ledger(*versions: str) -> Ledger:
    """A ledger with these versions."""
    return Ledger(dict.fromkeys(versions, RELEASED))


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
        held = journal.holder(tmp_path)
        assert held == journal.Owner(Process.current())
        assert held.lives
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


@pytest.mark.parametrize(("said", "lives"), [(b"", True), (b"\xff\x00 7", True), (b"1 1", False)])
def test_whoever_holds_the_lease_is_known_by_id_and_start(tmp_path: Path, said: bytes, lives: bool) -> None:
    """An id is used again: another process of that id is no holder. One that does not say who it is may be one."""
    lock = journal.path(tmp_path, journal.LEASE)
    lock.parent.mkdir()
    with lock.open("wb") as stream:
        stream.write(said)
        stream.flush()
        fcntl.flock(stream, fcntl.LOCK_EX)
        held = journal.holder(tmp_path)
    assert held is not None
    assert held.lives is lives
