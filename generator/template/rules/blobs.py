"""The URL of a blob.

Source: Microsoft, "Naming and referencing containers, blobs, and metadata"; "Storage account overview" for accounts.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from generator.template.addresses import BLOB_HOST

# Too short a name is no likely mistake, so only the other bounds are checked.
ACCOUNT = re.compile(r"[a-z0-9]{1,24}\Z")
CONTAINER = re.compile(r"(?=.{1,63}\Z)[a-z0-9](?:-?[a-z0-9])*\Z|\$root\Z|\$web\Z")
LONGEST_NAME = 1024
LONGEST_SEGMENT = 254
LONGEST_SHOWN = 100


def wrong_blob(uri: str) -> str | None:
    """Why a URL cannot be that of a blob, or None."""
    try:
        parts = urlsplit(uri)
        host = (parts.hostname or "").lower()
    except ValueError:
        return "not the address of a blob"
    path = [unquote(part) for part in parts.path.split("/")[1:]]
    if parts.scheme.lower() != "https" or not host or len(path) < 2 or not all(path):
        return "not the address of a blob"
    if not BLOB_HOST.search(host):
        return None  # an emulator or a private cloud: its account may be the first part of the path
    return next(_wrong_names(host.partition(".")[0], path), None)


def _wrong_names(account: str, path: list[str]) -> Iterator[str]:
    """What is wrong with the names of an account, a container and a blob."""
    container, *segments = path
    if not ACCOUNT.match(account):
        yield f"`{account[:LONGEST_SHOWN]}` is not the name of a storage account: at most 24 of a-z and 0-9"
    if not CONTAINER.match(container):
        yield f"`{container[:LONGEST_SHOWN]}` is not the name of a container: at most 63 of a-z, 0-9 and single `-`"
    if len("/".join(segments)) > LONGEST_NAME or any(len(segment) > LONGEST_SEGMENT for segment in segments):
        yield f"the name of the blob is too long: at most {LONGEST_NAME} characters, {LONGEST_SEGMENT} between slashes"
    if any(segment.endswith(".") for segment in segments):
        yield "no part of a blob's name ends in a period"
