"""Versions, the ledger's file, and who may work in a workspace."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator.builder import journal
from generator.errors import ImagegenError
from generator.system.process import Process
from generator.workspace import ledger as ledgers
from generator.workspace.ledger import Ledger

RELEASED = {"status": "released", "images": {}, "time": "", "source": "s", "content": "c", "schema": 1}


def ledger(*versions: str) -> Ledger:
    """A ledger with these versions."""
    return Ledger({version: RELEASED | {"version": version} for version in versions})


def test_a_ledger_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    """And no file means no releases. The versions are in the order of their numbers."""
    assert ledgers.load(tmp_path) == Ledger({})
    ledgers.save(tmp_path, ledger("1.0.10", "1.0.9"))
    assert ledgers.load(tmp_path) == ledger("1.0.9", "1.0.10")
    assert list(ledgers.load(tmp_path).releases) == ["1.0.9", "1.0.10"]
    assert sorted(path.parent.name for path in tmp_path.glob("releases/*/release.json")) == ["1.0.10", "1.0.9"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"version": "1.0.0", "schema": 1}', json.dumps(RELEASED | {"version": "1.0.1"}),
     json.dumps(RELEASED | {"version": "1.0.0", "status": "pending"}),
     json.dumps(RELEASED | {"version": "1.0.0", "schema": 99})],
)  # fmt: skip
def test_a_damaged_ledger_is_refused(tmp_path: Path, text: str) -> None:
    """It is never taken for an empty one: that would use version numbers again."""
    path = ledgers.path_of(tmp_path, "1.0.0")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ImagegenError, match="ledger"):
        ledgers.load(tmp_path)


def test_conflict_markers_are_named(tmp_path: Path) -> None:
    path = ledgers.path_of(tmp_path, "1.0.0")
    path.parent.mkdir(parents=True)
    path.write_text('{\n<<<<<<< HEAD\n"content": "a"\n=======\n"content": "b"\n>>>>>>> other\n}\n')
    with pytest.raises(ImagegenError, match="conflict markers of git: two branches released the same version"):
        ledgers.load(tmp_path)


OLD = {
    "1.0.0": {"status": "overwritten", "time": "t", "source": "s", "template": "d", "images": {"i": {
        "id": "/x", "kind": "ManagedImage", "resource": "/x", "source_id": "", "tags": {}, "status": "overwritten"}}},
    "1.0.1": {"status": "released", "time": "t", "source": "s", "template": "e", "images": {"i": {
        "id": "/x", "kind": "ManagedImage", "resource": "/x", "source_id": "", "tags": {}}}},
}  # fmt: skip


def test_a_ledger_of_0_1_0_is_read_and_rewritten(tmp_path: Path) -> None:
    """It was one file with other words; nothing of it is lost."""
    (tmp_path / ledgers.OLD_FILE).write_text(json.dumps({"releases": OLD}))
    before = ledgers.load(tmp_path)
    assert before.statuses() == {"1.0.0": "superseded", "1.0.1": "released"}
    with pytest.raises(ImagegenError, match=r"a ledger of imagegen 0\.1\.0"):
        ledgers.require(tmp_path, local=False)
    assert ledgers.migrate(tmp_path)
    assert not (tmp_path / ledgers.OLD_FILE).exists()
    assert ledgers.load(tmp_path) == before
    assert before.releases["1.0.0"]["content"] == "d"
    assert before.releases["1.0.0"]["images"]["i"]["status"] == "superseded"
    assert ledgers.migrate(tmp_path) == []


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
        "import os, signal, sys; from pathlib import Path; from generator.builder import journal\n"
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
