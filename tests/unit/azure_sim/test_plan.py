"""The stand-in's planning and checking, value by value: without Terraform."""

from typing import Any

import pytest

from tests.azure_sim.provider import check, plan
from tests.azure_sim.provider.schema import resource_fields
from tests.azure_sim.provider.translate import camel
from tests.azure_sim.provider.wire import UNKNOWN, decode, encode, is_unknown

NETWORK, MACHINE, VERSION = (
    f"azurerm_{name}" for name in ("virtual_network", "linux_virtual_machine", "shared_image_version")
)


def config(kind: str, **given: Any) -> dict[str, Any]:
    return {name: given.get(name, field.absent) for name, field in resource_fields(kind).items()}


def element(kind: str, block: str, **given: Any) -> dict[str, Any]:
    fields = resource_fields(kind)[block].fields
    return {name: given.get(name, field.absent) for name, field in fields.items()}


def test_defaults_and_unknowns_of_what_is_new() -> None:
    subnet = element(NETWORK, "subnet", name="s", address_prefixes=["10.0.0.0/24"])
    planned = plan.planned(resource_fields(NETWORK), config(NETWORK, name="n", subnet=[subnet]), None)
    assert planned["private_endpoint_vnet_policies"] == "Disabled"
    assert planned["bgp_community"] is None
    assert all(is_unknown(planned[name]) for name in ("id", "guid", "dns_servers"))
    assert planned["subnet"][0]["default_outbound_access_enabled"] is True
    assert planned["subnet"][0]["route_table_id"] is None
    assert is_unknown(planned["subnet"][0]["id"])


def test_a_set_keeps_what_its_equal_had() -> None:
    fields = resource_fields(NETWORK)
    asked = [element(NETWORK, "subnet", name=name, address_prefixes=[name]) for name in ("one", "two")]
    prior = plan.planned(fields, config(NETWORK, subnet=asked[:1]), None) | {"id": "net", "guid": "g"}
    prior["subnet"][0]["id"] = "first"
    planned = plan.planned(fields, config(NETWORK, subnet=list(reversed(asked))), prior)
    assert [one["name"] for one in planned["subnet"]] == ["two", "one"]
    assert is_unknown(planned["subnet"][0]["id"])
    assert planned["subnet"][1]["id"] == "first"
    assert planned["id"] == "net"


def test_a_refined_unknown_goes_back_as_it_came() -> None:
    refined = type(UNKNOWN)(12, b"\x81\x01\xc2")
    planned = plan.planned(resource_fields(NETWORK), config(NETWORK, name=refined), None)
    assert decode(encode(planned))["name"] == refined


@pytest.mark.parametrize(
    ("kind", "before", "after", "paths"),
    [
        (NETWORK, {"name": "a"}, {"name": "b"}, [("name",)]),
        (NETWORK, {"name": "a"}, {"name": UNKNOWN}, [("name",)]),
        (NETWORK, {"edge_zone": ""}, {"edge_zone": None}, []),
        (NETWORK, {"tags": {"a": "1"}}, {"tags": {"a": "2"}}, []),
        (MACHINE, {"os_disk": [{"name": "a"}]}, {"os_disk": [{"name": "b"}]}, [("os_disk", 0, "name")]),
        (MACHINE, {"plan": []}, {"plan": [{"name": "x"}]}, [("plan",), ("plan", 0, "name")]),
        (
            MACHINE,
            {"admin_ssh_key": [{"public_key": "a"}]},
            {"admin_ssh_key": [{"public_key": "b"}]},
            [("admin_ssh_key",)],
        ),
        (MACHINE, {"size": "a"}, {"size": "b"}, []),
        (VERSION, {"target_region": [{"name": "a"}]}, {"target_region": [{"name": "a"}, {"name": "b"}]}, []),
    ],
)
def test_what_forces_a_replacement(
    kind: str, before: dict[str, Any], after: dict[str, Any], paths: list[tuple[Any, ...]]
) -> None:
    assert plan.replacements(resource_fields(kind), config(kind, **before), config(kind, **after)) == paths


def test_locations_and_zero_values_are_no_change() -> None:
    fields = resource_fields(VERSION)
    regions = [element(VERSION, "target_region", name="West Europe", regional_replica_count=1)]
    planned = plan.planned(fields, config(VERSION, location="West Europe", target_region=regions), None)
    assert planned["location"] == planned["target_region"][0]["name"] == "westeurope"
    prior = planned | {"id": "v", "blob_uri": "", "tags": {}}
    assert plan.planned(fields, config(VERSION, location="West Europe", target_region=regions), prior) == prior


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (VERSION, {"managed_image_id": "a"}, []),
        (VERSION, {"managed_image_id": UNKNOWN}, []),
        (VERSION, {"managed_image_id": "a", "os_disk_snapshot_id": "b"}, ["only one of", "only one of", "only one of"]),
        (VERSION, {"managed_image_id": "a", "storage_account_id": "b"}, ["all of `blob_uri,storage_account_id`"]),
        ("azurerm_storage_blob", {"source": "a", "source_uri": "b"}, ["conflicts with source"] * 2),
        ("azurerm_storage_blob", {"source": "a", "source_uri": UNKNOWN}, ["conflicts with source"]),
        ("azurerm_key_vault_certificate", {}, ["one of `certificate,certificate_policy` must be specified"] * 2),
        ("azurerm_virtual_machine_run_command", {"source": [{"script": "a", "script_uri": "b"}]}, ["only one of"] * 3),
        ("azurerm_virtual_machine_run_command", {"source": UNKNOWN}, []),
    ],
)
def test_which_arguments_go_together(kind: str, given: dict[str, Any], said: list[str]) -> None:
    problems = check.problems(resource_fields(kind), config(kind, **given))
    assert len(problems) == len(said), problems
    for problem, words in zip(problems, said, strict=True):
        assert words in problem.detail


@pytest.mark.parametrize(
    ("name", "arm"),
    [
        ("name", "name"), ("public_ip_address_id", "publicIPAddressId"), ("ip_configuration", "ipConfiguration"),
        ("disk_size_gb", "diskSizeGB"), ("private_ip_address", "privateIPAddress"),
    ],
)  # fmt: skip
def test_names_of_arm(name: str, arm: str) -> None:
    assert camel(name) == arm
