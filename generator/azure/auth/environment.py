"""What of our environment Terraform's azurerm and `az` are given, so that all log in alike.

Source: azurerm, internal/provider/provider.go (the variables).
"""

import os
from collections.abc import Mapping

# What Terraform's azurerm is given of our environment, beside run.ALLOWED: who to log in as and where.
VARIABLES = (
    "ARM_SUBSCRIPTION_ID", "ARM_TENANT_ID", "ARM_AUXILIARY_TENANT_IDS", "ARM_ENVIRONMENT", "ARM_METADATA_HOSTNAME",
    "ARM_CLIENT_ID", "ARM_CLIENT_ID_FILE_PATH", "ARM_CLIENT_SECRET", "ARM_CLIENT_SECRET_FILE_PATH",
    "ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PATH", "ARM_CLIENT_CERTIFICATE_PASSWORD",
    "ARM_USE_OIDC", "ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH", "ARM_OIDC_REQUEST_URL", "ARM_OIDC_REQUEST_TOKEN",
    "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", "ARM_USE_AKS_WORKLOAD_IDENTITY",
    "ARM_USE_MSI", "ARM_MSI_ENDPOINT", "ARM_MSI_API_VERSION", "ARM_USE_CLI", "ARM_STORAGE_USE_AZUREAD",
    "ARM_USE_AZUREAD", "ARM_ACCESS_KEY", "ARM_SAS_TOKEN", "ARM_PARTNER_ID", "ARM_DISABLE_TERRAFORM_PARTNER_ID",
    "ARM_RESOURCE_PROVIDER_REGISTRATIONS", "ARM_DISABLE_CORRELATION_REQUEST_ID",
    "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN",
    "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST", "AZURE_CONFIG_DIR",
    "AZUREPS_HOST_ENVIRONMENT", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT",
    "MSI_ENDPOINT", "MSI_SECRET", "REQUESTS_CA_BUNDLE", "SSH_AUTH_SOCK", "TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR",
)  # fmt: skip
# What `az` itself reads: where its own login and settings are, and the machine's identity. No secret of ours.
OF_AZ = (
    "AZURE_CONFIG_DIR",
    "AZURE_EXTENSION_DIR",
    "AZURE_CORE_",
    "AZUREPS_",
    "IDENTITY_",
    "IMDS_",
    "MSI_",
    "REQUESTS_CA",
)


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What Terraform is given of our environment so that azurerm and `az` log in as we do."""
    return {name: environ[name] for name in VARIABLES if name in environ}


def of_az(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What `az` is given of our environment."""
    return {name: value for name, value in environ.items() if name.startswith(OF_AZ)}
