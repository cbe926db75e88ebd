"""imagegen: an image template in, a Terraform workspace and a built image out."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("imagegen")
except PackageNotFoundError:  # the source tree, not installed
    __version__ = "0+source"
