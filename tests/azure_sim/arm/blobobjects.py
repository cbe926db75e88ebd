"""One blob: put whole, by blocks or by pages, read, leased, copied to, deleted."""

import base64
import hashlib
import re
from collections.abc import Callable

from tests.azure_sim.arm import copies, leases, xml
from tests.azure_sim.arm.blobs import Blob
from tests.azure_sim.arm.copies import Place
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.web import Answer, Request
from tests.azure_sim.errors import CloudError


def serve(arm: Arm, request: Request, place: Place) -> Answer:
    """Answer a request about a blob whose container exists."""
    blob = arm.blobs.container(*place[:2]).blobs.get(place[2])
    comp = request.query.get("comp", "")
    if request.method == "PUT" and comp in ("", "block", "blocklist"):
        return _put(arm, request, place, blob, comp)
    if blob is None or _is_uncommitted(blob):
        raise CloudError(404, "BlobNotFound", "The specified blob does not exist.")
    if request.method == "PUT":
        return _changed(request, blob, comp)
    _check_conditions(request, blob)
    if request.method == "DELETE":
        leases.check(blob, request)
        del arm.blobs.container(*place[:2]).blobs[place[2]]
        return Answer(202)
    if comp == "blocklist":
        return xml.document("BlockList", {"CommittedBlocks": "", "UncommittedBlocks": ""})
    if comp == "pagelist":
        return xml.pages(len(blob.content))
    return bytes_of(request, blob.content, _headers(arm, blob))


def bytes_of(request: Request, content: bytes, headers: dict[str, str]) -> Answer:
    """Bytes, or the range of them that is asked for."""
    headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream", **headers}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("x-ms-range") or request.headers.get("range", ""))
    if request.method == "HEAD" or not asked:
        return Answer(200, content if request.method == "GET" else b"", headers | {"Content-Length": str(len(content))})
    first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if first >= len(content):
        raise CloudError(416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
    part = content[first : last + 1]
    return Answer(206, part, headers | {"Content-Range": f"bytes {first}-{last}/{len(content)}"})


def _put(arm: Arm, request: Request, place: Place, blob: Blob | None, comp: str) -> Answer:
    """Put Blob, Copy Blob, Put Block, Put Block List."""
    blobs = arm.blobs.container(*place[:2]).blobs
    if comp == "block":
        staged = blobs.setdefault(place[2], Blob(kind=""))
        staged.blocks[request.query["blockid"]] = request.body
        return Answer(201, b"", _digest(request.body))
    existing = None if blob is None or _is_uncommitted(blob) else blob
    _check_conditions(request, existing)
    if existing:
        leases.check(existing, request)
    if "x-ms-copy-source" in request.headers:
        return copies.begin(arm, place, request)
    new = Blob(
        kind=request.headers.get("x-ms-blob-type", "BlockBlob"),
        content=_content(request, blob, comp),
        content_type=request.headers.get("x-ms-blob-content-type") or "application/octet-stream",
        metadata=copies.metadata(request),
    )
    if existing:
        new.lease, new.created = existing.lease, existing.created
    blobs[place[2]] = new
    return Answer(201, b"", _marks(new) | _digest(request.body))


def _content(request: Request, blob: Blob | None, comp: str) -> bytes:
    """What a new blob holds: the body, the blocks that the body lists, or as many zeros as a page blob is long."""
    if comp == "blocklist":
        blocks = blob.blocks if blob else {}
        names = xml.block_names(request.body)
        if missing := [name for name in names if name not in blocks]:
            raise CloudError(400, "InvalidBlockList", f"The specified block list is invalid: {missing[0]}.")
        return b"".join(blocks[name] for name in names)
    if request.headers.get("x-ms-blob-type") == "PageBlob":
        size = int(request.headers.get("x-ms-blob-content-length", "0"))
        if size % 512:
            raise CloudError(400, "InvalidHeaderValue", "A page blob's length is a multiple of 512 bytes.")
        return bytes(size)
    return request.body


def _changed(request: Request, blob: Blob, comp: str) -> Answer:
    """What changes a blob in its place."""
    if comp == "lease":
        _check_conditions(request, blob)
        return leases.lease(blob, request)
    leases.check(blob, request)
    if comp == "copy":
        return copies.abort(blob, request)
    change: Callable[[Request, Blob], int] | None = {
        "page": _put_page, "metadata": _put_metadata, "properties": _put_properties, "tier": lambda *_: 200,
    }.get(comp)  # fmt: skip
    if change is None:
        raise CloudError(400, "UnsupportedOperation", "The simulated blob service does not know this.")
    _check_conditions(request, blob)
    status = change(request, blob)
    blob.touch()
    return Answer(status, b"", _marks(blob) | {"x-ms-blob-sequence-number": "0"})


def _put_page(request: Request, blob: Blob) -> int:
    asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("x-ms-range") or request.headers.get("range", ""))
    if blob.kind != "PageBlob" or not asked:
        raise CloudError(409, "InvalidBlobType", "The blob type is invalid for this operation.")
    first, after = int(asked[1]), int(asked[2]) + 1
    if first % 512 or after % 512 or after > len(blob.content):
        raise CloudError(416, "InvalidPageRange", "The page range specified is invalid.")
    clears = request.headers.get("x-ms-page-write") == "clear"
    pages = bytes(after - first) if clears else request.body
    blob.content = blob.content[:first] + pages + blob.content[after:]
    return 201


def _put_metadata(request: Request, blob: Blob) -> int:
    blob.metadata = copies.metadata(request)
    return 200


def _put_properties(request: Request, blob: Blob) -> int:
    if size := request.headers.get("x-ms-blob-content-length"):
        blob.content = blob.content[: int(size)].ljust(int(size), b"\0")
    blob.content_type = request.headers.get("x-ms-blob-content-type") or blob.content_type
    return 200


def _check_conditions(request: Request, blob: Blob | None) -> None:
    """If-Match and If-None-Match."""
    match, none = request.headers.get("if-match"), request.headers.get("if-none-match")
    failed = CloudError(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
    if match and (blob is None or (match not in ("*", blob.etag))):
        raise failed
    if blob and none == "*" and request.method == "PUT":
        raise CloudError(409, "BlobAlreadyExists", "The specified blob already exists.")
    if blob and none in ("*", blob.etag):
        raise CloudError(304, "ConditionNotMet", "") if request.method in ("GET", "HEAD") else failed


def _is_uncommitted(blob: Blob) -> bool:
    """Whether there are only blocks yet, and no blob."""
    return blob.kind == ""


def _headers(arm: Arm, blob: Blob) -> dict[str, str]:
    copy = copies.look(arm, blob)
    named = {f"x-ms-meta-{name}": value for name, value in blob.metadata.items()}
    return {
        **_marks(blob), **leases.headers(blob.lease), **copy, **named,
        "Content-Type": blob.content_type, "x-ms-blob-type": blob.kind, "x-ms-server-encrypted": "true",
    }  # fmt: skip


def _marks(blob: Blob) -> dict[str, str]:
    return {"ETag": blob.etag, "Last-Modified": blob.modified, "x-ms-request-server-encrypted": "true"}


def _digest(body: bytes) -> dict[str, str]:
    return {"Content-MD5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()}
