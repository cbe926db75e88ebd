"""Which Azure: the addresses of a cloud, by name or from its metadata. The same setting as the azurerm provider's."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from generator.errors import ImagegenError

METADATA_VERSION = "2022-09-01"
TIMEOUT_SECONDS = 20.0
# Of Azure's clients: those for storage have these, all others would wait for five minutes, and that some times over.
CONNECTION_SECONDS, ANSWER_SECONDS = 20.0, 60.0


@dataclass(frozen=True)
class Endpoints:
    """A cloud: its login server, Resource Manager, and the domain of its storage (such as `core.windows.net`).

    custom: it came from ARM_METADATA_HOSTNAME, so nobody but that host vouches for its login server.
    """

    name: str
    login: str
    management: str
    storage_suffix: str
    custom: bool = False

    @property
    def scope(self) -> str:
        """What a token for Resource Manager is asked for, as azurerm does."""
        return f"{self.management}/.default"


# azurerm's own table (go-azure-sdk, sdk/environments).
PUBLIC = Endpoints(
    "public", "https://login.microsoftonline.com", "https://management.azure.com", "core.windows.net"
)  # fmt: skip
GOVERNMENT = Endpoints(
    "usgovernment", "https://login.microsoftonline.us", "https://management.usgovcloudapi.net", "core.usgovcloudapi.net"
)
CHINA = Endpoints(
    "china", "https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn", "core.chinacloudapi.cn"
)
NAMES = {
    "public": PUBLIC, "global": PUBLIC, "usgovernment": GOVERNMENT, "usgovernmentl4": GOVERNMENT,
    "usgovernmentl5": GOVERNMENT, "dod": GOVERNMENT, "china": CHINA,
}  # fmt: skip


def patience() -> dict[str, float]:
    """How long Azure's clients wait for a connection and for an answer, as they are told so."""
    return {"connection_timeout": CONNECTION_SECONDS, "read_timeout": ANSWER_SECONDS}


def find(environ: Mapping[str, str] = os.environ) -> Endpoints:
    """The cloud that ARM_METADATA_HOSTNAME or else ARM_ENVIRONMENT names; Azure's public one when neither is set.

    Raises ImagegenError for an unknown name, or a host that does not answer as the metadata service does.
    """
    if host := environ.get("ARM_METADATA_HOSTNAME", "").strip():
        return _from_metadata(host)
    name = environ.get("ARM_ENVIRONMENT", "").strip().lower() or "public"
    if name not in NAMES:
        raise ImagegenError(f"ARM_ENVIRONMENT is `{name}`", "use public, usgovernment or china")
    return NAMES[name]


def _from_metadata(host: str) -> Endpoints:
    """What a cloud says of itself. httpx heeds SSL_CERT_FILE, as Terraform's providers do."""
    import ssl  # noqa: PLC0415

    import httpx  # noqa: PLC0415 - heavy

    address = f"https://{host}/metadata/endpoints"
    try:
        answer = httpx.get(address, params={"api-version": METADATA_VERSION}, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        said = answer.json()
        return Endpoints(
            name=said["name"],
            login=said["authentication"]["loginEndpoint"].rstrip("/"),
            management=said["resourceManager"].rstrip("/"),
            storage_suffix=said["suffixes"]["storage"].lstrip("."),
            custom=True,
        )
    except (httpx.HTTPError, ssl.SSLError, OSError) as error:
        raise ImagegenError(
            f"the cloud's metadata at {address} cannot be read: {error}",
            "is ARM_METADATA_HOSTNAME right? A private CA goes into SSL_CERT_FILE",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImagegenError(
            f"{address} does not answer as a cloud's metadata service does", "ARM_METADATA_HOSTNAME is a host name"
        ) from error
