"""The cache of bases and the catalogue, with a builder that takes no time."""

import json
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from generator.errors import ImagegenError
from generator.local import bases, catalogue, images, overlay, recipe
from generator.settings import Settings
from generator.system import run
from generator.workspace.blueprint import Source


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache")


def _quick(folder: Path, _report: bases.Report) -> str:
    (folder / "disk.raw").write_bytes(b"disk")
    return "12.99"


def _slow(folder: Path, report: bases.Report) -> str:
    with (folder.parent.parent / "builds").open("a") as log:
        log.write("built\n")
    time.sleep(0.5)
    return _quick(folder, report)


def _ensure_slowly(settings: Settings) -> str:
    return bases.ensure(settings, "debian-12", lambda _line: None, _slow).key


def test_ensure_builds_once_and_records(settings: Settings) -> None:
    base = bases.ensure(settings, "debian-12", print, _quick)
    assert base == bases.lookup(settings, "debian-12") == bases.list_bases(settings)[0]
    assert (base.name, base.version, base.seed) == ("debian-12", "12.99", "agent")
    assert base.digest == images.digest(base.disk)
    assert base.disk.stat().st_mode & 0o777 == 0o600
    assert base.kernel is None

    def never(_folder: Path, _report: bases.Report) -> str:
        raise AssertionError

    assert bases.ensure(settings, "debian-12", print, never) == base


def test_two_that_ask_at_once_build_once(settings: Settings) -> None:
    with multiprocessing.get_context("fork").Pool(3) as pool:
        keys = pool.map(_ensure_slowly, [settings] * 3)
    assert len(set(keys)) == 1
    assert (settings.cache_dir / "builds").read_text() == "built\n"


def test_failed_build_leaves_nothing(settings: Settings) -> None:
    def fail(folder: Path, _report: bases.Report) -> str:
        (folder / "disk.raw").write_bytes(b"half")
        raise ImagegenError("no")

    with pytest.raises(ImagegenError, match="no"):
        bases.ensure(settings, "debian-12", print, fail)
    assert bases.lookup(settings, "debian-12") is None
    assert [path.name for path in (settings.cache_dir / "bases").iterdir()] == [bases.LOCK]
    assert bases.ensure(settings, "debian-12", print, _quick).version == "12.99"


def _half(settings: Settings) -> list[Path]:
    """What commands that were killed left: in the middle of a build, at its end, and in the middle of a removal."""
    root = settings.cache_dir / "bases"
    names = (recipe.key("debian-12") + bases.PARTIAL, "debian-12-older" + bases.PARTIAL, "import-1" + bases.REMOVED)
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "tree.tar").write_text("half")
        facts = {
            "name": name,
            "key": Path(name).stem,
            "seed": "agent",
            "sha256": "0",
            "version": "1",
            "virtual_size": 4,
        }
        (root / name / "disk.raw").write_text("disk")
        (root / name / "base.json").write_text(json.dumps(facts | {"virtual_size": 4}))
    return [root / name for name in names]


def test_what_a_killed_process_left_is_no_base_and_goes_first(settings: Settings) -> None:
    left = _half(settings)
    assert bases.list_bases(settings) == []
    base = bases.ensure(settings, "debian-12", print, _quick)
    assert {path.name for path in base.disk.parent.iterdir()} == {"disk.raw", "base.json"}
    assert not any(path.exists() for path in left)


def test_sweep_removes_what_is_left_and_nothing_else(settings: Settings) -> None:
    assert bases.sweep(settings) == []
    base = bases.ensure(settings, "debian-12", print, _quick)
    left = _half(settings)
    gone = [recipe.key("debian-12"), "debian-12-older", "import-1"]
    assert sorted(bases.sweep(settings)) == sorted(f"half of the base {name}" for name in gone)
    assert not any(path.exists() for path in left)
    assert bases.list_bases(settings) == [base]
    assert bases.sweep(settings) == []


def _kills_itself(settings: Settings, folder: Path) -> None:
    """Build with a program that goes on when its imagegen is killed, as one that cleans up does."""

    def build(_partial: Path, _report: bases.Report) -> str:
        script = f"trap '' INT; echo begun; sleep 1; touch {folder}/ended"
        run.stream(["sh", "-c", script], lambda _line: os.kill(os.getpid(), signal.SIGKILL))
        raise AssertionError

    bases.ensure(settings, "debian-12", lambda _line: None, build)


def test_what_a_killed_build_started_is_waited_for(settings: Settings, tmp_path: Path) -> None:
    child = multiprocessing.get_context("fork").Process(target=_kills_itself, args=(settings, tmp_path))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert not (tmp_path / "ended").exists()
    assert bases.sweep(settings) == []
    waited: list[str] = []
    bases.ensure(settings, "debian-12", waited.append, _quick)
    assert waited == ["another process works on the bases; waiting for it"]
    assert (tmp_path / "ended").exists()


def test_unknown_name(settings: Settings) -> None:
    with pytest.raises(ImagegenError, match="no base `plan9`"):
        bases.ensure(settings, "plan9", print, _quick)


