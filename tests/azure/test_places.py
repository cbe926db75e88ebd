"""Where a build happens and where its state is: the user's group and subnet, other ways in, a state that is shared."""

import json
from pathlib import Path

import pytest

from generator.azure.lease import hold
from generator.azure.session import connect
from tests.azure.conftest import IMAGES, SUBSCRIPTION, USUAL, Azure, Write, grant_state
from tests.azure.making import COMMANDS, MACHINES, SHELL, private, shared
from tests.azure.rest import at_rest, nothing_left

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ours"
CHECK = {"inVMValidations": [{"type": "Shell", "name": "check", "inline": ["true"]}]}


def test_a_group_of_the_users_keeps_what_else_is_in_it(azure: Azure, template: Write, tmp_path: Path) -> None:
    """Also after a build that failed; names in it tell whose they are, and everything of ours has our tag."""
    image = azure.definition("web")
    subnet = private(azure)
    azure.cloud.put(GROUP, {"location": "westeurope"})
    azure.cloud.put(f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/machine", {"location": "westeurope"})
    (tmp_path / "motd").write_text("welcome")
    file = {"type": "File", "name": "motd", "sourceUri": str(tmp_path / "motd"), "destination": "/tmp/motd"}
    place = {"vmProfile": subnet, "stagingResourceGroup": GROUP, "validate": CHECK}
    path = template(SHELL, file, distribute=[shared(image)], **place)
    before = azure.names()
    out = tmp_path / "out"
    azure.cloud.set(scripts=[{"name": "010-hello", "times": 1, "exit_code": 1}, *USUAL])
    azure.imagegen("apply", path, "--out", out, code=1)
    nothing_left(azure, out, before)
    azure.imagegen("apply", out)
    machines = azure.cloud.asked(MACHINES)
    assert all(each["id"].startswith(f"{GROUP}/") for each in machines)
    assert all(each["id"].endswith("-" + each["tags"]["imagegen:workspace"][:8]) for each in machines)
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})


def test_one_extension_carries_all_steps(azure: Azure, template: Write, tmp_path: Path) -> None:
    """With `--communicator extension` there is no run command; what it cannot carry is refused."""
    azure.cloud.set(scripts=[{"match": "", "powers_off": True}])
    image = azure.definition("web")
    path = template(SHELL, SHELL | {"name": "again"}, vmProfile=private(azure), distribute=[shared(image)])
    before = azure.names()
    out = tmp_path / "out"
    azure.imagegen("apply", path, "--out", out, "--communicator", "extension")
    assert len(azure.cloud.asked(f"{MACHINES}/extensions")) == 1
    assert azure.cloud.asked(COMMANDS) == []
    at_rest(azure, out, before, {f"{image}/versions/1.0.0"})
    file = {"type": "File", "name": "motd", "sourceUri": str(path), "destination": "/tmp/motd"}
    path = template(file, name="file", vmProfile=private(azure), distribute=[shared(image)])
    refused = azure.imagegen("apply", path, "--out", tmp_path / "no", "--communicator", "extension", code=1)
    assert "one extension cannot carry File" in refused.stderr
    azure.imagegen.environment["TOKEN"] = "hunter2"
    refused = azure.imagegen("apply", out, "--secret", "TOKEN", code=1)
    assert "one extension cannot carry secrets" in refused.stderr
    assert not (out / ".imagegen").exists()


def test_a_bastion_leads_to_a_private_machine(azure: Azure, template: Write, tmp_path: Path) -> None:
    """The steps are those of SSH, and every connection goes through the bastion."""
    image = azure.definition("web")
    azure.imagegen.environment["IMAGEGEN_BASTION_HOST"] = "ops@jump.example:2222"
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    planned = json.loads(azure.imagegen("plan", path, "--out", tmp_path / "out", "--json").stdout)
    addresses = [change["address"] for phase in planned["phases"] for change in phase["changes"]]
    assert any(address.startswith("module.step_010_hello") for address in addresses)
    assert not any("public_ip" in address or "run_command" in address for address in addresses)
    values = json.loads((tmp_path / "out/template.auto.tfvars.json").read_text())
    assert values["bastion"] == {"host": "jump.example", "port": 2222, "user": "ops"}


def test_a_second_build_of_a_shared_state_is_refused(
    azure: Azure, template: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told who builds; nothing is begun. So is a cleanup, which would end that build."""
    image = azure.definition("web")
    azure.container()
    where = {
        "resource_group_name": "images",
        "storage_account_name": "vault",
        "container_name": "vhds",
        "key": "web.tfstate",
    }
    backend = "azurerm:" + ",".join(f"{name}={value}" for name, value in where.items())
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(image)])
    out = tmp_path / "out"
    azure.imagegen("generate", path, "--out", out, "--backend", backend)
    assert 'backend "azurerm"' in (out / "terraform.tf").read_text()
    grant_state(azure, f"{IMAGES}/providers/Microsoft.Storage/storageAccounts/vault")
    before = azure.names()
    azure.imagegen.environment["CI"] = "true"  # where such a state may be used
    monkeypatch.setenv("SSL_CERT_FILE", azure.imagegen.environment["SSL_CERT_FILE"])
    with hold(connect(SUBSCRIPTION, azure.imagegen.environment), where, "1.0.7"):
        for command in ("apply", "cleanup"):
            refused = azure.imagegen(command, out, code=1)
            assert "another build of this state is under way" in refused.stderr
            assert "version 1.0.7" in refused.stderr
    assert azure.names() == before
    assert azure.cloud.asked(MACHINES) == []
