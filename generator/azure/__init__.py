"""The Azure target: what is asked of Azure and done there outside Terraform."""
