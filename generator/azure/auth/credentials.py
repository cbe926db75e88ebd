"""Who we are to Azure: the azurerm provider's own settings, in its own order, so that both halves log in alike.

Source: go-azure-sdk, sdk/auth/auth.go (the order) and azurerm, internal/provider/provider.go (the variables).
"""

import base64
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.azure.auth import az
from generator.azure.auth.endpoints import Endpoints, patience
from generator.azure.auth.errors import REHEARSE
from generator.errors import ImagegenError

# A login is tried again so often when its server does not answer.
RETRIES = 2
_TRUE = ("1", "t", "true")
AUDIENCE = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class Login:
    """What the environment says of who logs in, at which cloud, to which subscription ("" when that is not said)."""

    environ: Mapping[str, str]
    endpoints: Endpoints
    subscription: str = ""

    def get(self, *names: str) -> str:
        """The first of these variables that is set."""
        return next((value for name in names if (value := self.environ.get(name, "").strip())), "")

    def flag(self, name: str, default: bool = False) -> bool:
        """A variable that is true or false."""
        return self.get(name).lower() in _TRUE if self.get(name) else default

    def text(self, name: str, file_variable: str) -> str:
        """A variable, or what the file holds that the other variable names."""
        path = self.get(file_variable)
        return self.get(name) or (_read(path, file_variable) if path else "")

    @property
    def aks(self) -> bool:
        """Whether the identity of an AKS workload is to be used."""
        return self.flag("ARM_USE_AKS_WORKLOAD_IDENTITY")

    @property
    def tenant(self) -> str:
        """The tenant to log in at."""
        return self.get("ARM_TENANT_ID", *(["AZURE_TENANT_ID"] if self.aks else []))

    @property
    def client(self) -> str:
        """The application to log in as."""
        return self.text("ARM_CLIENT_ID", "ARM_CLIENT_ID_FILE_PATH") or (
            self.get("AZURE_CLIENT_ID") if self.aks else ""
        )

    @property
    def oidc(self) -> bool:
        """Whether a token of another issuer is to be used."""
        return self.flag("ARM_USE_OIDC") or self.aks

    def options(self) -> dict[str, Any]:
        """What every credential of azure-identity is told about the cloud."""
        ca = self.get("SSL_CERT_FILE")
        verify = {"connection_verify": ca} if ca else {}
        cloud = {"authority": self.endpoints.login, "disable_instance_discovery": self.endpoints.custom}
        return cloud | {"retry_total": RETRIES} | patience() | verify


def credential(login: Login) -> tuple[str, Any]:
    """The first source that is complete, in azurerm's order, and its credential.

    Raises ImagegenError when none is, saying what each lacks. As azurerm does, later sources are not tried when the
    chosen one is refused.
    """
    for logger in ("azure", "msal"):
        # They tell of every failure by themselves, and unasked: what a person should know, we tell.
        logging.getLogger(logger).addHandler(logging.NullHandler())
    lacking = []
    for name, source in SOURCES:
        missing = _missing(login, name)
        if not missing:
            return name, source(login)
        lacking.append(f"{name} ({missing})")
    raise ImagegenError(
        f"no Azure credential: {'; '.join(lacking)}",
        f"log in by `az login`, or set the ARM_… variables that azurerm reads; {REHEARSE}",
    )


def _missing(login: Login, name: str) -> str:
    """What a source lacks, "" when it is complete."""
    application = {"ARM_TENANT_ID": login.tenant, "ARM_CLIENT_ID": login.client}
    request = {
        "ARM_OIDC_REQUEST_URL": login.get(
            "ARM_OIDC_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_OIDCREQUESTURI"
        ),
        "ARM_OIDC_REQUEST_TOKEN": login.get(
            "ARM_OIDC_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_ACCESSTOKEN"
        ),
    }
    if name in ("OIDC token", "Azure DevOps", "GitHub") and not login.oidc:
        return "ARM_USE_OIDC is not true"
    match name:
        case "client certificate":
            needed = application | {
                "ARM_CLIENT_CERTIFICATE_PATH": login.get("ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PATH")
            }
        case "client secret":
            needed = application | {"ARM_CLIENT_SECRET": login.text("ARM_CLIENT_SECRET", "ARM_CLIENT_SECRET_FILE_PATH")}
        case "OIDC token":
            needed = application | {"ARM_OIDC_TOKEN": _token_of_environment(login)}
        case "Azure DevOps":
            connection = login.get("ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID")
            needed = application | request | {"ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID": connection}
        case "GitHub":
            needed = application | request
        case "managed identity":
            return "" if login.flag("ARM_USE_MSI") else "ARM_USE_MSI is not true"
        case _:
            return _missing_cli(login)
    without = [variable for variable, value in needed.items() if not value]
    return f"no {', '.join(without)}" if without else ""


def _missing_cli(login: Login) -> str:
    if not login.flag("ARM_USE_CLI", default=True):
        return "ARM_USE_CLI is false"
    return "" if az.installed(login.get("PATH")) else "`az` is not installed"


