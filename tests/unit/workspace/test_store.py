"""What is on disk: ours is kept up to date, a hand edit and a stranger's file are not overwritten."""

from pathlib import Path

import pytest

from generator.errors import ImagegenError
from generator.workspace import store

FILES = {"main.tf": b"one\n", "scripts/010-a.sh": b"a\n", store.TEMPLATE: b"{}"}


def put(folder: Path, files: dict[str, bytes], *, force: bool = False) -> list[str]:
    """Write a workspace as `generate` does."""
    files = dict(files)
    files[store.LOCK] = store.lock_bytes(files, {"target": "local"}, [])
    return store.write(folder, files, store.compare(folder, files, store.read_lock(folder)), force=force)


def test_a_second_write_changes_nothing(tmp_path: Path) -> None:
    """Identical files are not rewritten."""
    assert len(put(tmp_path, FILES)) == 4
    before = (tmp_path / "main.tf").stat().st_mtime_ns
    assert put(tmp_path, FILES) == []
    assert (tmp_path / "main.tf").stat().st_mtime_ns == before


def test_a_changed_file_is_updated_and_an_orphan_goes_with_its_folder(tmp_path: Path) -> None:
    """Only files of ours, and only when untouched."""
    put(tmp_path, FILES)
    changed = put(tmp_path, {"main.tf": b"two\n", store.TEMPLATE: b"{}"})
    assert changed == [store.LOCK, "main.tf", "scripts/010-a.sh"]
    assert not (tmp_path / "scripts").exists()


def test_a_hand_edit_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """Nothing is left half done."""
    put(tmp_path, FILES)
    (tmp_path / "main.tf").write_bytes(b"mine\n")
    with pytest.raises(ImagegenError, match=r"main\.tf") as caught:
        put(tmp_path, {"main.tf": b"two\n", "other.tf": b"x", store.TEMPLATE: b"{}"})
    assert "--force" in (caught.value.hint or "")
    assert not (tmp_path / "other.tf").exists()
    put(tmp_path, {"main.tf": b"two\n", store.TEMPLATE: b"{}"}, force=True)
    assert (tmp_path / "main.tf").read_bytes() == b"two\n"


def test_an_edited_orphan_is_kept(tmp_path: Path) -> None:
    """A file that the template no longer asks for, but somebody changed, is not deleted in silence."""
    put(tmp_path, FILES)
    (tmp_path / "scripts/010-a.sh").write_bytes(b"mine\n")
    with pytest.raises(ImagegenError, match=r"scripts/010-a\.sh"):
        put(tmp_path, {"main.tf": b"one\n", store.TEMPLATE: b"{}"})
    assert (tmp_path / "scripts/010-a.sh").exists()


def test_a_strangers_file_in_the_way_is_refused(tmp_path: Path) -> None:
    """A file without a lock entry is not ours."""
    (tmp_path / "main.tf").write_bytes(b"theirs\n")
    with pytest.raises(ImagegenError, match=r"main\.tf"):
        put(tmp_path, FILES)


def test_a_link_is_never_written_through(tmp_path: Path) -> None:
    """Neither a linked file nor a linked folder leads us out of the workspace."""
    outside = tmp_path / "outside"
    outside.mkdir()
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "scripts").symlink_to(outside)
    (outside / "main.tf").write_bytes(b"theirs")
    (workspace / "main.tf").symlink_to(outside / "main.tf")
    with pytest.raises(ImagegenError, match=r"main\.tf, scripts/010-a\.sh"):
        put(workspace, FILES)
    assert sorted(path.name for path in outside.iterdir()) == ["main.tf"]


def test_a_lock_that_names_files_outside_removes_nothing_there(tmp_path: Path) -> None:
    """A lock is committed, so anybody may have written it."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"x")
    workspace = tmp_path / "workspace"
    put(workspace, FILES)
    lock = (workspace / store.LOCK).read_text().replace('"main.tf"', '"../victim"')
    (workspace / store.LOCK).write_text(lock)
    put(workspace, FILES, force=True)
    assert victim.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": 1}', '{"schema": 1, "files": 3, "settings": {}, "sources": []}']
)
def test_a_damaged_lock_is_told(tmp_path: Path, text: str) -> None:
    """In words, with what to do."""
    (tmp_path / store.LOCK).write_text(text)
    with pytest.raises(ImagegenError, match="damaged"):
        store.read_lock(tmp_path)


def test_what_terraform_would_load_and_we_did_not_write_is_found(tmp_path: Path) -> None:
    """Overrides, extra variables, and anything in the modules' folders."""
    put(tmp_path, FILES)
    for name in ("extra.tf", "main_override.tf.json", "x.auto.tfvars", "modules/steps/shell/evil.tf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert store.foreign_to_terraform(tmp_path, FILES) == [
        "extra.tf", "main_override.tf.json", "modules/steps/shell/evil.tf", "x.auto.tfvars",
    ]  # fmt: skip
