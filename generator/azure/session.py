"""A login to Azure, and the clients made with it."""

import json
import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from generator import __version__
from generator.azure.auth import az
from generator.azure.auth import endpoints as clouds
from generator.azure.auth.credentials import Login, credential
from generator.azure.auth.endpoints import Endpoints
from generator.azure.auth.errors import REHEARSE, sentence_of
from generator.errors import ImagegenError
from generator.template import addresses

if TYPE_CHECKING:
    from azure.mgmt.compute import ComputeManagementClient
    from azure.mgmt.resource.resources import ResourceManagementClient
    from azure.storage.blob import BlobServiceClient

# A request is tried again at most so often, with pauses that double up to the longest; a Retry-After of the server's
# stands above the pauses.
RETRIES = 6
LONGEST_PAUSE_SECONDS = 20
POLL_SECONDS = 5
SUBSCRIPTIONS_VERSION = "2022-12-01"
HOST = re.compile(r"[a-z0-9.-]+(:[0-9]+)?")  # all else may be read otherwise by whoever connects


@dataclass(frozen=True)
class Session:
    """Who we are, where, and the clients for it: one of each kind for a subscription, safe in threads.

    tenant_id is "" when nothing but the login itself knows it; source: which of the ways to log in was taken.
    """

    subscription_id: str
    tenant_id: str
    credential: Any
    endpoints: Endpoints
    source: str = ""
    ca: str = ""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    def compute(self, subscription_id: str = "") -> "ComputeManagementClient":
        """Machines, disks, images and galleries of a subscription; "" for the build's."""
        from azure.mgmt.compute import ComputeManagementClient  # noqa: PLC0415 - heavy

        return self._client("compute", subscription_id, ComputeManagementClient)  # type: ignore[no-any-return]

    def resources(self, subscription_id: str = "") -> "ResourceManagementClient":
        """Groups, resources of any kind and providers of a subscription; "" for the build's."""
        from azure.mgmt.resource.resources import ResourceManagementClient  # noqa: PLC0415

        return self._client("resources", subscription_id, ResourceManagementClient)  # type: ignore[no-any-return]

    def blobs(self, url: str, credential: Any = None) -> "BlobServiceClient":
        """The blob service of a storage account, at its address without a container.

        credential: an access key or a SAS, instead of our login. Raises ImagegenError where our login, which opens
        every account that we may use, would go to a host that is none of the cloud's: templates and ledgers name them.
        """
        from azure.storage.blob import BlobServiceClient, ExponentialRetry  # noqa: PLC0415

        if not credential and not self._has_storage_at(url):
            raise ImagegenError(
                f"{url} is no storage account of this cloud; it is not given your login",
                f"the address of a blob is https://ACCOUNT.blob.{self.endpoints.storage_suffix}/CONTAINER/NAME",
            )
        # Storage's own policy would pause for seven minutes. With one time fewer this takes as long as the others'.
        times = RETRIES - 1
        again = ExponentialRetry(
            initial_backoff=0, increment_base=2, retry_total=times, retry_status=times, random_jitter_range=1
        )
        options = self._options()
        return BlobServiceClient(url, credential=credential or self.credential, retry_policy=again, **options)

    def _has_storage_at(self, url: str) -> bool:
        """Whether a host is of the cloud's storage; a simulated one has all accounts at one host."""
        host, suffix = urlsplit(url).netloc.lower(), self.endpoints.storage_suffix.lower()
        ours = host == suffix or host.endswith(f".blob.{suffix}") or bool(addresses.BLOB_HOST.search(host))
        return ours and bool(HOST.fullmatch(host))

    def arm(self, method: str, path: str, api_version: str, body: Any = None) -> dict[str, Any]:
        """One request to Resource Manager for what no client knows; its answer. Raises HttpResponseError."""
        from azure.core.exceptions import DecodeError  # noqa: PLC0415
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        request = HttpRequest(
            method, f"{self.endpoints.management}{path}", params={"api-version": api_version}, json=body
        )
        response = self.resources().send_request(request)
        response.raise_for_status()
        try:
            return json.loads(response.text()) if response.content else {}
        except ValueError:
            raise DecodeError(f"{self.endpoints.management} did not answer in JSON: is a proxy between?") from None

    def now(self) -> datetime:
        """The time by Azure's clock: this computer's may be hours off. Raises AzureError."""
        told, at = self._clock
        return told + timedelta(seconds=_running() - at)

    @cached_property
    def _clock(self) -> tuple[datetime, float]:
        """The time that Azure told, and when that was."""
        from azure.core.exceptions import DecodeError  # noqa: PLC0415
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        address = f"{self.endpoints.management}/subscriptions/{self.subscription_id}"
        request = HttpRequest("GET", address, params={"api-version": SUBSCRIPTIONS_VERSION})
        said = self.resources().send_request(request).headers.get("Date", "")
        try:
            return parsedate_to_datetime(said), _running()
        except (ValueError, TypeError):
            raise DecodeError(f"{self.endpoints.management} does not tell its time: is a proxy between?") from None

    def _client(self, kind: str, subscription_id: str, make: Any) -> Any:
        subscription = subscription_id or self.subscription_id
        with self._lock:
            if (kind, subscription) not in self._clients:
                self._clients[kind, subscription] = make(
                    self.credential, subscription, self.endpoints.management, polling_interval=POLL_SECONDS,
                    credential_scopes=[self.endpoints.scope], **self._options(),
                )  # fmt: skip
            return self._clients[kind, subscription]

    def _options(self) -> dict[str, Any]:
        """What all clients are told: who asks, how long to wait and how often to try again, whom to trust."""
        from generator.azure.transport import Transport  # noqa: PLC0415 - heavy

        sending = clouds.patience() | ({"connection_verify": self.ca} if self.ca else {})
        return sending | {
            "transport": Transport(**sending), "user_agent": f"imagegen/{__version__}", "retry_total": RETRIES,
            "retry_status": RETRIES, "retry_backoff_max": LONGEST_PAUSE_SECONDS,
        }  # fmt: skip


