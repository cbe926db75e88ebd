"""Rules of the build machine."""

import re
from collections.abc import Iterator

from generator.template import addresses
from generator.template.rules.base import Finding, rule
from generator.template.rules.names import LONGEST_SHOWN, wrong_names
from generator.template.rules.resource import IDENTITY, IDENTITY_SHAPE
from generator.template.rules.steps import CHECKSUM, CHECKSUM_SHAPE
from generator.template.schema import Optimize, VmProfile, VnetConfig

SUBNETS = "/subnets/"
SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+/?\Z",
    re.IGNORECASE,
)
SUBNET_SHAPE = "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.Network/virtualNetworks/V/subnets/S"
SIZE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
LARGEST_OS_DISK_GB = 4095  # Microsoft, "Scalability targets for VM disks": an OS disk has at most 4,095 GiB


@rule(VnetConfig)
def network(config: VnetConfig) -> Iterator[Finding]:
    """The container subnet needs `subnetId` and excludes a proxy (FORMAT.md 1.7)."""
    if config.container_instance_subnet_id and not config.subnet_id:
        yield Finding(("containerInstanceSubnetId",), "`containerInstanceSubnetId` needs `subnetId`", "add subnetId")
    if config.container_instance_subnet_id and config.proxy_vm_size:
        yield Finding(("proxyVmSize",), "`proxyVmSize` excludes `containerInstanceSubnetId`", "take one of them away")


@rule(VnetConfig)
def two_subnets(config: VnetConfig) -> Iterator[Finding]:
    """The container subnet is another one of the same network (FORMAT.md 1.7)."""
    machine = (config.subnet_id or "").rstrip("/").lower()
    container = (config.container_instance_subnet_id or "").rstrip("/").lower()
    if not machine or not container:
        return
    at = ("containerInstanceSubnetId",)
    if machine == container:
        yield Finding(at, "the containers need a subnet of their own", "name another subnet of the same network")
    elif machine.partition(SUBNETS)[0] != container.partition(SUBNETS)[0]:
        yield Finding(at, "both subnets must be of the same network", "name a subnet of subnetId's network")


@rule(VnetConfig)
def subnet_ids(config: VnetConfig) -> Iterator[Finding]:
    """A subnet is named by its id."""
    given = {"subnetId": config.subnet_id, "containerInstanceSubnetId": config.container_instance_subnet_id}
    for name, value in given.items():
        if value and not SUBNET.match(value):
            yield Finding((name,), "not the id of a subnet", f"write {SUBNET_SHAPE}")
        elif value:
            yield from wrong_names((name,), value)


@rule(VmProfile)
def machine_size(profile: VmProfile) -> Iterator[Finding]:
    """A size is one word; the disk of the system is no larger than Azure makes one."""
    if profile.vm_size and not SIZE.match(profile.vm_size):
        message = f"`{profile.vm_size[:LONGEST_SHOWN]}` is not the name of a VM size"
        yield Finding(("vmSize",), message, "use a name such as Standard_D2s_v3; `az vm list-sizes` has them")
    if profile.os_disk_size_gb > LARGEST_OS_DISK_GB:
        message = f"an OS disk has at most {LARGEST_OS_DISK_GB} GB, not {profile.os_disk_size_gb}"
        yield Finding(("osDiskSizeGB",), message, "use a smaller disk, and data disks on the machines that need more")


@rule(VmProfile)
def machine_identities(profile: VmProfile) -> Iterator[Finding]:
    """Identities of the build machine are named by their ids, each once (FORMAT.md 1.7)."""
    seen: set[str] = set()
    for index, one in enumerate(profile.user_assigned_identities):
        at = ("userAssignedIdentities", index)
        if not IDENTITY.match(one):
            yield Finding(at, "not the id of a user-assigned identity", IDENTITY_SHAPE, "warning")
        else:
            yield from wrong_names(at, one)
        if one.lower() in seen:
            yield Finding(at, "this identity stands twice", "take it away", "warning")
        seen.add(one.lower())


@rule(Optimize)
def workload_script(optimize: Optimize) -> Iterator[Finding]:
    """The script of `optimize.workload` is an address, with a checksum like others' (FORMAT.md 1.10)."""
    workload = optimize.workload
    if workload is None:
        return
    if workload.script_uri and (wrong := addresses.refusal(workload.script_uri)):
        yield Finding(("workload", "scriptUri"), wrong)
    if workload.sha256_checksum and not CHECKSUM.match(workload.sha256_checksum):
        yield Finding(("workload", "sha256Checksum"), "not a SHA-256 checksum in lower-case hex", CHECKSUM_SHAPE)
    elif workload.sha256_checksum and not workload.script_uri:
        yield Finding(("workload", "sha256Checksum"), "`sha256Checksum` goes only with `scriptUri`", "take it away")
