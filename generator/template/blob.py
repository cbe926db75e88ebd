"""Access to private blobs: the headers of a login, which the command line brings."""

from generator.system import blob_login

# What a blob that is not public answers to whoever does not log in: 404 hides that it exists, 409 is an account
# without public access.
REFUSING = (401, 403, 404, 409)
VERSION = "2021-12-02"  # of the blob service; tokens need one from 2017-11-09 on


def headers(shown: str, status: int) -> dict[str, str]:
    """The headers that a blob is asked with when it is not public. `shown`: its address without secrets.

    Raises ImagegenError when no credential can be had, saying what to do.
    """
    return {"Authorization": f"Bearer {blob_login.token(shown, status)}", "x-ms-version": VERSION}
