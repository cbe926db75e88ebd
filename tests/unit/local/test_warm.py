"""What a saved machine is kept under."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from generator.local import accelerator, host, warm
from generator.local.boot import Start

WANTED = Start(
    directory=Path("/tmp/machine"), backing=Path("/tmp/base/disk.raw"), format="raw", seed="agent", name="web", cores=2,
    memory_mb=2048, disk_gb=0, ssh_port=22022, user="builder", public_key="ssh-ed25519 AAAA", accelerator="tcg",
    timeout_seconds=60, digest="0" * 64, states=Path("/tmp/machines"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A computer with QEMU 7.2.22 and some firmware."""
    firmware = tmp_path / "firmware.fd"
    firmware.write_bytes(b"firmware")
    monkeypatch.setattr(host, "FIRMWARE_CODE", firmware)
    monkeypatch.setattr(host, "program", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(accelerator, "qemu_version", lambda: "7.2.22")


@pytest.mark.parametrize(
    "change", [{"cores": 1}, {"memory_mb": 4096}, {"accelerator": "kvm"}, {"digest": "1" * 64}]
)  # fmt: skip
def test_another_base_or_shape_is_another_key(change: dict[str, Any]) -> None:
    assert warm.key(dataclasses.replace(WANTED, **change)) != warm.key(WANTED)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "db"}, {"user": "other"}, {"public_key": "ssh-ed25519 BBBB"}, {"disk_gb": 30}, {"ssh_port": 22023},
        {"directory": Path("/tmp/other")}, {"timeout_seconds": 1},
    ],
)  # fmt: skip
def test_what_a_machine_gets_afterwards_is_not_in_the_key(change: dict[str, Any]) -> None:
    assert warm.key(dataclasses.replace(WANTED, **change)) == warm.key(WANTED)


def test_another_qemu_firmware_or_recipe_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [warm.key(WANTED)]
    monkeypatch.setattr(accelerator, "qemu_version", lambda: "7.2.23")
    keys.append(warm.key(WANTED))
    host.FIRMWARE_CODE.write_bytes(b"newer")
    keys.append(warm.key(WANTED))
    monkeypatch.setattr(warm, "SEAL", "true")
    keys.append(warm.key(WANTED))
    assert len(set(keys)) == 4


@pytest.mark.parametrize("change", [{"states": None}, {"seed": "nocloud"}, {"digest": ""}])
def test_a_machine_that_cannot_go_on_from_a_saved_one_boots(change: dict[str, Any]) -> None:
    """A disk that may change, another's cloud-init, or a wish to boot: nothing is looked for."""
    assert warm.ready(dataclasses.replace(WANTED, **change), pytest.fail, 0) is None


def test_no_saved_machine_is_no_failure(tmp_path: Path) -> None:
    """Neither where there is no room for one."""
    (tmp_path / "machines").write_text("a file is in the way")
    said: list[str] = []
    assert warm.ready(dataclasses.replace(WANTED, states=tmp_path / "machines"), said.append, 0) is None
    assert "no machine was saved" in said[0]