def _running() -> float:
    """Seconds since this computer was started, those too in which it slept (clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def connect(settings_subscription: str = "", environ: Mapping[str, str] = os.environ) -> Session:
    """Log in as azurerm would. The subscription is the given one, else ARM_SUBSCRIPTION_ID, else the one of `az`.

    Raises ImagegenError for credentials that are missing or refused, and when no subscription is known.
    """
    cloud = clouds.find(environ)
    login = Login(environ, cloud, settings_subscription or environ.get("ARM_SUBSCRIPTION_ID", "").strip())
    source, found = credential(login)
    _prove(source, found, cloud)
    subscription, tenant = login.subscription, login.tenant
    if source == "az" and not (subscription and tenant):
        account = az.account()
        subscription, tenant = subscription or account.get("id", ""), tenant or account.get("tenantId", "")
    if not subscription:
        raise ImagegenError("which subscription is not said", "set ARM_SUBSCRIPTION_ID, as for azurerm")
    return Session(subscription, tenant, found, cloud, source, login.get("SSL_CERT_FILE"))


def _prove(source: str, found: Any, cloud: Endpoints) -> None:
    """Get a token, so that a login that is refused is told before anything is made."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    try:
        found.get_token(cloud.scope)
    except AzureError as error:
        raise ImagegenError(
            f"the login to Azure by {source} was refused: {sentence_of(error)}", _help(source, str(error))
        ) from error


def _help(source: str, said: str) -> str:
    """What to do about a refused login. The codes are Microsoft Entra's (its "AADSTS error codes" page)."""
    helps = {
        "AADSTS7000215": "ARM_CLIENT_SECRET is not the secret's value: is it the secret's id?",
        "AADSTS7000222": "the client secret has expired: make a new one",
        "AADSTS700016": "ARM_CLIENT_ID is no application of that tenant",
        "AADSTS90002": "ARM_TENANT_ID is no tenant of this cloud",
        "AADSTS700213": "the application has no federated credential for this pipeline's subject",
        "AADSTS70021": "the application has no federated credential for this pipeline's subject",
    }
    known = next((text for code, text in helps.items() if f"{code}:" in said), None)
    return known or (f"run `az login`; {REHEARSE}" if source == "az" else f"see azurerm's guides; {REHEARSE}")