def test_remove(settings: Settings) -> None:
    base = bases.ensure(settings, "debian-12", print, _quick)
    assert bases.remove(settings, "debian-12") == [base]
    assert bases.list_bases(settings) == []
    with pytest.raises(ImagegenError, match="no base"):
        bases.remove(settings, "debian-12")


def _disk(path: Path, form: str, kind: str) -> Path:
    raw = path.with_suffix(".tmp")
    with raw.open("wb") as file:
        file.truncate(16 * images.MIB)
    layout = f"label: gpt\nsize=8MiB, type={kind}\n"
    subprocess.run(["/usr/sbin/sfdisk", "--quiet", str(raw)], input=layout.encode(), check=True)
    options = ["-o", "subformat=fixed,force_size=on"] if form == "vpc" else []
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, *options, str(raw), str(path)], check=True)
    return path


@pytest.mark.parametrize("form", ["qcow2", "raw", "vpc"])
def test_import(settings: Settings, tmp_path: Path, form: str) -> None:
    base = bases.import_base(settings, _disk(tmp_path / "noble.img", form, "uefi"), "Canonical:ubuntu-24_04-lts:server")
    assert (base.name, base.version, base.seed) == ("canonical:ubuntu-24_04-lts:server", "noble", "nocloud")
    assert base.disk.stat().st_size == 16 * images.MIB
    source = Source(publisher="canonical", offer="Ubuntu-24_04-lts", sku="server", version="latest")
    assert catalogue.find(settings, source) == catalogue.Found(base.name, "")
    assert bases.lookup(settings, "Canonical:ubuntu-24_04-lts:server") == base


def test_import_takes_the_place_of_an_older_one(settings: Settings, tmp_path: Path) -> None:
    first = bases.import_base(settings, _disk(tmp_path / "one.img", "raw", "uefi"), "a:b:c")
    second = bases.import_base(settings, _disk(tmp_path / "two.img", "qcow2", "uefi"), "a:b:c")
    assert first.key != second.key
    assert bases.list_bases(settings) == [second]


