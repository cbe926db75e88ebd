"""imagegen: an image template in, a Terraform workspace and a built image out."""

__version__ = "0.2.0"
