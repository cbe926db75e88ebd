"""The XML that the blob service speaks."""

import re
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.azure_sim.arm import leases
from tests.azure_sim.arm.blobs import Blob, Container
from tests.azure_sim.arm.web import Answer, Request
from tests.azure_sim.assigned import TENANT
from tests.azure_sim.errors import CloudError

HEAD = '<?xml version="1.0" encoding="utf-8"?>'
TYPE = {"Content-Type": "application/xml"}


def refused(error: CloudError) -> Answer:
    """An error of the blob service. A HEAD has no body, so the code is in a header too."""
    code = "AuthorizationPermissionMismatch" if error.code == "AuthorizationFailed" else error.code
    headers = TYPE | {"x-ms-error-code": code}
    if error.status == 401:
        headers["WWW-Authenticate"] = (
            f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize "
            "resource_id=https://storage.azure.com"
        )
    if error.retry_after is not None:
        headers["Retry-After"] = f"{error.retry_after:g}"
    body = f"<Error><Code>{code}</Code><Message>{escape(error.message)}</Message></Error>"
    return Answer(error.status, b"" if error.status == 304 else (HEAD + body).encode(), headers)


def document(root: str, parts: Mapping[str, str]) -> Answer:
    """A document of one level."""
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts.items())
    return Answer(200, f"{HEAD}<{root}>{inner}</{root}>".encode(), TYPE)


def values(body: bytes) -> dict[str, str]:
    """The values in a document of one level."""
    return {element.tag: element.text or "" for element in ElementTree.fromstring(body or b"<none/>")}  # noqa: S314


def block_names(body: bytes) -> list[str]:
    """The blocks a list names, in order."""
    return [element.text or "" for element in ElementTree.fromstring(body)]  # noqa: S314


def containers(endpoint: str, request: Request, found: Iterable[tuple[str, Container]]) -> Answer:
    """A list of containers."""
    prefix = request.query.get("prefix", "")
    items = "".join(
        f"<Container><Name>{escape(name)}</Name><Properties>{_properties(one.properties)}</Properties></Container>"
        for name, one in found
        if name.startswith(prefix)
    )
    return _listed(f'ServiceEndpoint="{endpoint}"', f"<Containers>{items}</Containers>")


def blobs(endpoint: str, request: Request, name: str, container: Container) -> Answer:
    """A list of blobs, flat."""
    prefix = request.query.get("prefix", "")
    items = "".join(
        f"<Blob><Name>{escape(key)}</Name><Properties>{_properties(blob)}<Content-Length>{len(blob.content)}"
        f"</Content-Length><Content-Type>{blob.content_type}</Content-Type><BlobType>{blob.kind}</BlobType>"
        f"</Properties>{_metadata(blob)}</Blob>"
        for key, blob in sorted(container.blobs.items())
        if key.startswith(prefix) and blob.kind
    )
    return _listed(f'ServiceEndpoint="{endpoint}" ContainerName="{name}"', f"<Blobs>{items}</Blobs>")


def pages(size: int) -> Answer:
    """The pages of a blob that hold something: all."""
    inner = f"<PageRange><Start>0</Start><End>{size - 1}</End></PageRange>" if size else ""
    return Answer(200, f"{HEAD}<PageList>{inner}</PageList>".encode(), TYPE)


def _properties(blob: Blob) -> str:
    lease = leases.headers(blob.lease)
    return (
        f"<Last-Modified>{blob.modified}</Last-Modified><Etag>{escape(blob.etag)}</Etag>"
        f"<LeaseStatus>{lease['x-ms-lease-status']}</LeaseStatus><LeaseState>{lease['x-ms-lease-state']}</LeaseState>"
    )


def _metadata(blob: Blob) -> str:
    safe = {name: value for name, value in blob.metadata.items() if re.fullmatch(r"\w+", name)}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in safe.items())
    return f"<Metadata>{inner}</Metadata>"


def _listed(attributes: str, items: str) -> Answer:
    body = f"{HEAD}<EnumerationResults {attributes}>{items}<NextMarker/></EnumerationResults>"
    return Answer(200, body.encode(), TYPE)
