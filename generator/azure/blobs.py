"""Blobs by their address."""

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from generator.azure.session import Session
from generator.errors import ImagegenError

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, ContainerClient

# Metadata of our blobs (names of metadata are C# identifiers): who made it, and of which version it is.
WORKSPACE = "imagegen_workspace"
VERSION = "imagegen_version"


def split(uri: str) -> tuple[str, str, str]:
    """The account's address, the container and the name of a blob.

    An account has a host of its own; with an IP address or localhost it is the first part of the path instead. Raises
    ImagegenError for what is no blob's address.
    """
    parts = urlsplit(uri)
    path = [unquote(part) for part in parts.path.strip("/").split("/")]
    account = f"{parts.scheme}://{parts.netloc}"
    if _is_emulator(parts.hostname or ""):
        account, path = f"{account}/{path[0]}", path[1:]
    if parts.scheme != "https" or not parts.hostname or len(path) < 2 or not all(path):
        raise ImagegenError(
            f"`{uri.partition('?')[0]}` is not the address of a blob",
            "write https://ACCOUNT.blob.core.windows.net/CONTAINER/NAME.vhd",
        )
    return account, path[0], "/".join(path[1:])


def _is_emulator(host: str) -> bool:
    try:
        return host == "localhost" or bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def blob(session: Session, uri: str) -> "BlobClient":
    """The client of a blob."""
    account, container, name = split(uri)
    return session.blobs(account).get_blob_client(container, name)


def container(session: Session, uri: str) -> "ContainerClient":
    """The client of the container that a blob lies in."""
    account, name, _ = split(uri)
    return session.blobs(account).get_container_client(name)


def mark(workspace: str, version: str) -> dict[str, str]:
    """The metadata by which a blob is known as ours."""
    return {WORKSPACE: workspace, VERSION: version}


def is_ours(properties: Any, workspace: str) -> bool:
    """Whether a blob's metadata says that this workspace made it."""
    return bool((properties.metadata or {}).get(WORKSPACE) == workspace)


def account_url(session: Session, account: str) -> str:
    """The address of a storage account's blob service, by the account's name."""
    suffix = session.endpoints.storage_suffix
    if _is_emulator(suffix.partition(":")[0]):
        return f"https://{suffix}/{account}"
    return f"https://{account}.blob.{suffix}"
