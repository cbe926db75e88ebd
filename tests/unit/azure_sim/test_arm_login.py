"""The way in to the simulated ARM: metadata, tokens, and what is refused without a good one."""

import base64
import json
import ssl
import time
import urllib.request
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientAssertionCredential
from azure.mgmt.resource.resources import ResourceManagementClient

from tests.azure_sim.assigned import TENANT
from tests.azure_sim.faults import fault
from tests.support.waiting import HANG_SECONDS
from tests.unit.azure_sim.clients import Clients


def _open(clients: Clients, path: str) -> Any:
    context = ssl.create_default_context(cafile=clients.authority)
    with urllib.request.urlopen(f"{clients.azure.endpoint}{path}", context=context, timeout=HANG_SECONDS) as answer:  # noqa: S310
        return json.loads(answer.read())


def test_the_metadata_point_to_the_front(clients: Clients) -> None:
    """In the form that azurerm reads, version 2022-09-01; older ones are lists."""
    found = _open(clients, "/metadata/endpoints?api-version=2022-09-01")
    assert found["resourceManager"] == clients.azure.endpoint
    assert found["authentication"]["loginEndpoint"] == clients.azure.endpoint
    assert set(found["authentication"]) == {"loginEndpoint", "audiences", "tenant", "identityProvider"}
    assert {"storage", "keyVaultDns"} <= set(found["suffixes"])
    assert _open(clients, "/metadata/endpoints?api-version=2020-06-01") == [found]
    assert clients.azure.env["ARM_METADATA_HOSTNAME"] == clients.azure.endpoint.removeprefix("https://")
    instance = _open(clients, "/common/discovery/instance?api-version=1.1")
    assert instance["tenant_discovery_endpoint"].startswith(clients.azure.endpoint)


@pytest.mark.parametrize(
    ("differs", "code"),
    [
        ({"ARM_CLIENT_SECRET": "wrong"}, "AADSTS7000215"),
        ({"ARM_CLIENT_ID": "44444444-4444-4444-4444-444444444444"}, "AADSTS700016"),
    ],
)
def test_a_wrong_credential_is_refused_in_azures_words(clients: Clients, differs: dict[str, str], code: str) -> None:
    with pytest.raises(ClientAuthenticationError, match=code):
        clients.login(**differs).get_token("https://management.azure.com/.default")


def test_an_unknown_tenant_is_refused(clients: Clients) -> None:
    """azure-identity asks for the tenant's description first, so its words are its own; the code is Azure's."""
    other = clients.login(ARM_TENANT_ID="55555555-5555-5555-5555-555555555555")
    with pytest.raises(ClientAuthenticationError):
        other.get_token("https://management.azure.com/.default")
    assert [one.status for one in clients.azure.requests()] == [400]


def test_a_login_can_be_planted_to_fail(clients: Clients) -> None:
    clients.cloud.plant(fault("authenticate", "*", status=400, code="AADSTS50076", message="use multi-factor"))
    with pytest.raises(ClientAuthenticationError, match="AADSTS50076: use multi-factor"):
        clients.login().get_token("https://management.azure.com/.default")


def test_an_assertion_of_another_issuer_logs_in(clients: Clients) -> None:
    def assertion(expires: float) -> str:
        claims = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode()
        return f"e30.{claims}.signature"

    def login(expires: float) -> ClientAssertionCredential:
        return ClientAssertionCredential(
            TENANT, clients.azure.env["ARM_CLIENT_ID"], lambda: assertion(expires), authority=clients.azure.endpoint,
            disable_instance_discovery=True, connection_verify=clients.authority,
        )  # fmt: skip

    client = ResourceManagementClient(**clients.options(login(time.time() + 60)))
    assert [one.name for one in client.resource_groups.list()] == ["rg"]
    with pytest.raises(ClientAuthenticationError, match="AADSTS700024"):
        login(time.time() - 60).get_token("https://management.azure.com/.default")


class _Token:
    """A credential with one token."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(self.text, int(time.time()) + 3600)


def test_every_request_needs_a_good_token(clients: Clients) -> None:
    scopes = {
        "good": "https://management.azure.com/.default", "InvalidAuthenticationTokenAudience": "https://other/.default",
    }  # fmt: skip
    tokens = {code: clients.credential.get_token(scope).token for code, scope in scopes.items()}
    clients.cloud.set(token_seconds=-1)
    tokens["ExpiredAuthenticationToken"] = clients.login().get_token(scopes["good"]).token
    tokens["InvalidAuthenticationToken"] = tokens["good"][:-2]
    for code, token in tokens.items():
        client = ResourceManagementClient(**clients.options(_Token(token)))
        if code == "good":
            assert client.resource_groups.check_existence("rg")
            continue
        with pytest.raises(HttpResponseError, match=code) as refused:
            client.resource_groups.get("rg")
        assert refused.value.status_code == 401
        assert "Bearer" in refused.value.response.headers["WWW-Authenticate"]  # type: ignore[union-attr]


def test_a_version_of_the_api_has_to_be_named(clients: Clients) -> None:
    with pytest.raises(HttpResponseError, match="MissingApiVersionParameter"):
        clients.send("GET", "/subscriptions", version="")
