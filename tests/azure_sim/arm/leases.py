"""Leases of blobs and containers: one holder at a time."""

import math
import time
from uuid import uuid4

from tests.azure_sim.arm.blobs import Blob, Lease
from tests.azure_sim.arm.web import Answer, Request
from tests.azure_sim.errors import CloudError


def lease(blob: Blob, request: Request) -> Answer:
    """Acquire, renew, change, release or break; none of it changes the ETag."""
    action = request.headers.get("x-ms-lease-action", "").lower()
    given = request.headers.get("x-ms-lease-id", "")
    headers = {"ETag": blob.etag, "Last-Modified": blob.modified}
    if action == "acquire":
        blob.lease = _acquired(blob.lease, request)
        return Answer(201, b"", headers | {"x-ms-lease-id": blob.lease.id})
    if action == "break":
        return Answer(202, b"", headers | {"x-ms-lease-time": str(_break(blob.lease, request))})
    if action not in ("renew", "release", "change"):
        raise CloudError(
            400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format."
        )
    if not blob.lease.id:
        raise CloudError(409, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the blob.")
    if given != blob.lease.id:
        raise CloudError(
            409, "LeaseIdMismatchWithLeaseOperation", "The lease ID specified did not match the lease ID for the blob."
        )
    if action == "release":
        blob.lease = Lease()
        return Answer(200, b"", headers)
    if blob.lease.broken:
        raise CloudError(409, "LeaseIsBrokenAndCannotBeRenewed", "The lease ID matched, but the lease has been broken.")
    if action == "change":
        blob.lease.id = request.headers.get("x-ms-proposed-lease-id", "")
    blob.lease.ends = time.time() + blob.lease.duration
    return Answer(200, b"", headers | {"x-ms-lease-id": blob.lease.id})


def check(blob: Blob, request: Request) -> None:
    """Refuse a change of a leased blob by anybody but the holder."""
    given = request.headers.get("x-ms-lease-id", "")
    if blob.lease.locked and not given:
        raise CloudError(
            412,
            "LeaseIdMissing",
            "There is currently a lease on the blob and no lease ID was specified in the request.",
        )
    if blob.lease.locked and given != blob.lease.id:
        raise CloudError(
            412, "LeaseIdMismatchWithBlobOperation", "The lease ID specified did not match the lease ID for the blob."
        )
    if given and not blob.lease.locked:
        code = "LeaseLost" if blob.lease.id else "LeaseNotPresentWithBlobOperation"
        raise CloudError(412, code, "A lease ID was specified, but the lease for the blob has expired or is not there.")


def headers(one: Lease) -> dict[str, str]:
    """What a blob's properties say of its lease."""
    shown = {"x-ms-lease-status": "locked" if one.locked else "unlocked", "x-ms-lease-state": one.state}
    if one.locked:
        shown["x-ms-lease-duration"] = "infinite" if one.duration == -1 else "fixed"
    return shown


def _acquired(old: Lease, request: Request) -> Lease:
    duration = int(request.headers.get("x-ms-lease-duration", "0"))
    if duration != -1 and not 15 <= duration <= 60:
        raise CloudError(
            400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format."
        )
    proposed = request.headers.get("x-ms-proposed-lease-id") or str(uuid4())
    if old.locked and proposed != old.id:
        raise CloudError(409, "LeaseAlreadyPresent", "There is already a lease present.")
    return Lease(proposed, duration, time.time() + duration)


def _break(held: Lease, request: Request) -> int:
    if not held.id:
        raise CloudError(409, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the blob.")
    period = request.headers.get("x-ms-lease-break-period")
    left = 0 if held.duration == -1 or not held.locked else max(0, math.ceil(held.ends - time.time()))
    wait = left if period is None else int(period) if held.duration == -1 else min(int(period), left)
    held.broken, held.ends = True, time.time() + wait
    return wait
