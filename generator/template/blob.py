"""Access to private blobs: the hook through which downloads get a credential of Azure's."""

import os

from generator.errors import ImagegenError

# What a blob that is not public answers to whoever does not log in: 404 hides that it exists, 409 is an account
# without public access.
REFUSING = (401, 403, 404, 409)
SCOPE = "https://storage.azure.com/.default"
VERSION = "2021-12-02"  # of the blob service; tokens need one from 2017-11-09 on


def headers(shown: str, status: int) -> dict[str, str]:
    """The headers that a blob is asked with when it is not public. `shown`: its address without secrets.

    Raises ImagegenError when no credential can be had, saying what to do.
    """
    return {"Authorization": f"Bearer {_token(shown, status)}", "x-ms-version": VERSION}


def _token(shown: str, status: int) -> str:
    """A token for Azure Storage, of whom azurerm would log in as too."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - heavy, and rarely needed

    from generator.azure.auth.credentials import Login, credential  # noqa: PLC0415
    from generator.azure.auth.endpoints import find  # noqa: PLC0415
    from generator.azure.auth.errors import sentence_of  # noqa: PLC0415

    refused = f"{shown} cannot be fetched: the server says {status}, and"
    hint = "is the address right? If the blob is private, log in by `az login`; the role is Storage Blob Data Reader"
    try:
        source, found = credential(Login(os.environ, find()))
    except ImagegenError as error:
        raise ImagegenError(f"{refused} no Azure credential was found", hint) from error
    try:
        token: str = found.get_token(SCOPE).token
    except AzureError as error:
        raise ImagegenError(f"{refused} the login by {source} was refused: {sentence_of(error)}", hint) from error
    return token
