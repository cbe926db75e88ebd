"""The stand-in shows Terraform azurerm's own schema, and serves every type in it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.azure_sim.cloud import Cloud
from tests.azure_sim.mirror import SUBSCRIPTION
from tests.azure_sim.provider import data, plan
from tests.azure_sim.provider.crud import Client, importable
from tests.azure_sim.provider.kinds import KINDS
from tests.azure_sim.provider.schema import ADDRESS, DATA, Field, Fields, data_fields, provider_schema, resource_fields
from tests.azure_sim.provider.wire import known
from tests.unit.azure_sim.conftest import Workspace
from tests.unit.azure_sim.making import GROUP

VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/v"
MACHINE = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/m"
# Arguments that name another resource, so that a thing of every type finds what it is part of.
GIVEN = {
    "resource_group_name": "rg", "gallery_name": "g", "image_name": "i", "virtual_network_name": "n",
    "network_security_group_name": "s", "location": "westeurope", "name": "one", "scope": GROUP, "lun": 1,
    "key_vault_id": VAULT, "virtual_machine_id": MACHINE,
    "managed_disk_id": f"{GROUP}/providers/Microsoft.Compute/disks/d",
    "storage_account_id": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a",
    "storage_container_id": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a/blobServices/default/containers/c",
    "subnet_id": f"{GROUP}/providers/Microsoft.Network/virtualNetworks/n/subnets/n",
    "nat_gateway_id": f"{GROUP}/providers/Microsoft.Network/natGateways/n",
    "network_interface_id": f"{GROUP}/providers/Microsoft.Network/networkInterfaces/n",
}  # fmt: skip


def required(type_name: str) -> set[str]:
    """The arguments a type cannot do without."""
    block = provider_schema()["resource_schemas"][type_name]["block"]
    attributes = {name for name, one in block.get("attributes", {}).items() if one.get("required")}
    return attributes | {name for name, one in block.get("block_types", {}).items() if one.get("min_items")}


def something(field: Field) -> Any:
    """A value for an argument."""
    if field.name in GIVEN:
        return GIVEN[field.name]
    inner: Any = ["text"]
    if field.fields:
        told = {name for name, one in field.fields.items() if one.optional or one.block or not one.computed}
        inner = [{name: something(one) if name in told else None for name, one in field.fields.items()}]
    return {"string": "text", "number": 1, "bool": True, "map": {"key": "text"}}.get(field.shape, inner)


def configuration(type_name: str, *, everything: bool = False) -> dict[str, Any]:
    """A configuration with what is required, or with all that can be said (which azurerm would refuse)."""
    wanted = required(type_name)
    return {
        name: something(one)
        if name in wanted or (everything and (one.optional or one.block) and name not in ("id", "timeouts"))
        else one.absent
        for name, one in resource_fields(type_name).items()
    }


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """A client of a cloud in which everything has what it is part of."""
    cloud = Cloud(tmp_path / "cloud.json")
    cloud.put(GROUP, {"location": "westeurope"})
    compute, network = (f"{GROUP}/providers/Microsoft.{space}" for space in ("Compute", "Network"))
    for parent in (VAULT, GIVEN["managed_disk_id"], GIVEN["storage_account_id"], GIVEN["storage_container_id"],
                   f"{network}/virtualNetworks/n", GIVEN["subnet_id"], GIVEN["nat_gateway_id"],
                   GIVEN["network_interface_id"], f"{network}/networkSecurityGroups/s", MACHINE,
                   f"{compute}/galleries/g", f"{compute}/galleries/g/images/i"):  # fmt: skip
        cloud.put(str(parent), {"location": "westeurope"})
    return Client(cloud, SUBSCRIPTION)


def test_terraform_sees_the_schema_of_azurerm(workspace: Workspace) -> None:
    workspace.write("")
    shown = subprocess.run(
        ["terraform", "providers", "schema", "-json"],
        cwd=workspace.folder, env={"PATH": "/usr/bin:/bin:/usr/local/bin", **workspace.sim.env},
        capture_output=True, check=True,
    )  # fmt: skip
    own = json.loads((DATA / "schema.json").read_bytes())["provider_schemas"][ADDRESS]
    theirs = json.loads(shown.stdout)["provider_schemas"][ADDRESS]
    assert sorted(own) == sorted(theirs) == ["data_source_schemas", "functions", "provider", "resource_schemas"]
    for part in own:
        assert theirs[part] == own[part], part


def test_every_type_has_its_place() -> None:
    assert set(KINDS) == set(provider_schema()["resource_schemas"])


@pytest.mark.parametrize("everything", [False, True], ids=["required", "everything"])
@pytest.mark.parametrize("type_name", sorted(KINDS))
def test_every_type_lives_and_then_rests(type_name: str, everything: bool, client: Client) -> None:
    fields = resource_fields(type_name)
    config = configuration(type_name, everything=everything)
    if type_name == "azurerm_resource_group":
        config["name"] = "another"
    if type_name == "azurerm_shared_image_version":
        config["target_region"][0]["name"] = "West Europe"
        config["managed_image_id"] = None
    if type_name.endswith("_virtual_machine"):
        config.update(
            network_interface_ids=[GIVEN["network_interface_id"]], source_image_id=None, os_managed_disk_id=None
        )
    if type_name == "azurerm_image":
        config["source_virtual_machine_id"] = None

    planned = plan.planned(fields, config, None)
    secrets = {name: config[name] for name, one in fields.items() if one.write_only}
    state = client.create(type_name, known(planned), known(planned) | secrets)
    assert_whole(fields, state)
    for name in secrets:
        assert state[name] is None

    assert client.read(type_name, state) == state
    proposed = {
        name: state[name] if one.computed and not config[name] else config[name] for name, one in fields.items()
    }
    again = plan.planned(fields, proposed, state)
    assert plan.replacements(fields, state, again) == []
    assert {name: again[name] for name in fields if not plan.same(again[name], state[name])} == {}

    client.delete(type_name, state)
    assert client.read(type_name, state) is None


def assert_whole(fields: Fields, state: dict[str, Any]) -> None:
    """A state has every field, each of its type, and nothing computed is missing."""
    assert set(state) == set(fields)
    for name, one in fields.items():
        assert not (one.computed and state[name] is None), name
        if one.fields and one.shape in ("list", "set"):
            for item in state[name]:
                assert_whole(one.fields, item)
        elif not one.fields:
            assert fits(one.type, state[name]), (name, one.type, state[name])


def fits(kind: Any, value: Any) -> bool:
    """Whether a value is of a type as the schema writes it, or null."""
    simple: dict[str, type | tuple[type, ...]] = {"string": str, "bool": bool, "number": (int, float)}
    if value is None:
        return True
    if isinstance(kind, str):
        return isinstance(value, simple[kind])
    inner = value.values() if kind[0] == "map" else value
    return isinstance(value, dict if kind[0] == "map" else list) and all(fits(kind[1], one) for one in inner)


@pytest.mark.parametrize("type_name", sorted(name for name, kind in KINDS.items() if not kind.id))
def test_an_id_tells_what_it_was_made_of(type_name: str) -> None:
    kind = KINDS[type_name]
    names = {name: str(GIVEN.get(name, "text")) for name in kind.names}
    text = kind.terraform_id(names, SUBSCRIPTION)
    state = importable(type_name, text)
    assert state is not None
    assert {name: state[name] for name in names} == names
    assert importable(type_name, text + "/more/x") is None or "_id" in kind.arm


SIMPLE_DATA = ("azurerm_client_config", "azurerm_subscription", "azurerm_platform_image", "azurerm_location")
LISTS = ("azurerm_images", "azurerm_shared_image_versions")


@pytest.mark.parametrize("name", sorted(provider_schema()["data_source_schemas"]))
def test_every_data_source_is_read_whole(name: str, client: Client) -> None:
    kind = data.RESOURCES.get(name, name)
    if name not in (*SIMPLE_DATA, *LISTS):
        planned = known(plan.planned(resource_fields(kind), configuration(kind), None))
        planned["name"] = planned.get("name") and "one"
        if name == "azurerm_resource_group":
            planned["name"] = "another"
        if name == "azurerm_shared_image_version":
            planned.update(managed_image_id=None, name="1.0.0")
            planned["target_region"][0]["name"] = "westeurope"
        if kind == "azurerm_linux_virtual_machine":
            planned["network_interface_ids"] = []
        planned = client.create(kind, planned, planned)
    else:
        planned = GIVEN | {"publisher": "p", "offer": "o", "sku": "s"}
    fields = data_fields(name)
    block = provider_schema()["data_source_schemas"][name]["block"]["attributes"]
    asked = {key for key, one in block.items() if one.get("required")} | {"name", "role_definition_id", "scope"}
    config = {key: planned.get(key) if key in asked else one.absent for key, one in fields.items()}
    state = data.read(client, name, config)
    assert state["id"]
    assert_whole(fields, state)
