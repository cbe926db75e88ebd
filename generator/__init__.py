"""imagegen: an image template in, a Terraform workspace and a built image out."""

from functools import cache


@cache
def version() -> str:
    """The installed version; `0+source` in a source tree that is not installed."""
    from importlib import metadata  # noqa: PLC0415 - slow to import, and rarely asked for

    try:
        return metadata.version("imagegen")
    except metadata.PackageNotFoundError:
        return "0+source"
