"""Whole builds: what is run in the machine, in which order and as whom, and what is left afterwards."""

import os
from pathlib import Path

from tests.azure.conftest import USUAL, WINDOWS, Azure, Write
from tests.azure.making import SHELL, VERSIONS, ledger, private, shared
from tests.azure.rest import at_rest

PENDING = 'imagegen:{"found": 2, "failed": false, "restart_pending": true}'


def test_a_private_linux_build_leaves_one_gallery_version(azure: Azure, template: Write, tmp_path: Path) -> None:
    """The machine is in the user's subnet, steps are run commands; afterwards there is the version and nothing else."""
    image = azure.definition("web")
    (tmp_path / "motd").write_bytes(os.urandom(2000))
    file = {"type": "File", "name": "motd", "sourceUri": str(tmp_path / "motd"), "destination": "/tmp/motd"}
    path = template(SHELL, file, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    done = azure.imagegen("apply", path, "--out", out)
    assert done.stdout.strip() == f"{image}/versions/1.0.0"
    assert [each["name"] for each in azure.cloud.ran()] == [
        "000-prepare", "010-hello", "imagegen-020-motd", "999-deprovision",
    ]  # fmt: skip
    assert not azure.cloud.asked("Microsoft.Network/publicIPAddresses")
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_a_windows_build_with_every_kind_of_step(azure: Azure, template: Write, tmp_path: Path) -> None:
    """PowerShell at three levels, a checked restart, updates that restart twice, a file; then a second build."""
    rounds = [{"name": "imagegen-update", "times": 2, "output": PENDING}]
    checks = [
        {"name": "imagegen-check", "output": "machine"},
        {"name": "020-elevated", "output": "elevated says so"},
    ]
    azure.cloud.set(scripts=rounds + checks + USUAL)
    image = azure.definition("win", "Windows")
    (tmp_path / "tool.bin").write_bytes(os.urandom(1024 * 1024))
    steps = [
        {"type": "PowerShell", "name": "plain", "inline": ["Write-Output plain"]},
        {"type": "PowerShell", "name": "elevated", "runElevated": True, "inline": ["a"], "validExitCodes": [0, 3010]},
        {"type": "PowerShell", "name": "system", "runElevated": True, "runAsSystem": True, "inline": ["b"]},
        {"type": "WindowsRestart", "name": "restart", "restartCheckCommand": "hostname", "restartTimeout": "10m"},
        {"type": "WindowsUpdate", "name": "updates", "updateLimit": 20, "filters": ["exclude:$_.Title -like '*x*'"]},
        {"type": "File", "name": "tool", "sourceUri": str(tmp_path / "tool.bin"), "destination": "C:\\tool.bin"},
    ]
    path = template(*steps, source=WINDOWS, distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    done = azure.imagegen("apply", path, "--out", out)
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})
    assert "elevated says so" in done.stderr

    round_ = ["imagegen-update", "imagegen-probe", "imagegen-probe"]
    assert [each["name"] for each in azure.cloud.ran()] == [
        "000-prepare", "010-plain", "020-elevated", "030-system",
        "imagegen-probe", "imagegen-probe", "imagegen-check",
        *round_, *round_, "imagegen-update", "imagegen-060-tool", "999-deprovision",
    ]  # fmt: skip
    assert len(azure.cloud.journal("restart")) == 3
    ran = {each["name"]: each for each in azure.cloud.ran()}
    for name, level, valid in (("010-plain", "plain", "0"), ("020-elevated", "elevated", "0, 3010")):
        assert f"$level = '{level}'" in ran[name]["script"]
        assert f"$valid = @({valid})" in ran[name]["script"]
    assert "$level = 'system'" in ran["030-system"]["script"]
    assert ran["imagegen-check"]["script"].startswith("hostname\n")
    address = ran["imagegen-060-tool"]["protected"]
    assert [each["name"] for each in address] == ["Address"]
    assert "sig=" in address[0]["value"]
    assert not any("sig=" in f"{each['script']}{each['parameters']}" for each in azure.cloud.ran())

    azure.imagegen("apply", out)
    at_rest(azure, out, before, {f"{image}/versions/1.0.0", f"{image}/versions/1.0.1"})
    assert list(ledger(out)) == ["1.0.0", "1.0.1"]
    assert [each["tags"]["imagegen:version"] for each in azure.cloud.asked(VERSIONS)] == ["1.0.0", "1.0.1"]
