"""Copy Blob: the service fetches the bytes itself, and the blob tells how far it is."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from tests.azure_sim.arm import disks
from tests.azure_sim.arm.blobs import Blob, Copy
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.web import Answer, Request
from tests.azure_sim.errors import CloudError

Place = tuple[str, str, str]


def begin(arm: Arm, place: Place, request: Request) -> Answer:
    """Begin a copy. The hook `copies` says after how many `reads` of the blob it ends, and how it `fails`."""
    account, container, name = place
    source = request.headers["x-ms-copy-source"]
    found = _fetched(arm, source)
    if found is None:
        raise CloudError(404, "CannotVerifyCopySource", "The specified resource does not exist.")
    blobs = arm.blobs.container(account, container).blobs
    old = blobs.get(name)
    if old and old.copy and old.copy.status == "pending":
        raise CloudError(409, "PendingCopyOperation", "There is currently a pending copy operation.")
    told = arm.cloud.hook("copies")
    content, kind = found
    copy = Copy(str(uuid4()), source, content, int(told.get("reads", 0)), told.get("fails"))
    blob = Blob(kind=kind, metadata=metadata(request), copy=copy)
    if old:
        blob.lease = old.lease
    blobs[name] = blob
    if copy.reads == 0 or request.headers.get("x-ms-requires-sync") == "true":
        _end(blob, copy)
    headers = {"ETag": blob.etag, "Last-Modified": blob.modified}
    return Answer(202, b"", headers | {"x-ms-copy-id": copy.id, "x-ms-copy-status": copy.status})


def look(arm: Arm, blob: Blob) -> dict[str, str]:
    """The headers about a blob's copy; each look brings it nearer to its end. It fails when its source is closed."""
    copy = blob.copy
    if copy is None:
        return {}
    description = copy.fails if copy.status == "failed" else None
    if copy.status == "pending":
        if _fetched(arm, copy.source) is None:
            copy.status, copy.fails = "failed", '403 Forbidden "Copy failed when reading the source."'
            description = copy.fails
        else:
            copy.reads -= 1
            if copy.reads < 0:
                _end(blob, copy)
                description = copy.fails
    done = len(copy.content) if copy.status == "success" else 0
    headers = {
        "x-ms-copy-id": copy.id, "x-ms-copy-status": copy.status, "x-ms-copy-source": copy.source.partition("?")[0],
        "x-ms-copy-progress": f"{done}/{len(copy.content)}",
    }  # fmt: skip
    if copy.status != "pending":
        headers["x-ms-copy-completion-time"] = blob.modified
    return headers | ({"x-ms-copy-status-description": description} if description else {})


def abort(blob: Blob, request: Request) -> Answer:
    """End a copy that is under way; an empty blob stays."""
    if blob.copy is None or blob.copy.status != "pending" or blob.copy.id != request.query.get("copyid"):
        raise CloudError(409, "NoPendingCopyOperation", "There is currently no pending copy operation.")
    blob.copy.status = "aborted"
    blob.touch()
    return Answer(204)


def metadata(request: Request) -> dict[str, str]:
    """The metadata in a request's headers."""
    return _starting(request.headers, "x-ms-meta-")


def _starting(headers: Mapping[str, str], start: str) -> dict[str, str]:
    return {name[len(start) :]: value for name, value in headers.items() if name.startswith(start)}


def _end(blob: Blob, copy: Copy) -> None:
    copy.status = "failed" if copy.fails else "success"
    if not copy.fails:
        blob.content = copy.content
    blob.touch()


def _fetched(arm: Arm, source: str) -> tuple[bytes, str] | None:
    """The bytes behind an address and its type of blob, which a copy has too; None when it is not of this front, or
    closed."""
    if not source.startswith(f"{arm.endpoint}/"):
        return None
    account, _, rest = unquote(urlsplit(source).path).lstrip("/").partition("/")
    if account.startswith("md-"):
        content = disks.content(arm, account)
        return None if content is None else (content, "PageBlob")
    container, _, name = rest.partition("/")
    try:
        return arm.blobs.read(account, container, name), arm.blobs.blob(account, container, name).kind
    except CloudError:
        return None
