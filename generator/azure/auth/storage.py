"""A token for private blobs that a template names."""

import os

from generator.azure.auth.credentials import Login, credential
from generator.azure.auth.endpoints import find
from generator.azure.auth.errors import sentence_of
from generator.errors import ImagegenError

SCOPE = "https://storage.azure.com/.default"


def token(shown: str, status: int) -> str:
    """A token for Azure Storage, of whom azurerm would log in as too.

    shown: the address without secrets; status: of the answer that refused it. Raises ImagegenError when no credential
    can be had, saying what to do.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - heavy, and rarely needed

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
