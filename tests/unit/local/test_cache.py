"""What a cached step is found by, and what is taken from the cache."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from generator.builder.target import SAVED
from generator.errors import ImagegenError
from generator.local import accelerator, bases, cache, host, overlay, states
from generator.local.states import Ground
from generator.local.target import LocalTarget
from generator.settings import CACHE_SIZE, Settings, resolve
from generator.workspace import render
from generator.workspace.blueprint import Blueprint, Destination, Source, Step, Versioning

STEPS = (
    Step("010-one", "one", "shell", "step_010_one", "scripts/010-one.sh", b"echo one\n"),
    Step("020-two", "two", "file", "step_020_two", "files/020-two", b"two\n", {"destination": "/tmp/two"}),
    Step("030-three", "three", "shell", "step_030_three", "scripts/030-three.sh", b"echo three\n"),
)
BLUEPRINT = Blueprint(
    name="web", target="local", source=Source(publisher="Debian", offer="debian-12", sku="12", version="latest"),
    vm_size="", disk_size_gb=0, steps=STEPS, validations=(), destinations=(Destination("disk", "VHD", "", ()),),
    timeout_minutes=60, on_customizer_error="cleanup", on_validation_error="cleanup", distribute_despite_failure=False,
    source_validation_only=False, version=None, versioning=Versioning(),
)  # fmt: skip


def _contents(blueprint: Blueprint) -> list[str]:
    return cache.contents(blueprint, render.render(blueprint))


def _with(number: int, **changes: Any) -> Blueprint:
    """The blueprint with a changed step."""
    steps = list(STEPS)
    steps[number] = replace(steps[number], **changes)
    return replace(BLUEPRINT, steps=tuple(steps))


def _kept(blueprint: Blueprint) -> int:
    """How many of the first steps are still what they were."""
    pairs = zip(_contents(BLUEPRINT), _contents(blueprint), strict=False)
    return [one == other for one, other in [*pairs, ("", "end")]].index(False)


@pytest.mark.parametrize(
    ("blueprint", "kept"),
    [
        (BLUEPRINT, 3),
        (_with(2, content=b"echo other\n"), 2),
        (_with(1, content=b"2\n"), 1),
        (_with(1, options={"destination": "/tmp/2"}), 1),
        (_with(0, content=b"echo 1\n"), 0),
        (_with(0, title="renamed", key="010-renamed", file="scripts/010-renamed.sh"), 3),
        (replace(BLUEPRINT, steps=STEPS[:2]), 2),
        (replace(BLUEPRINT, steps=(STEPS[0], STEPS[2], STEPS[1])), 1),
        (replace(BLUEPRINT, timeout_minutes=5, destinations=()), 3),
        (replace(BLUEPRINT, name="db"), 0),  # a script may have asked for the host name
    ],
)  # fmt: skip
def test_a_step_is_cached_while_nothing_up_to_it_changed(blueprint: Blueprint, kept: int) -> None:
    assert _kept(blueprint) == kept


@pytest.mark.parametrize(
    ("file", "kept"),
    [("steps/prepare/prepare.sh.tftpl", 0), ("steps/shell/run.sh.tftpl", 0), ("steps/file/main.tf", 1),
     ("steps/deprovision/main.tf", 3), ("local/image/main.tf", 3)],
)  # fmt: skip
def test_our_own_part_of_a_step_counts(file: str, kept: int) -> None:
    changed = cache.contents(BLUEPRINT, render.render(BLUEPRINT) | {f"modules/{file}": b"newer"})
    assert [one == other for one, other in zip(_contents(BLUEPRINT), changed, strict=True)] == [
        number < kept for number in range(3)
    ]


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A computer with QEMU 7.2.22 and some firmware."""
    (tmp_path / "firmware.fd").write_bytes(b"firmware")
    monkeypatch.setattr(host, "FIRMWARE_CODE", tmp_path / "firmware.fd")
    monkeypatch.setattr(host, "program", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(accelerator, "qemu_version", lambda: "7.2.22")


Inputs = Callable[..., dict[str, Any]]


@pytest.fixture
def inputs(computer: None, tmp_path: Path) -> Inputs:
    """What a build with these settings is told of the cache, in a workspace as generated."""
    workspace = tmp_path / "web"
    for name, content in render.render(BLUEPRINT).items():
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_bytes(content)

    def ask(seed: str = "agent", size_gb: int = 0, **settings: Any) -> dict[str, Any]:
        disk = {"backing": str(tmp_path / "base.raw"), "digest": "0" * 64, "format": "raw", "seed": seed,
                "size_gb": size_gb, "states": str(tmp_path / "machines")}  # fmt: skip
        machine = {"accelerator": "tcg", "cores": 1, "directory": str(tmp_path / "machine"), "disk": disk,
                   "memory_mb": 1024, "name": "web", "public_key": "", "ssh_port": 20000, "timeout_seconds": 60,
                   "user": "imagegen"}  # fmt: skip
        return cache.inputs(Settings(cache_dir=tmp_path, **settings), workspace, BLUEPRINT, machine)

    return ask


def _keep(tmp_path: Path, key: str) -> None:
    """Publish something as the state of a key."""
    base = tmp_path / "base.raw"
    base.touch()
    with states.making(tmp_path / "machines", key, 0) as folder:
        for part in states.PARTS:
            (folder / part).touch()
        overlay.make(folder / states.DISK, base, "raw", 1024**2)
        states.publish(folder, Ground(base, "0" * 64), base)


def test_a_build_goes_on_from_the_longest_part_that_is_kept(inputs: Inputs, tmp_path: Path) -> None:
    first = inputs()
    assert (first["from"], first["steps"], list(first["keep"])) == ("", [], ["010-one", "020-two", "030-three"])
    _keep(tmp_path, first["keep"]["020-two"])
    found = inputs(cache_size=7)
    assert (found["from"], found["steps"], found["limit"]) == (first["keep"]["020-two"], ["010-one", "020-two"], 7)
    assert inputs(no_cache=True) == {"limit": CACHE_SIZE}
    assert inputs(seed="nocloud") == {"limit": CACHE_SIZE}
    assert inputs(cache_size=0) == {"limit": 0}
    assert inputs(no_cache_from="three")["steps"] == ["010-one", "020-two"]
    assert inputs(no_cache_from="020-two")["steps"] == []


def test_steps_that_are_to_run_again_are_not_found_afterwards(inputs: Inputs, tmp_path: Path) -> None:
    """What they leave can be kept in the place of what was."""
    found = inputs()
    for step in ("010-one", "020-two"):
        _keep(tmp_path, found["keep"][step])
    cache.refresh(Settings(no_cache_from="two"), BLUEPRINT, found, tmp_path / "machines")
    assert inputs()["steps"] == ["010-one"]


def test_a_workspace_that_is_only_trusted_is_not_cached(inputs: Inputs, tmp_path: Path) -> None:
    """Nobody knows what it would run."""
    (tmp_path / "web/override.tf").touch()
    assert inputs() == {"limit": CACHE_SIZE}
    (tmp_path / "web/override.tf").unlink()
    (tmp_path / "web/scripts/010-one.sh").write_bytes(b"echo other\n")
    assert inputs() == {"limit": CACHE_SIZE}


def test_a_step_that_is_not_there_is_refused() -> None:
    with pytest.raises(ImagegenError, match="no step is named `four`") as refused:
        cache.check(Settings(no_cache_from="four"), BLUEPRINT)
    assert refused.value.hint == "there are `one`, `two`, `three`"
    cache.check(Settings(no_cache_from="two"), BLUEPRINT)


def test_a_build_whose_cached_machine_is_gone_runs_all_steps(inputs: Inputs, tmp_path: Path) -> None:
    first = inputs()
    _keep(tmp_path, first["keep"]["010-one"])
    disk = {"backing": str(tmp_path / "base.raw"), "digest": "0" * 64}
    target = LocalTarget(Settings(cache_dir=tmp_path))
    values = {"machine": {"name": "web", "disk": disk, "cache": inputs()}}
    assert target.renewed(values) is None
    states.forget(tmp_path / "machines", [first["keep"]["010-one"]])
    renewed = target.renewed(values)
    assert renewed == {"machine": {"name": "web", "disk": disk, "cache": first}}
    assert target.renewed(renewed) is None


def test_a_broken_build_resumes_from_a_saved_vm_where_there_may_be_one(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that failed may have left half of its work, and somebody may have logged in. Without the cache the build
    resumes on its VM, and keeps nothing of it."""
    monkeypatch.setattr(bases, "lookup", lambda *_: "a base")
    monkeypatch.setattr(bases, "held", lambda _: nullcontext())
    target = LocalTarget(Settings(cache_dir=tmp_path))
    broken: dict[str, Any] = {"machine": {"directory": "/none", "cache": inputs() | {"steps": ["010-one"]}}}
    job = cast(Any, SimpleNamespace(blueprint=BLUEPRINT))
    with pytest.raises(ImagegenError, match=SAVED):
        target.going_on(job, broken, set())
    broken["machine"]["cache"] |= {"keep": {}}  # as with --secret
    told = target.going_on(job, broken, set())
    assert (told["machine"]["cache"]["keep"], told["machine"]["cache"]["steps"]) == ({}, ["010-one"])
    with pytest.raises(ImagegenError, match="some of its steps were cached"):
        LocalTarget(Settings(cache_dir=tmp_path, no_cache=True)).going_on(job, told, set())


def test_a_layer_belongs_to_the_size_of_its_disk(inputs: Inputs) -> None:
    keys = {key for size in (0, 30) for key in inputs(size_gb=size)["keep"].values()}
    assert len(keys) == 6


@pytest.mark.parametrize(
    ("text", "size"), [("10G", 10 * 1024**3), ("1.5g", 3 * 512 * 1024**2), ("800 MiB", 800 * 1024**2), ("0", 0)]
)
def test_the_size_of_the_cache_is_told_with_a_unit(monkeypatch: pytest.MonkeyPatch, text: str, size: int) -> None:
    monkeypatch.setenv("IMAGEGEN_CACHE_SIZE", text)
    assert resolve().cache_size == size


@pytest.mark.parametrize("text", ["much", "-1G", "10 GiBs", "G"])
def test_another_size_of_the_cache_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("IMAGEGEN_CACHE_SIZE", text)
    with pytest.raises(ImagegenError, match=f"IMAGEGEN_CACHE_SIZE is `{text}`"):
        resolve()
