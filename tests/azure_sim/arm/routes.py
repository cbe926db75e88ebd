"""Who answers which request."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.azure_sim.arm import blobservice, catalog, disks, galleries, login, machines, resources, subscriptions
from tests.azure_sim.arm.front import Arm, Handler
from tests.azure_sim.arm.web import Answer, Request, refused, shown
from tests.azure_sim.errors import CloudError

SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
PROVIDERS = SUBSCRIPTION + r"(/resourceGroups/(?P<group>[^/]+))?/providers/(?P<namespace>[^/]+)"
COMPUTE = SUBSCRIPTION + r"/providers/(?P<namespace>Microsoft\.Compute)"
PLACE = COMPUTE + r"/locations/(?P<location>[^/]+)"
MACHINE = PROVIDERS + r"/virtualMachines/(?P<machine>[^/]+)"
VERSIONS = PLACE + r"/publishers/(?P<publisher>[^/]+)/artifacttypes/vmimage/offers/(?P<offer>[^/]+)/skus/(?P<sku>[^/]+)"
PUBLIC = PLACE + r"/(?P<kind>community|shared)Galleries/(?P<gallery>[^/]+)"
OFFERED = "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/read"
TERMS = (
    SUBSCRIPTION + r"/providers/(?P<namespace>Microsoft\.MarketplaceOrdering)/offerTypes/virtualmachine"
    r"/publishers/(?P<publisher>[^/]+)/offers/(?P<offer>[^/]+)/plans/(?P<plan>[^/]+)/agreements/current"
)


@dataclass(frozen=True)
class Route:
    """A method, an expression for the whole path whatever its case, and who answers; and what the request is in roles,
    where that does not follow from a resource."""

    method: str
    path: str
    handler: Handler
    needs: str = ""


OPEN = (
    Route("GET", r"/metadata/endpoints", login.metadata),
    Route("GET", r"/common/discovery/instance", login.instance),
    Route("GET", r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration", login.discovery),
    Route("POST", r"/(?P<tenant>[^/]+)/oauth2/(v2\.0/)?token", login.token),
)
ARM = (
    Route("GET", r"/subscriptions", subscriptions.every),
    Route("GET", SUBSCRIPTION, subscriptions.one),
    Route(
        "GET", SUBSCRIPTION + r"/locations", subscriptions.locations, "Microsoft.Resources/subscriptions/locations/read"
    ),
    Route(
        "GET",
        SUBSCRIPTION + r"/providers(/(?P<namespace>[^/]+))?",
        subscriptions.providers,
        "Microsoft.Resources/subscriptions/providers/read",
    ),
    Route("POST", SUBSCRIPTION + r"/providers/(?P<namespace>[^/]+)/register", subscriptions.register),
    Route(
        "GET",
        r"(?P<scope>/.+)/providers/Microsoft\.Authorization/permissions",
        subscriptions.permissions,
        "Microsoft.Authorization/permissions/read",
    ),
    Route("GET", r"/.+/operations/(?P<operation>[^/]+)", resources.operation),
    Route("GET", r"/.+/operationResults/(?P<operation>[^/]+)", resources.result),
    Route("GET", VERSIONS + r"/versions", catalog.versions, OFFERED),
    Route("GET", VERSIONS + r"/versions/(?P<version>[^/]+)", catalog.version, OFFERED),
    Route("GET", COMPUTE + r"/skus", catalog.skus, "Microsoft.Compute/skus/read"),
    Route("GET", PLACE + r"/usages", catalog.usages, "Microsoft.Compute/locations/usages/read"),
    Route("GET|PUT", TERMS, catalog.agreement),
    Route(
        "GET",
        PUBLIC + r"/images/(?P<image>[^/]+)/versions(/(?P<version>[^/]+))?",
        galleries.public,
        "Microsoft.Compute/locations/{kind}Galleries/images/versions/read",
    ),
    Route(
        "GET",
        PUBLIC + r"/images(/(?P<image>[^/]+))?",
        galleries.public,
        "Microsoft.Compute/locations/{kind}Galleries/images/read",
    ),
    Route("GET", PUBLIC, galleries.public, "Microsoft.Compute/locations/{kind}Galleries/read"),
    Route(
        "GET",
        MACHINE + r"/instanceView",
        machines.instance_view,
        "Microsoft.Compute/virtualMachines/instanceView/read",
    ),
    Route("POST", MACHINE + r"/(?P<action>[^/]+)", machines.act),
    Route("POST", PROVIDERS + r"/(disks|snapshots)/[^/]+/beginGetAccess", disks.grant),
    Route("POST", PROVIDERS + r"/(disks|snapshots)/[^/]+/endGetAccess", disks.revoke),
    Route("POST", PROVIDERS + r"/storageAccounts/(?P<account>[^/]+)/listKeys", blobservice.keys),
    Route("POST", SUBSCRIPTION + r"/providers/Microsoft\.Storage/checkNameAvailability", blobservice.available),
    Route("GET", SUBSCRIPTION + r"(/resourceGroups/(?P<group>[^/]+))?/resources", resources.every),
    Route("GET", SUBSCRIPTION + r"/resourceGroups", resources.groups),
    Route("GET", r"(?P<id>/subscriptions/.+)", resources.get),
    Route("HEAD", r"(?P<id>/subscriptions/.+)", resources.head),
    Route("PUT", r"(?P<id>/subscriptions/.+)", resources.put),
    Route("PATCH", r"(?P<id>/subscriptions/.+)", resources.patch),
    Route("DELETE", r"(?P<id>/subscriptions/.+)", resources.delete),
)


def answer(arm: Arm, request: Request) -> Answer:
    """The answer to a request. Raises AnswerLost when there shall be none."""
    try:
        if found := _answered(OPEN, arm, request):
            return found
        if not re.match(r"/(subscriptions|providers)(/|$)", request.path, re.IGNORECASE):
            return blobservice.serve(arm, request)
        _require_version(request)
        if problem := _token_problem(arm, request):
            return problem
        subscriptions.require(arm, request.path)
        if found := _answered(ARM, arm, request):
            return found
        raise CloudError(405, "HttpRequestMethodNotAllowed", f"Nothing takes {request.method} {request.path}.")
    except CloudError as error:
        return _challenging(arm, refused(error))


def _answered(routes: Iterable[Route], arm: Arm, request: Request) -> Answer | None:
    for route in routes:
        if re.fullmatch(route.method, request.method) and (
            found := re.fullmatch(route.path, request.path.rstrip("/"), re.IGNORECASE)
        ):
            parts = {name: value for name, value in found.groupdict().items() if value is not None}
            if route.needs:
                arm.cloud.require(route.needs.format(**parts), _scope(request.path))
            return route.handler(arm, request, parts)
    return None


def _scope(path: str) -> str:
    """The resource, group or subscription that a request is about."""
    inside = re.match(r".*/providers/[^/]+/virtualMachines/[^/]+(?=/)", path, re.IGNORECASE)
    return inside[0] if inside else re.sub(r"/(providers|locations)(/.*)?$", "", path, count=1, flags=re.IGNORECASE)


def _require_version(request: Request) -> None:
    if not request.query.get("api-version"):
        raise CloudError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )


def _token_problem(arm: Arm, request: Request) -> Answer | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    problem = arm.tokens.problem(token if scheme.lower() == "bearer" else "", login.audiences(arm))
    if problem is None:
        return None
    code, message = {
        "missing": ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."),
        "forged": ("InvalidAuthenticationToken", "The access token is invalid."),
        "expired": ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."),
        "audience": ("InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience."),
    }[problem]
    return _challenging(arm, shown({"error": {"code": code, "message": message}}, 401))


def _challenging(arm: Arm, answer: Answer) -> Answer:
    """RFC 9110: a 401 says how to do better."""
    if answer.status != 401:
        return answer
    challenge = f'Bearer authorization_uri="{arm.endpoint}/common", error="invalid_token"'
    return Answer(401, answer.body, {**answer.headers, "WWW-Authenticate": challenge})
