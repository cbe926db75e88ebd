"""A workspace is not read twice: what was generated of it is recalled while nothing that decides it has changed."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.cli import app as cli
from generator.settings import Settings
from generator.workspace import generate as generating
from generator.workspace import recall
from tests.golden.regenerate import cases
from tests.invariants import write_ledger

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Folders of this test's own."""
    return Settings(cache_dir=tmp_path / "cache", state_dir=tmp_path / "state")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a step whose script lies beside its template, and with a parameter file."""
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"said": {"type": "string"}},
        "resources": [{
            "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "name": "small",
            "location": "westeurope",
            "properties": {
                "source": {
                    "type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12",
                    "version": "latest",
                },
                "customize": [
                    {"type": "Shell", "name": "own", "scriptUri": "step.sh"},
                    {"type": "Shell", "name": "said", "inline": ["[parameters('said')]"]},
                ],
                "distribute": [{"type": "VHD", "runOutputName": "out"}],
            },
        }],
    }  # fmt: skip
    (tmp_path / "given").mkdir()
    (tmp_path / "given/step.sh").write_text("true\n")
    (tmp_path / "given/small.json").write_text(json.dumps(template))
    (tmp_path / "given/values.json").write_text('{"said": {"value": "echo one"}}')
    made = tmp_path / "out"
    values = str(tmp_path / "given/values.json")
    given = str(tmp_path / "given/small.json")
    assert cli.run(["generate", given, "--target", "local", "--parameters", values, "--out", str(made)]) == 0
    return made


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders whose templates were read."""
    found: list[Path] = []
    real = generating.generate

    def counting(path: Path, *given: Any) -> Any:
        found.append(path)
        return real(path, *given)

    monkeypatch.setattr(generating, "generate", counting)
    return found


@pytest.mark.parametrize("case", cases())
def test_what_is_recalled_is_what_was_generated(
    case: str, tmp_path: Path, settings: Settings, readings: list[Path]
) -> None:
    """Every golden workspace, with its blueprint, its bytes and its warnings."""
    folder = tmp_path / "workspace"
    shutil.copytree(cases()[case][1], folder)
    first = recall.generate(folder, settings)
    assert (recall.generate(folder, settings), readings) == (first, [folder])
    assert first.comparison.having("identical") == sorted(first.files)


def test_a_command_that_recalls_imports_nothing_that_reads_templates(workspace: Path) -> None:
    """Start-up is part of the interface."""
    code = (
        f"import sys; from generator.cli import app; app.run(['status', {str(workspace)!r}]); "
        "print(sorted({'pydantic', 'jinja2', 'httpx', 'hcl2'} & set(sys.modules)))"
    )
    for imported in ("['jinja2', 'pydantic']", "[]"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stdout.splitlines()[-1] == imported


def _replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_replaced("template.json", "westeurope", "northeurope"), id="template"),
        pytest.param(_replaced("parameters.json", "one", "two"), id="parameters"),
        pytest.param(_replaced("scripts/010-own.sh", "true", "false"), id="script"),
        pytest.param(_replaced("imagegen.lock.json", '"sets": {}', '"sets": {"said": "x"}'), id="settings"),
        pytest.param(lambda folder: write_ledger(folder, {"1.0.0": {}}), id="ledger"),
    ],
)
def test_whatever_decides_the_result_is_looked_at(
    change: Callable[[Path], None], workspace: Path, settings: Settings, readings: list[Path]
) -> None:
    """Then it is as if nothing had been kept."""
    recall.generate(workspace, settings)
    change(workspace)
    again = recall.generate(workspace, settings)
    assert readings == [workspace] * 2
    assert again == generating.generate(workspace, settings)


def test_a_hand_edit_of_what_is_generated_is_seen(workspace: Path, settings: Settings, readings: list[Path]) -> None:
    """What is recalled is compared with what lies there."""
    recall.generate(workspace, settings)
    _replaced("main.tf", "module", "modul")(workspace)
    assert recall.generate(workspace, settings).comparison.having("edited") == ["main.tf"]
    assert readings == [workspace]


def test_other_code_and_other_settings_generate_anew(
    workspace: Path, settings: Settings, readings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer imagegen is not told what an older one made."""
    recall.generate(workspace, settings)
    recall.generate(workspace, Settings(cache_dir=settings.cache_dir, state_dir=settings.state_dir, strict=True))
    monkeypatch.setattr(recall, "_code", lambda: ("newer",))
    recall.generate(workspace, settings)
    assert readings == [workspace] * 3


class Harm:
    """What a pickle could do: call anything."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("harmed",)


def _cut(raw: bytes) -> bytes:
    return raw[:-1]


def _flipped(raw: bytes) -> bytes:
    return raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:]


def _harmful(raw: bytes) -> bytes:
    content = pickle.dumps(Harm())
    return raw[:32] + hashlib.sha256(content).digest() + content


@pytest.mark.parametrize("spoil", [_cut, _flipped, _harmful, lambda _: b""])
def test_a_record_that_is_not_ours_is_no_record(
    spoil: Callable[[bytes], bytes], workspace: Path, settings: Settings, readings: list[Path],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    """Damaged, cut short, or made to do harm: the template is read again, and a good record takes its place."""
    monkeypatch.chdir(tmp_path)
    recall.generate(workspace, settings)
    (record,) = (settings.state_dir / "generated").iterdir()
    whole = record.read_bytes()
    record.write_bytes(spoil(whole))
    recall.generate(workspace, settings)
    assert (readings, record.read_bytes() == whole) == ([workspace] * 2, True)
    assert not Path("harmed").exists()


def test_where_nothing_can_be_kept_nothing_is_lost(workspace: Path, settings: Settings, readings: list[Path]) -> None:
    """It costs only time."""
    settings.state_dir.write_text("in the way")
    recall.generate(workspace, settings)
    assert recall.generate(workspace, settings).comparison.having("edited") == []
    assert readings == [workspace] * 2