def _certificate(login: Login) -> Any:
    from azure.identity import CertificateCredential  # noqa: PLC0415 - heavy

    data, path = login.get("ARM_CLIENT_CERTIFICATE"), login.get("ARM_CLIENT_CERTIFICATE_PATH")
    try:
        content = base64.b64decode(data, validate=True) if data else Path(path).read_bytes()
        return CertificateCredential(
            login.tenant, login.client, certificate_data=content,
            password=login.get("ARM_CLIENT_CERTIFICATE_PASSWORD") or None, **login.options(),
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise ImagegenError(
            f"the client certificate cannot be used: {error}", "it is a PKCS#12 file (.pfx), base64 in the variable"
        ) from error


def _secret(login: Login) -> Any:
    from azure.identity import ClientSecretCredential  # noqa: PLC0415

    secret = login.text("ARM_CLIENT_SECRET", "ARM_CLIENT_SECRET_FILE_PATH")
    return ClientSecretCredential(login.tenant, login.client, secret, **login.options())


def _assertion(token: Callable[[Login], str]) -> Callable[[Login], Any]:
    """A source whose proof is a token of another issuer, asked for anew at each login: they live for minutes."""

    def source(login: Login) -> Any:
        from azure.identity import ClientAssertionCredential  # noqa: PLC0415

        return ClientAssertionCredential(login.tenant, login.client, lambda: token(login), **login.options())

    return source


def _token_of_environment(login: Login) -> str:
    """The token in a variable or a file; a file is read again each time, since its keeper renews it."""
    found = login.text("ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH")
    path = login.get("AZURE_FEDERATED_TOKEN_FILE") if login.aks else ""
    return found or (_read(path, "AZURE_FEDERATED_TOKEN_FILE") if path else "")


def _token_of_devops(login: Login) -> str:
    connection = login.get("ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID")
    query = {"api-version": "7.1", "serviceConnectionId": connection, "audience": AUDIENCE}
    return _issued(login, "POST", query, "oidcToken")


def _token_of_github(login: Login) -> str:
    return _issued(login, "GET", {"audience": AUDIENCE}, "value")


def _issued(login: Login, method: str, query: dict[str, str], member: str) -> str:
    """The token that a pipeline's issuer gives for its own request token."""
    import httpx  # noqa: PLC0415

    address = login.get("ARM_OIDC_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_OIDCREQUESTURI")
    proof = login.get("ARM_OIDC_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_ACCESSTOKEN")
    try:
        url = httpx.URL(address)
        answer = httpx.request(
            method, url.copy_merge_params(query | dict(url.params)),
            headers={"Authorization": f"Bearer {proof}", "Accept": "application/json"}, timeout=30,
        )  # fmt: skip
        answer.raise_for_status()
        return str(answer.json()[member])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise ImagegenError(
            f"the pipeline gave no OIDC token: {error}", "the job needs the permission `id-token: write`"
        ) from error


def _managed(login: Login) -> Any:
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415

    if endpoint := login.get("ARM_MSI_ENDPOINT"):
        return Metadata(endpoint, login.get("ARM_MSI_API_VERSION") or "2018-02-01", login.client)
    return ManagedIdentityCredential(client_id=login.client or None)


def _cli(login: Login) -> Any:
    return az.AzureCli(login.subscription, login.tenant)


@dataclass(frozen=True)
class Metadata:
    """A managed identity at an endpoint of one's own (ARM_MSI_ENDPOINT), which azure-identity cannot be told."""

    endpoint: str
    version: str
    client: str

    def get_token(self, *scopes: str, **_options: Any) -> Any:
        """See azure.core.credentials.TokenCredential."""
        import time  # noqa: PLC0415

        import httpx  # noqa: PLC0415
        from azure.core.credentials import AccessToken  # noqa: PLC0415
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415

        query = {"api-version": self.version, "resource": scopes[0].removesuffix("/.default")}
        if self.client:
            query["client_id"] = self.client
        try:
            answer = httpx.get(self.endpoint, params=query, headers={"Metadata": "true"}, timeout=30)
            answer.raise_for_status()
            said = answer.json()
            return AccessToken(said["access_token"], int(time.time()) + int(said.get("expires_in") or 300))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise ClientAuthenticationError(f"the managed identity's endpoint gave no token: {error}") from error


# In azurerm's order.
SOURCES: tuple[tuple[str, Callable[[Login], Any]], ...] = (
    ("client certificate", _certificate),
    ("client secret", _secret),
    ("OIDC token", _assertion(_token_of_environment)),
    ("Azure DevOps", _assertion(_token_of_devops)),
    ("GitHub", _assertion(_token_of_github)),
    ("managed identity", _managed),
    ("az", _cli),
)


def _read(path: str, variable: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImagegenError(f"{variable}: {path} cannot be read: {error}") from error
