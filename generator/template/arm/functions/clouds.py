"""What `environment()` answers: the addresses of the cloud that a region is in.

Source: docs, «Deployment functions for ARM templates», `environment`; of the other clouds Azure CLI's own table of them
(azure.cli.core.cloud).
"""

from typing import Any

from generator.template.ids import region

PUBLIC: dict[str, Any] = {
    "name": "AzureCloud",
    "gallery": "https://gallery.azure.com/",
    "graph": "https://graph.windows.net/",
    "portal": "https://portal.azure.com",
    "graphAudience": "https://graph.windows.net/",
    "activeDirectoryDataLake": "https://datalake.azure.net/",
    "batch": "https://batch.core.windows.net/",
    "media": "https://rest.media.azure.net",
    "sqlManagement": "https://management.core.windows.net:8443/",
    "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json",
    "resourceManager": "https://management.azure.com/",
    "authentication": {
        "loginEndpoint": "https://login.microsoftonline.com/",
        "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
        "tenant": "common",
        "identityProvider": "AAD",
    },
    "suffixes": {
        "acrLoginServer": ".azurecr.io",
        "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
        "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
        "azureFrontDoorEndpointSuffix": "azurefd.net",
        "keyvaultDns": ".vault.azure.net",
        "sqlServerHostname": ".database.windows.net",
        "storage": "core.windows.net",
    },
}
GOVERNMENT = PUBLIC | {
    "name": "AzureUSGovernment",
    "gallery": "https://gallery.usgovcloudapi.net/",
    "portal": "https://portal.azure.us",
    "batch": "https://batch.core.usgovcloudapi.net/",
    "media": "https://rest.media.usgovcloudapi.net",
    "sqlManagement": "https://management.core.usgovcloudapi.net:8443/",
    "resourceManager": "https://management.usgovcloudapi.net/",
    "authentication": {
        "loginEndpoint": "https://login.microsoftonline.us/",
        "audiences": ["https://management.core.usgovcloudapi.net/", "https://management.usgovcloudapi.net/"],
        "tenant": "common",
        "identityProvider": "AAD",
    },
    "suffixes": PUBLIC["suffixes"] | {
        "acrLoginServer": ".azurecr.us",
        "azureFrontDoorEndpointSuffix": "azurefd.us",
        "keyvaultDns": ".vault.usgovcloudapi.net",
        "sqlServerHostname": ".database.usgovcloudapi.net",
        "storage": "core.usgovcloudapi.net",
    },
}  # fmt: skip
CHINA = PUBLIC | {
    "name": "AzureChinaCloud",
    "gallery": "https://gallery.chinacloudapi.cn/",
    "graph": "https://graph.chinacloudapi.cn/",
    "graphAudience": "https://graph.chinacloudapi.cn/",
    "portal": "https://portal.azure.cn",
    "batch": "https://batch.chinacloudapi.cn/",
    "media": "https://rest.media.chinacloudapi.cn",
    "sqlManagement": "https://management.core.chinacloudapi.cn:8443/",
    "resourceManager": "https://management.chinacloudapi.cn/",
    "authentication": {
        "loginEndpoint": "https://login.chinacloudapi.cn/",
        "audiences": ["https://management.core.chinacloudapi.cn/", "https://management.chinacloudapi.cn/"],
        "tenant": "common",
        "identityProvider": "AAD",
    },
    "suffixes": PUBLIC["suffixes"] | {
        "acrLoginServer": ".azurecr.cn",
        "keyvaultDns": ".vault.azure.cn",
        "sqlServerHostname": ".database.chinacloudapi.cn",
        "storage": "core.chinacloudapi.cn",
    },
}  # fmt: skip
REGIONS = {"usgov": GOVERNMENT, "usdod": GOVERNMENT, "china": CHINA}  # what the names of their regions begin with


def cloud_of(location: str) -> dict[str, Any]:
    """The addresses of the cloud that a region is in; the public one's for an unknown region and for none."""
    return next((cloud for start, cloud in REGIONS.items() if region(location).startswith(start)), PUBLIC)
