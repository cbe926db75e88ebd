"""Rules of the build machine."""

from collections.abc import Iterator

from generator.template import addresses
from generator.template.rules.base import Finding, rule
from generator.template.rules.resource import IDENTITY, IDENTITY_SHAPE
from generator.template.rules.steps import CHECKSUM, CHECKSUM_SHAPE
from generator.template.schema import Optimize, VmProfile, VnetConfig

SUBNETS = "/subnets/"


@rule(VnetConfig)
def network(config: VnetConfig) -> Iterator[Finding]:
    """The container subnet needs `subnetId` and excludes a proxy (aib-reference 1.7)."""
    if config.container_instance_subnet_id and not config.subnet_id:
        yield Finding(("containerInstanceSubnetId",), "`containerInstanceSubnetId` needs `subnetId`", "add subnetId")
    if config.container_instance_subnet_id and config.proxy_vm_size:
        yield Finding(("proxyVmSize",), "`proxyVmSize` excludes `containerInstanceSubnetId`", "take one of them away")


@rule(VnetConfig)
def two_subnets(config: VnetConfig) -> Iterator[Finding]:
    """The container subnet is another one of the same network (aib-reference 1.7)."""
    machine, container = (config.subnet_id or "").lower(), (config.container_instance_subnet_id or "").lower()
    if not machine or not container:
        return
    at = ("containerInstanceSubnetId",)
    if machine == container:
        yield Finding(at, "the containers need a subnet of their own", "name another subnet of the same network")
    elif machine.partition(SUBNETS)[0] != container.partition(SUBNETS)[0]:
        yield Finding(at, "both subnets must be of the same network", "name a subnet of subnetId's network")


@rule(VnetConfig)
def subnet_ids(config: VnetConfig) -> Iterator[Finding]:
    """A subnet is named by its id (aib-reference 1.7)."""
    given = {"subnetId": config.subnet_id, "containerInstanceSubnetId": config.container_instance_subnet_id}
    for name, value in given.items():
        if value and not (value.startswith("/subscriptions/") and SUBNETS in value):
            hint = (
                "write /subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.Network/virtualNetworks/V/subnets/S"
            )
            yield Finding((name,), "not the id of a subnet", hint, "warning")


@rule(VmProfile)
def machine_identities(profile: VmProfile) -> Iterator[Finding]:
    """Identities of the build machine are named by their ids, each once (aib-reference 1.7)."""
    seen: set[str] = set()
    for index, one in enumerate(profile.user_assigned_identities):
        at = ("userAssignedIdentities", index)
        if not IDENTITY.match(one):
            yield Finding(at, "not the id of a user-assigned identity", IDENTITY_SHAPE, "warning")
        if one.lower() in seen:
            yield Finding(at, "this identity stands twice", "take it away", "warning")
        seen.add(one.lower())


@rule(Optimize)
def workload_script(optimize: Optimize) -> Iterator[Finding]:
    """The script of `optimize.workload` is an address, with a checksum like others' (aib-reference 1.10)."""
    workload = optimize.workload
    if workload is None:
        return
    if workload.script_uri and (wrong := addresses.refusal(workload.script_uri)):
        yield Finding(("workload", "scriptUri"), wrong)
    if workload.sha256_checksum and not CHECKSUM.match(workload.sha256_checksum):
        yield Finding(("workload", "sha256Checksum"), "not a SHA-256 checksum in lower-case hex", CHECKSUM_SHAPE)
    elif workload.sha256_checksum and not workload.script_uri:
        yield Finding(("workload", "sha256Checksum"), "`sha256Checksum` goes only with `scriptUri`", "take it away")
