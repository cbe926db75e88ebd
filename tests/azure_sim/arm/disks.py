"""Disks and snapshots: shared access signatures for their bytes, one at a time."""

from collections.abc import Mapping

from tests.azure_sim.arm import shapes
from tests.azure_sim.arm.common import begun, canonical, not_found
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.web import Answer, Request
from tests.azure_sim.arm_id import ArmId
from tests.azure_sim.contents import Resource

Parts = Mapping[str, str]
SECTOR = 512
CONTENT_BYTES = 64 * 1024


def grant(arm: Arm, request: Request, parts: Parts) -> Answer:
    """An address for the disk's bytes; the operation ends with it."""
    target = _disk(arm, request)
    asked = request.json()
    record = arm.cloud.put(f"{target.text}/grants/sas", {"properties": asked})
    return begun(arm, record, {"accessSAS": record["properties"]["accessSAS"]})


def revoke(arm: Arm, request: Request, parts: Parts) -> Answer:
    """End the access; that there was none is no error."""
    target = _disk(arm, request)
    record = arm.cloud.delete(f"{target.text}/grants/sas")
    return Answer(200) if record is None else begun(arm, record)


def expanded(arm: Arm, record: Resource, body: shapes.Body, expand: str) -> shapes.Body:
    """A disk with its state and its size."""
    granted = bool(arm.cloud.resources(under=record["id"], arm_type=f"{record['type']}/grants"))
    attached = "Attached" if record["properties"].get("managedBy") else "Unattached"
    size = int(record["properties"].get("diskSizeGB") or 30)
    body["properties"] |= {
        "diskState": "ActiveSAS" if granted else attached, "diskSizeGB": size, "diskSizeBytes": size * 1024**3,
    }  # fmt: skip
    return body


def content(arm: Arm, place: str) -> bytes | None:
    """The bytes behind the address of a grant; None without one: a small fixed VHD, the same for a disk each time."""
    for one in arm.cloud.resources():
        if one["type"].lower().endswith("/grants") and one["state"].get("place") == place:
            name = ArmId(one["id"]).parent
            text = f"simulated disk {name.name if name else ''}".encode()
            return text.ljust(CONTENT_BYTES, b"\0") + b"conectix".ljust(SECTOR, b"\0")
    return None


def _disk(arm: Arm, request: Request) -> ArmId:
    target = canonical(request.path.rpartition("/")[0])
    if not arm.cloud.exists(target.text):
        raise not_found(arm, target)
    return target