@contextmanager
def _machine(base: bases.Base) -> Iterator[None]:
    """QEMU's own block layer on an overlay over the base, as a machine has it."""
    disk = base.disk.parent.parent / "overlay.qcow2"
    overlay.make(disk, base.disk, "raw", base.disk.stat().st_size)
    with subprocess.Popen(["qemu-io", str(disk)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as program:
        assert program.stdin
        assert program.stdout
        program.stdin.write(b"length\n")
        assert program.stdout.readline()  # by now it has all open
        yield
        program.stdin.close()


@pytest.mark.parametrize("standing", [bases.held, _machine])
def test_a_base_that_something_stands_on_stays(
    settings: Settings, tmp_path: Path, standing: Callable[[bases.Base], AbstractContextManager[None]]
) -> None:
    one, two = (_disk(tmp_path / f"{name}.img", "raw", "uefi") for name in ("one", "two"))
    base = bases.import_base(settings, one, "a:b:c")
    with standing(base):
        with pytest.raises(ImagegenError, match="a build stands on the base a:b:c"):
            bases.remove(settings, "a:b:c")
        with pytest.raises(ImagegenError, match="a build stands on the base a:b:c"):
            bases.import_base(settings, two, "a:b:c")
        assert bases.import_base(settings, one, "a:b:c") == base
        assert bases.list_bases(settings) == [base]
        if standing is bases.held:
            with bases.held(base):
                pass
    assert bases.import_base(settings, two, "a:b:c") != base
    with pytest.raises(ImagegenError, match="was removed meanwhile"), bases.held(base):
        pass


def test_a_build_that_begins_during_an_import_keeps_its_base(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking a disk lasts for minutes."""
    one, two = (_disk(tmp_path / f"{name}.img", "raw", "uefi") for name in ("one", "two"))
    base = bases.import_base(settings, one, "a:b:c")
    take = recipe.take
    with ExitStack() as build:

        def slowly(file: Path, folder: Path) -> str:
            build.enter_context(bases.held(base))
            return take(file, folder)

        monkeypatch.setattr(recipe, "take", slowly)
        with pytest.raises(ImagegenError, match="a build stands on the base a:b:c"):
            bases.import_base(settings, two, "a:b:c")
        assert bases.list_bases(settings) == [base]
    assert [path.name for path in (settings.cache_dir / "bases").glob("*.*")] == []


def test_import_refuses_bios_disks_overlays_and_bad_names(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ImagegenError, match="no EFI partition"):
        bases.import_base(settings, _disk(tmp_path / "bios.img", "raw", "linux"), "a:b:c")
    with pytest.raises(ImagegenError, match="not of the form"):
        bases.import_base(settings, tmp_path / "bios.img", "ubuntu")
    overlay = tmp_path / "overlay.qcow2"
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(tmp_path / "bios.img"), "-F", "raw", str(overlay)]
    subprocess.run(create, check=True)
    with pytest.raises(ImagegenError, match="needs other files"):
        bases.import_base(settings, overlay, "a:b:c")
    assert bases.list_bases(settings) == []


@pytest.mark.parametrize("sku", ["12", "12-gen2", "12-GEN2"])
def test_catalogue_knows_debian(settings: Settings, sku: str) -> None:
    assert catalogue.find(
        settings, Source(publisher="Debian", offer="debian-12", sku=sku, version="latest")
    ) == catalogue.Found("debian-12", "")


def test_catalogue_notes_a_version_it_cannot_hold_to(settings: Settings) -> None:
    bases.ensure(settings, "debian-12", print, _quick)
    assert catalogue.find(settings, Source(publisher="Debian", offer="debian-12", sku="12", version="12.99")).note == ""
    note = catalogue.find(
        settings, Source(publisher="Debian", offer="debian-12", sku="12", version="0.20250101.1")
    ).note
    assert note == "version 0.20250101.1 is the marketplace's; the local base is debian-12 12.99"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            Source(publisher="Canonical", offer="0001-com-ubuntu", sku="22_04", version="latest"),
            "no local base for Canonical:0001-com-ubuntu:22_04",
        ),
        (Source(publisher="Debian", offer="debian-12-daily", sku="12", version="latest"), "daily images"),
        (Source(publisher="Debian", offer="debian-12", sku="12-arm64", version="latest"), "only x86-64"),
    ],
)
def test_catalogue_refuses_and_names_the_import(settings: Settings, source: Source, message: str) -> None:
    with pytest.raises(ImagegenError, match=message) as caught:
        catalogue.find(settings, source)
    name = f"{source.publisher}:{source.offer}:{source.sku}"
    assert caught.value.hint == f"import a disk: imagegen base import FILE --as {name}"


def test_recipe_key_follows_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe.key("debian-12")
    monkeypatch.setattr(recipe, "_FOLDER", tmp_path)
    (tmp_path / "debian-12").mkdir()
    (tmp_path / "debian-12" / "packages").write_text("sudo\n")
    one = recipe.key("debian-12")
    (tmp_path / "debian-12" / "packages").write_text("sudo\ncurl\n")
    assert len({before, one, recipe.key("debian-12")}) == 3


@pytest.mark.parametrize(("name", "content"), [("base.json", b"{"), ("base.json", b"{}"), ("disk.raw", b"dis")])
def test_a_damaged_base_is_made_anew(settings: Settings, name: str, content: bytes) -> None:
    base = bases.ensure(settings, "debian-12", print, _quick)
    record: dict[str, Any] = json.loads((base.disk.parent / "base.json").read_text())
    assert record["build_seconds"] >= 0
    (base.disk.parent / name).chmod(0o644)
    (base.disk.parent / name).write_bytes(content)
    assert bases.lookup(settings, "debian-12") is None
    assert bases.list_bases(settings) == []
    assert bases.ensure(settings, "debian-12", print, _quick) == base
    assert base.disk.read_bytes() == b"disk"


def test_a_base_that_somebody_wrote_to_is_refused(settings: Settings) -> None:
    """Of the same size: its digest tells. One that was copied is looked at again, though its time is the same."""
    base = bases.ensure(settings, "debian-12", print, _quick)
    bases.require_sound(base)
    os.utime(base.disk, (1, 1))
    bases.require_sound(base)
    found = base.disk.stat()
    assert json.loads((base.disk.parent / "base.json").read_text())["written"] == f"{10**9} {found.st_ino}"
    damaged = base.disk.with_name("damaged")
    damaged.write_bytes(b"dusk")
    os.utime(damaged, (1, 1))
    damaged.rename(base.disk)
    with pytest.raises(ImagegenError, match="the base debian-12 is damaged") as caught:
        bases.require_sound(base)
    assert caught.value.hint == f"`imagegen base remove {base.key}`; the next build makes it anew"


@pytest.mark.parametrize(
    "name",
    [
        "nbd:localhost:1", "json:{\"driver\":\"raw\",\"file.filename\":\"/etc/passwd\"}", "fat:rw:/etc", "--help", "-f",
        "ssh:x", "blkdebug::disk.img", "raw:disk",
    ],
)  # fmt: skip
def test_a_file_by_any_name_is_a_file(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """QEMU takes such a name for an option, or for something that is no file, where no folder stands before it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / name.replace("/", "_")).write_bytes(_disk(tmp_path / "one.img", "raw", "uefi").read_bytes())
    base = bases.import_base(settings, Path(name.replace("/", "_")), "a:b:c")
    assert images.digest(base.disk) == images.digest(tmp_path / "one.img")


@pytest.mark.parametrize("name", ["nbd:localhost:1", 'json:{"driver":"null-co"}', "http://x/y.qcow2", "-x"])
def test_what_is_no_file_is_not_imported(settings: Settings, tmp_path: Path, name: str) -> None:
    with pytest.raises(ImagegenError, match="is not a file"):
        bases.import_base(settings, Path(name), "a:b:c")
