"""What the simulated Azure refuses, by the numbers of the facts: without Terraform."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.azure_sim.cloud import Cloud
from tests.azure_sim.errors import CloudError
from tests.unit.azure_sim.making import (
    COMPUTE,
    DEFINITION,
    FROM_IMAGE,
    FROM_MACHINE,
    GROUP,
    IMAGE,
    MACHINE,
    NETWORK,
    PLAN,
    TRUSTED,
    VERSION,
    definition,
    image,
    machine,
    put,
    version,
)


def test_the_ways_to_an_image_that_azure_has(cloud: Cloud) -> None:
    machine(cloud)
    definition(cloud)
    assert version(cloud, FROM_MACHINE)["properties"]["provisioningState"] == "Succeeded"
    cloud.delete(VERSION)
    cloud.delete(DEFINITION)

    image(cloud)
    definition(cloud, "TrustedLaunchSupported")
    version(cloud, FROM_IMAGE)
    cloud.delete(GROUP)

    put(cloud, GROUP)
    put(cloud, f"{COMPUTE}/galleries/g")
    machine(cloud, **TRUSTED)
    definition(cloud, "TrustedLaunch")
    version(cloud, FROM_MACHINE)


@pytest.mark.parametrize("security", ["TrustedLaunchSupported", "ConfidentialVmSupported"])
def test_fact_4_no_machine_for_a_supported_definition(cloud: Cloud, security: str) -> None:
    machine(cloud)
    definition(cloud, security)
    with pytest.raises(
        CloudError, match=r"InvalidParameter: The security type '.*Supported' is not supported for the so"
    ):
        version(cloud, FROM_MACHINE)
    assert cloud.get(VERSION) is None


def test_fact_4_security_types_match(cloud: Cloud) -> None:
    machine(cloud, **TRUSTED)
    definition(cloud)
    with pytest.raises(CloudError, match="does not match 'Standard'"):
        version(cloud, FROM_MACHINE)
    definition(cloud, "TrustedLaunch")
    put(cloud, IMAGE, hyperVGeneration="V2")
    with pytest.raises(CloudError, match="not supported for the source id"):
        version(cloud, FROM_IMAGE)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (TRUSTED, "not supported for virtual machine with TrustedLaunch"),
        ({"sku": "12-arm64-gen2"}, "not supported for Arm64"),
        ({"generalized": False}, "is not generalized"),
        ({"sku": "12"}, "hyperVGeneration does not match"),
    ],
)
def test_facts_4_and_10_managed_images(cloud: Cloud, how: dict[str, Any], said: str) -> None:
    machine(cloud, **how)
    with pytest.raises(CloudError, match=said):
        image(cloud)


def test_fact_10_an_image_keeps_its_source_and_its_generation(cloud: Cloud) -> None:
    machine(cloud)
    image(cloud)
    with pytest.raises(CloudError, match="PropertyChangeNotAllowed"):
        image(cloud, name=f"{MACHINE}2")
    definition(cloud, generation="V1")
    with pytest.raises(CloudError, match="The generation 'V2' of the source does not match 'V1'"):
        version(cloud, FROM_IMAGE)
    with pytest.raises(CloudError, match="The generation 'V2' of the source does not match 'V1'"):
        version(cloud, FROM_MACHINE)


def test_a_version_needs_a_source_that_is_generalized(cloud: Cloud) -> None:
    definition(cloud)
    with pytest.raises(CloudError, match="was not found"):
        version(cloud, FROM_MACHINE)
    machine(cloud, generalized=False)
    with pytest.raises(CloudError, match="is not generalized"):
        version(cloud, FROM_MACHINE)


@pytest.mark.parametrize(
    "properties",
    [
        {"networkProfile": {"networkInterfaces": [{"id": f"{NETWORK}/networkInterfaces/none"}]}},
        {"storageProfile": {"imageReference": {"id": IMAGE}}},
    ],
)
def test_a_machine_is_made_of_what_exists(cloud: Cloud, properties: dict[str, Any]) -> None:
    with pytest.raises(CloudError, match="was not found"):
        put(cloud, MACHINE, **properties)


def test_fact_16_regions_and_plans(cloud: Cloud) -> None:
    machine(cloud, plan=PLAN)
    definition(cloud)
    with pytest.raises(CloudError, match="replication regions must include the region 'westeurope'"):
        version(cloud, FROM_MACHINE, ("northeurope",))
    with pytest.raises(CloudError, match="purchase plan"):
        version(cloud, FROM_MACHINE)
    definition(cloud, purchasePlan=PLAN)
    version(cloud, FROM_MACHINE)


@pytest.mark.parametrize("kind", ["extensions", "runCommands"])
def test_fact_5_extensions_need_a_machine_that_runs(cloud: Cloud, kind: str) -> None:
    machine(cloud, generalized=False)
    put(cloud, f"{MACHINE}/{kind}/x", publisher="p", type="t")
    cloud.act(MACHINE, "deallocate")
    requests: list[Callable[[], object]] = [
        lambda: cloud.delete(f"{MACHINE}/{kind}/x"),
        lambda: put(cloud, f"{MACHINE}/{kind}/y"),
    ]
    for forbidden in requests:
        with pytest.raises(
            CloudError, match="Cannot modify extensions in the VM when the VM is not running"
        ) as refused:
            forbidden()
        assert refused.value.status == 409
    cloud.delete(GROUP)  # the way out
    assert cloud.resources() == []


def test_fact_8_one_extension_of_a_handler(cloud: Cloud) -> None:
    machine(cloud, generalized=False)
    script = {"publisher": "Microsoft.Compute", "type": "CustomScriptExtension"}
    put(cloud, f"{MACHINE}/extensions/one", **script)
    put(cloud, f"{MACHINE}/extensions/one", **script)
    put(cloud, f"{MACHINE}/extensions/other", publisher="Microsoft.Azure.Extensions", type="CustomScript")
    with pytest.raises(CloudError, match="Multiple VMExtensions per handler not supported"):
        put(cloud, f"{MACHINE}/extensions/two", **script)


def test_a_generalized_machine_does_not_start(cloud: Cloud) -> None:
    machine(cloud, generalized=False)
    with pytest.raises(CloudError, match="'generalize' is not allowed"):
        cloud.act(MACHINE, "generalize")
    cloud.act(MACHINE, "powerOff")
    cloud.act(MACHINE, "start")
    before = cloud.act(MACHINE, "restart")["state"]["booted_at"]
    assert cloud.act(MACHINE, "restart")["state"]["booted_at"] > before
    cloud.act(MACHINE, "deallocate")
    cloud.act(MACHINE, "generalize")
    for action in ("start", "restart"):
        with pytest.raises(CloudError, match="since the VM is generalized"):
            cloud.act(MACHINE, action)


def test_fact_21_a_request_is_small(cloud: Cloud) -> None:
    with pytest.raises(CloudError, match="4 MB") as refused:
        put(cloud, f"{COMPUTE}/disks/d", content="x" * 4 * 1024 * 1024)
    assert refused.value.status == 413


def test_fact_22_the_end_of_the_output(cloud: Cloud) -> None:
    machine(cloud, generalized=False)
    cloud.set(scripts=[{"match": "long", "output": "a" * 5000 + "end", "reboots": True}])
    booted = cloud.resources(arm_type="Microsoft.Compute/virtualMachines")[0]["state"]["booted_at"]
    shown = put(cloud, f"{MACHINE}/runCommands/x", source={"script": "a long one"})["properties"]["instanceView"]
    assert (len(shown["output"]), shown["output"][-4:], shown["exitCode"]) == (4096, "aend", 0)
    assert cloud.resources(arm_type="Microsoft.Compute/virtualMachines")[0]["state"]["booted_at"] > booted


def test_one_grant_a_disk(cloud: Cloud) -> None:
    machine(cloud, generalized=False)
    (disk,) = cloud.resources(arm_type="Microsoft.Compute/disks")
    with pytest.raises(CloudError, match="attached to the running VM 'm'"):
        put(cloud, f"{disk['id']}/grants/sas")
    cloud.act(MACHINE, "deallocate")
    assert "sig=" in put(cloud, f"{disk['id']}/grants/sas")["properties"]["accessSAS"]
    with pytest.raises(CloudError, match="already has an active shared access signature"):
        put(cloud, f"{disk['id']}/grants/sas")


def test_what_holds_others_or_is_used_stays(cloud: Cloud) -> None:
    definition(cloud)
    with pytest.raises(CloudError, match="CannotDeleteResource"):
        cloud.delete(f"{COMPUTE}/galleries/g")
    network = f"{NETWORK}/virtualNetworks/n"
    put(cloud, network, subnets=[{"name": "s", "addressPrefixes": ["10.0.0.0/24"]}])
    put(cloud, f"{NETWORK}/networkInterfaces/i", ipConfigurations=[{"subnetId": f"{network}/subnets/s"}])
    for used in (network, f"{network}/subnets/s"):
        with pytest.raises(CloudError, match=r"is in use by .*networkInterfaces/i"):
            cloud.delete(used)
    with pytest.raises(CloudError, match="is in use"):
        put(cloud, network, subnets=[])
    cloud.delete(f"{NETWORK}/networkInterfaces/i")
    put(cloud, network, subnets=[])
    assert cloud.get(f"{network}/subnets/s") is None
