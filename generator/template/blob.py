"""Access to private blobs: the hook through which downloads get a credential of Azure's."""

from importlib import import_module

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
    """A token for Azure Storage, of whoever is logged in here."""
    refused = f"{shown} cannot be fetched: the server says {status}"
    try:
        identity = import_module("azure.identity")  # only where it is needed
        refusal: type[Exception] = import_module("azure.core.exceptions").ClientAuthenticationError
    except ImportError:
        hint = "is the address right? If the blob is private, install azure-identity and log in, or use a SAS address"
        raise ImagegenError(refused, hint) from None
    try:
        token: str = identity.DefaultAzureCredential().get_token(SCOPE).token
    except refusal:
        hint = (
            "is the address right? If the blob is private, log in with `az login`; the role is Storage Blob Data Reader"
        )
        raise ImagegenError(f"{refused}, and no Azure credential was found", hint) from None
    return token
