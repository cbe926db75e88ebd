"""Errors of Azure Resource Manager in words, of a text or body: the SDK brings them, and azurerm by Terraform."""

import json
import re
from typing import Any

ROLE = "give it a role with that action, such as examples/roles; a new role takes some minutes"
_NOT_ALLOWED = re.compile(
    r"(?:authorization to perform action '(?P<action>[^']+)'.*? scope '(?P<scope>[^']+)'"
    r"|not have permission to perform action\(s\) '(?P<linked>[^']+)' on the linked scope\(s\) '(?P<there>[^']+)')",
    re.DOTALL,
)
# Around what a machine's agent reports (Microsoft, "Troubleshoot Azure VM extension failures").
_EXTENSION = re.compile(r"processing extension '[^']*'.*?[Ee]rror message: |VM extension '[^']*' with error message: ")
TROUBLESHOOTING = "More information on troubleshooting"
# What follows a reason: where to read more, and a policy's identifiers in JSON.
_MORE = re.compile(
    r"\s*(?:(?:More information|For more (?:details|information)|Please (?:see|check|refer)|Click here|See) [^.]*?"
    r"https?://\S+.*| Policy identifiers: .*|If access was recently granted,.*)$",
    re.DOTALL,
)
_NAMESPACE = re.compile(r"namespace '([^']+)'|Microsoft\.\w+")
# Error codes of Azure Resource Manager and Compute (Microsoft, "Troubleshoot common Azure deployment errors"), and of
# the blob service ("Blob service error codes"), with what helps.
_HINTS = {
    "LinkedAuthorizationFailed": "the account needs a role on the other resource too: see examples/roles",
    "AuthorizationPermissionMismatch": "the account needs the role Storage Blob Data Contributor there",
    "AuthorizationFailure": "the storage account's firewall may refuse this computer's address",
    "KeyBasedAuthenticationNotPermitted": "the account needs the role Storage Blob Data Contributor",
    "QuotaExceeded": "ask for more cores at https://aka.ms/azquota, or choose another `vmSize` or `location`",
    "SkuNotAvailable": "choose another `vmSize` or `location`: az vm list-skus --location LOCATION --output table",
    "AllocationFailed": "try again later, or choose another `vmSize` or `location`",
    "MarketplacePurchaseEligibilityFailed": "accept the image's terms: az vm image terms accept --urn URN",
    "ResourcePurchaseValidationFailed": "accept the image's terms: az vm image terms accept --urn URN",
    "VMMarketplaceInvalidInput": "the image has a purchase plan: write `planInfo` in the template's source",
    "SubscriptionNotFound": "is it the right one, and does this login see it? az account list --output table",
    "InvalidSubscriptionId": "a subscription's id has the form 00000000-0000-0000-0000-000000000000",
    "RequestDisallowedByPolicy": "a policy of the organisation forbids it: ask who keeps the subscription",
    "ScopeLocked": "a lock forbids it: az lock list",
    "LeaseIdMissing": "something holds a lease on the blob",
    "PublicAccessNotPermitted": "the storage account allows no public access: log in with a role that may read it",
}
_QUOTAS = {"OperationNotAllowed", "QuotaExceeded", "ResourceQuotaExceeded", "PublicIPCountLimitReached"}
# Codes that say nothing by themselves: the reason is in the details.
_WRAPPERS = {"DeploymentFailed", "ResourceDeploymentFailure", "InvalidTemplateDeployment", "Conflict", "BadRequest"}


def not_allowed(text: str) -> str | None:
    """Which right is missing where, if that is what an error says."""
    found = _NOT_ALLOWED.search(text)
    if found is None:
        return None
    return f"the credential may not do {found['action'] or found['linked']} on {found['scope'] or found['there']}"


def advice(text: str) -> str | None:
    """What to do about an error that azurerm tells in its own words, with Azure's code somewhere in them."""
    if not_allowed(text):
        return ROLE
    codes = (*_HINTS, *_QUOTAS, "MissingSubscriptionRegistration")
    return hint(next((code for code in codes if re.search(rf"\b{code}\b", text)), ""), text)


def hint(code: str, sentence: str) -> str | None:
    """What to do about an error."""
    if code == "MissingSubscriptionRegistration":
        found = _NAMESPACE.search(sentence)
        return f"az provider register --namespace {found[1] or found[0] if found else 'NAMESPACE'}"
    if code in _QUOTAS and "quota" in sentence.lower():
        return _HINTS["QuotaExceeded"]
    return _HINTS.get(code)


def shortened(text: str) -> str:
    """The line of a message that says why, without where to read more, identifiers and JSON."""
    if found := re.search(r"AADSTS\d+:[^\r\n]*", text):
        text = re.split(r" (?:Trace ID|Correlation ID|Timestamp):", found[0])[0]
    # Blob errors go on with RequestId and Time; ARM's with a help link or a JSON dump.
    lines = [line.strip() for line in _of_extension(text).splitlines()]
    kept = next((line for line in lines if line and not line.startswith(("(", "Code:"))), text.strip())
    kept = kept.removeprefix("Message: ")
    return _MORE.sub("", kept).strip() or kept


def _of_extension(message: str) -> str:
    """What the agent of a machine reported of an extension or run command, without the sentence around it."""
    found = _EXTENSION.search(message)
    if found is None:
        return message
    said = message[found.end() :].partition(TROUBLESHOOTING)[0].strip("'\". \r\n")
    return said.removeprefix("Enable failed: ") or message


def reason_in(body: dict[str, Any]) -> dict[str, Any]:
    """The part of ARM's error body that has the reason: `{"error": {code, message, details: […]}}`, nested at will."""
    found = body
    while True:
        details = [part for part in found.get("details") or [] if isinstance(part, dict) and part.get("message")]
        if details and (found.get("code") in _WRAPPERS or not found.get("message")):
            found = details[0]
            continue
        inner = body_of(found.get("message"))
        if not inner:
            return found
        found = inner


def body_of(text: Any) -> dict[str, Any]:
    """The error object in a JSON text, {} where there is none."""
    try:
        value = json.loads(text) if isinstance(text, str) and text.lstrip()[:1] == "{" else None
    except ValueError:
        return {}
    if not isinstance(value, dict):
        return {}
    inner = value.get("error", value)
    return inner if isinstance(inner, dict) and ("message" in inner or "code" in inner) else {}
