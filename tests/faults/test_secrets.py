"""Planted secrets: whatever ends a build, they stand in no file, on no command line, in no child's environment."""

import json
from pathlib import Path

import pytest

from tests import invariants
from tests.faults.conftest import StandIn, World
from tests.hostile.documents import SOURCE
from tests.hostile.examine import command

SIGNATURE, PARAMETER, CREDENTIAL = "planted-signature", "planted-parameter", "planted-credential"


@pytest.fixture
def deployment(tmp_path: Path) -> list[str | Path]:
    """A deployment template with a secure parameter and a signed address, and the flags that give both."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web/a.sh").write_text("true\n")
    template = {
        "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2024-02-01", "location": "westeurope",
        "properties": {
            "source": SOURCE, "distribute": [{"type": "VHD", "runOutputName": "out"}],
            "customize": [{"type": "Shell", "scriptUri": f"https://h.example/a.sh?sv=1&sig={SIGNATURE}"}],
            "vmProfile": {"vmSize": "[if(equals(parameters('secret'), 'x'), 'Standard_B1s', 'Standard_B2s')]"},
        },
    }  # fmt: skip
    value = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "parameters": {"secret": {"type": "securestring"}}, "resources": [template],
    }  # fmt: skip
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(value))
    return [
        path,
        "--target",
        "local",
        "--set",
        f"secret={PARAMETER}",
        "--mirror",
        f"https://h.example/={tmp_path}/web/",
    ]


@pytest.mark.parametrize("during", ["init", "apply", "state", "none"])
def test_a_build_that_breaks_shows_no_secret(
    deployment: list[str | Path], base: Path, world: World, terraform: StandIn, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, during: str,
) -> None:  # fmt: skip
    """What Terraform is started with is written down by a stand-in, and so are all files asked before they go."""
    seen, workspace = tmp_path / "seen", tmp_path / "made"
    seen.mkdir()
    monkeypatch.setenv("UNRELATED_CREDENTIAL", CREDENTIAL)
    keep = f'{{ env; echo "$@"; cat /proc/$PPID/cmdline; }} >>{seen}/started; cp -r {workspace} {seen}/$$; exit 1'
    terraform.fails(during, keep)
    said = command("-v", "apply" if during != "none" else "plan", *deployment, "--out", workspace)
    assert said.code == (1 if during != "none" else 0), said.err
    assert during == "none" or (seen / "started").exists()
    planted = (SIGNATURE, PARAMETER, CREDENTIAL)
    assert not [secret for secret in planted if secret in said.out + said.err]
    invariants.nothing_secret([*planted, "PRIVATE KEY"], workspace, seen, world.cache_dir, world.state_dir)
    terraform.fails("none", "")
    assert command("cleanup", workspace).code == 0
    invariants.nothing_is_left(workspace, world.state_dir)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("abc", "is too short to be redacted"),
        ("x" * 32769, "is too large to be redacted"),
        ("caf\udce9-secret", "is not UTF-8 text"),
    ],
)
def test_a_secret_that_cannot_be_redacted_is_refused(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    """Before anything begins."""
    monkeypatch.setenv("TOKEN", value)
    said = command("apply", workspace, "--secret", "TOKEN")
    assert said.code == 1
    assert f"the secret TOKEN {told}" in said.err
    assert value not in said.err
