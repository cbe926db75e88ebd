"""Azure's own clients for Python, as a program would use them against the simulated Azure."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.storage.blob import BlobServiceClient, ContainerClient, LinearRetry

from tests.azure_sim.cloud import Cloud
from tests.azure_sim.fixtures import AzureArm
from tests.azure_sim.mirror import SUBSCRIPTION
from tests.unit.azure_sim.making import GROUP, put

ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/account"


@dataclass(frozen=True)
class Clients:
    """One client of each kind, and the simulator they talk to."""

    azure: AzureArm

    @property
    def cloud(self) -> Cloud:
        """The cloud behind the front."""
        return self.azure.cloud

    @property
    def authority(self) -> str:
        """The file with the certificate to trust."""
        return self.azure.env["SSL_CERT_FILE"]

    def login(self, **differs: str) -> ClientSecretCredential:
        """A credential from the environment, with what differs from it."""
        env = self.azure.env | differs
        return ClientSecretCredential(
            env["ARM_TENANT_ID"], env["ARM_CLIENT_ID"], env["ARM_CLIENT_SECRET"], authority=self.azure.endpoint,
            disable_instance_discovery=True, connection_verify=self.authority,
        )  # fmt: skip

    def options(self, credential: Any = None) -> dict[str, Any]:
        """What leads a management client here."""
        return {
            "credential": credential or self.credential, "subscription_id": SUBSCRIPTION,
            "base_url": self.azure.endpoint, "credential_scopes": [f"{self.azure.endpoint}/.default"],
            "connection_verify": self.authority,
        }  # fmt: skip

    @cached_property
    def credential(self) -> ClientSecretCredential:
        """The credential of the environment."""
        return self.login()

    @cached_property
    def compute(self) -> ComputeManagementClient:
        """azure-mgmt-compute."""
        return ComputeManagementClient(**self.options())

    @cached_property
    def resources(self) -> ResourceManagementClient:
        """azure-mgmt-resource."""
        return ResourceManagementClient(**self.options())

    def send(self, method: str, path: str, version: str = "2024-01-01", body: Any = None) -> Any:
        """Any request to ARM, as the clients send theirs. The body of the answer; raises on an error."""
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, f"{self.azure.endpoint}{path}", params={"api-version": version}, json=body)
        answer = self.resources._client.send_request(request)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @cached_property
    def blobs(self) -> BlobServiceClient:
        """azure-storage-blob, for an account made now."""
        put(self.cloud, ACCOUNT)
        made = self.cloud.get(ACCOUNT)
        assert made is not None
        place = made["properties"]["primaryEndpoints"]["blob"]
        return BlobServiceClient(
            place, credential=self.credential, connection_verify=self.authority,
            retry_policy=LinearRetry(backoff=0, random_jitter_range=0),
        )  # fmt: skip

    @cached_property
    def container(self) -> ContainerClient:
        """A new container in it."""
        return self.blobs.create_container("files")
