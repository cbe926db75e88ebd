"""Where to find everything, and how to log in: the metadata endpoint and Microsoft Entra's token endpoint."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from tests.azure_sim.arm import tokens
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.web import Answer, Request, shown
from tests.azure_sim.assigned import TENANT
from tests.azure_sim.errors import CloudError
from tests.azure_sim.mirror import SUBSCRIPTION

CLIENT = "22222222-2222-2222-2222-222222222222"
SECRET = "simulated~client.secret-0123456789"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PUBLIC = ("https://management.core.windows.net", "https://management.azure.com")


def audiences(arm: Arm) -> set[str]:
    """Whom a token may be for that ARM takes."""
    return {arm.endpoint, *PUBLIC}


def metadata(arm: Arm, request: Request, parts: Mapping[str, str]) -> Answer:
    """The clouds there are: one. Version 2022-09-01 answers with an object, 2019-05-01 and later with a list."""
    one = {
        "name": "AzureSimulated",
        "portal": f"{arm.endpoint}/portal",
        "authentication": {
            "loginEndpoint": arm.endpoint, "audiences": [f"{one}/" for one in PUBLIC], "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": arm.endpoint,
        "media": f"{arm.endpoint}/media", "graph": f"{arm.endpoint}/graph", "graphAudience": f"{arm.endpoint}/graph",
        "microsoftGraphResourceId": f"{arm.endpoint}/graph/", "batch": f"{arm.endpoint}/batch",
        "gallery": f"{arm.endpoint}/gallery", "sqlManagement": f"{arm.endpoint}/sql",
        "suffixes": {
            "storage": arm.cloud.hook("storage_domain") or arm.host,
            "keyVaultDns": arm.host, "acrLoginServer": arm.host, "sqlServerHostname": arm.host,
            "storageSyncEndpointSuffix": arm.host, "mhsmDns": arm.host,
        },
    }  # fmt: skip
    return shown(one if request.query.get("api-version", "") >= "2022-09-01" else [one])


def discovery(arm: Arm, request: Request, parts: Mapping[str, str]) -> Answer:
    """OpenID's description of a tenant."""
    tenant = parts["tenant"]
    if problem := _tenant_problem(tenant):
        return problem
    base = f"{arm.endpoint}/{tenant}"
    return shown({
        "token_endpoint": f"{base}/oauth2/v2.0/token", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode", "issuer": f"{base}/v2.0",
        "jwks_uri": f"{base}/discovery/v2.0/keys", "tenant_region_scope": None, "cloud_instance_name": arm.host,
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code", "token"], "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })  # fmt: skip


def instance(arm: Arm, request: Request, parts: Mapping[str, str]) -> Answer:
    """Which clouds an authority belongs to."""
    alias = {"preferred_network": arm.host, "preferred_cache": arm.host, "aliases": [arm.host]}
    place = f"{arm.endpoint}/{TENANT}/v2.0/.well-known/openid-configuration"
    return shown({"tenant_discovery_endpoint": place, "api-version": "1.1", "metadata": [alias]})


def token(arm: Arm, request: Request, parts: Mapping[str, str]) -> Answer:
    """Client credentials, with a secret or with an assertion from elsewhere (OIDC)."""
    if problem := _tenant_problem(parts["tenant"]):
        return problem
    form = dict(parse_qsl(request.body.decode()))
    if problem := _client_problem(form):
        return problem
    try:
        arm.cloud.authenticate(SUBSCRIPTION)
    except CloudError as error:
        return _no(error.status, "invalid_client", 0, f"{error.code}: {error.message}")
    audience = (form.get("scope") or form.get("resource") or "").split(" ")[0].removesuffix("/.default")
    seconds = arm.cloud.hook("token_seconds")
    issued = arm.tokens.issue(audience, parts["tenant"], form["client_id"], seconds)
    lasts = {"expires_in": int(seconds), "ext_expires_in": int(seconds), "expires_on": int(time.time() + seconds)}
    return shown({"token_type": "Bearer", **lasts, "access_token": issued})


def _tenant_problem(tenant: str) -> Answer | None:
    if tenant.lower() in (TENANT, "common", "organizations"):
        return None
    return _no(
        400, "invalid_tenant", 90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    )  # fmt: skip


def _client_problem(form: Mapping[str, str]) -> Answer | None:
    client = form.get("client_id", "")
    if form.get("grant_type") != "client_credentials":
        return _no(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    if client.lower() != CLIENT:
        return _no(
            400, "unauthorized_client", 700016,
            f"Application with identifier '{client}' was not found in the directory 'Simulated'. This can happen if "
            "the application has not been installed by the administrator of the tenant.",
        )  # fmt: skip
    if form.get("client_assertion_type") == ASSERTION:
        return _assertion_problem(form.get("client_assertion", ""))
    if form.get("client_secret") != SECRET:
        return _no(
            401, "invalid_client", 7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client}'.",
        )  # fmt: skip
    return None


def _assertion_problem(assertion: str) -> Answer | None:
    claims = tokens.read(assertion)
    if not claims:
        return _no(401, "invalid_client", 50027, "JWT token is invalid or malformed.")
    if claims.get("exp", time.time() + 1) <= time.time():
        return _no(401, "invalid_client", 700024, "Client assertion is not within its valid time range.")
    return None


def _no(status: int, error: str, number: int, text: str) -> Answer:
    trace, now = str(uuid4()), time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    head = f"AADSTS{number}: {text}" if number else text
    body: dict[str, Any] = {
        "error": error,
        "error_description": f"{head} Trace ID: {trace} Correlation ID: {trace} Timestamp: {now}",
        "error_codes": [number], "timestamp": now, "trace_id": trace, "correlation_id": trace,
    }  # fmt: skip
    return shown(body, status)
