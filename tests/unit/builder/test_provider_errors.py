"""Errors of azurerm in every form that its source has: one sentence of each is told."""

import json

import pytest

from generator.builder import provider_errors
from generator.builder.provider_errors import BROKEN_OFF, TIMED_OUT, ProviderError

MACHINE = 'Virtual Machine (Subscription: "s"\nResource Group Name: "g"\nVirtual Machine Name: "web")'
DOING = "creating Virtual Machine web"
FORBIDDEN = (
    "The client 'a' with object id 'b' does not have authorization to perform action 'Microsoft.Compute/disks/write' "
    "over scope '/subscriptions/s/x' or the scope is invalid. If access was recently granted, please refresh your "
    "credentials."
)
LINKED = (
    "The client 'a' with object id 'b' has permission to perform action 'Microsoft.Network/networkInterfaces/write' on "
    "scope '/s/nic'; however, it does not have permission to perform action(s) "
    "'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/s/subnet' or the linked scope(s) "
    "are invalid."
)
LINUX = (
    "VM has reported a failure when processing extension '020-fail' (publisher 'Microsoft.CPlat.Core' and type "
    "'RunCommandHandlerLinux'). Error message: 'Enable failed: failed to execute command: command terminated with exit "
    "status=2\n[stdout]\nhello\n\n[stderr]\ndisk is full\n'. More information on troubleshooting is available at "
    "https://aka.ms/VMExtensionCSELinuxTroubleshoot."
)
WINDOWS = (
    "VM has reported a failure when processing extension 'steps' (publisher 'Microsoft.Compute' and type "
    "'CustomScriptExtension'). Error message: 'Command execution finished, but failed because it returned a non-zero "
    "exit code of: '3'. The command had an error output of: 'no''. More information on troubleshooting is available at "
    "https://aka.ms/VMExtensionCSEWindowsTroubleshoot."
)
OLD = (
    "VM has reported a failure when processing extension 'steps'. Error message: \"Finished executing command\"\r\n\r\n"
    "More information on troubleshooting is available at https://aka.ms/VMExtensionCSEWindowsTroubleshoot "
)
TERMINAL = (
    "The handler for VM extension type 'Microsoft.CPlat.Core.RunCommandHandlerLinux' has reported terminal failure for "
    "VM extension '010-a' with error message: '[ExtensionOperationError] Non-zero exit code: 7, bin/shim enable"
    "\n[stdout]\n\n[stderr]\nx'.\r\n\r\nMore information on troubleshooting is available at https://aka.ms/x."
)
UNREGISTERED = """The Resource Provider was not registered

Resource Providers (APIs) in Azure need to be registered before they can be used - however the Resource
Provider was not registered, and calling the API returned the following error:

> The subscription is not registered to use namespace 'Microsoft.Storage'. See
> https://aka.ms/rps-not-found for how to register subscriptions.

The Azure Provider by default will automatically register certain Resource Providers at launch-time,

> az provider register --namespace "Some.ResourceProvider"
"""


def late(code: str, message: str, answer: str | None = None, activity: str = "") -> str:
    """An operation that failed after it was accepted: go-azure-sdk, sdk/client/resourcemanager/errors.go."""
    body = json.dumps({"status": "Failed", "error": {"code": code, "message": message}}) if answer is None else answer
    return (
        f"creating {MACHINE}: polling after CreateOrUpdate: polling failed: the Azure API returned the following error:"
        f'\n\nStatus: "Failed"\nCode: "{code}"\nMessage: {json.dumps(message)}\nActivity Id: "{activity}"\n\n---\n\n'
        f"API Response:\n\n----[start]----\n{body}\n-----[end]-----\n"
    )


def status(text: str) -> str:
    """A status that was not expected: go-azure-sdk, sdk/client/client.go."""
    return f"creating {MACHINE}: performing CreateOrUpdate: unexpected status {text}"


NESTED = json.dumps({"error": {"code": "DeploymentFailed", "message": json.dumps({"code": "X", "message": "Inner."})}})
DETAILS = json.dumps(
    {"error": {"code": "BadRequest", "message": "Bad.", "details": [{"code": "Y", "message": "The cause."}]}}
)
TOKEN = json.dumps({
    "error": "invalid_client",
    "error_description": "AADSTS7000215: Invalid client secret provided. Trace ID: t Correlation ID: c Timestamp: now",
})  # fmt: skip


@pytest.mark.parametrize(
    ("text", "doing", "sentence"),
    [
        (late("SkuNotAvailable", "No such size here. Please see https://aka.ms/sku for sizes."), DOING,
         "No such size here."),
        (late("SkuNotAvailable", "No such size.", answer="not JSON"), DOING, "No such size."),
        (late("SkuNotAvailable", "", answer="{}"), DOING, "SkuNotAvailable"),
        (late("DeploymentFailed", "x", answer=NESTED), DOING, "Inner."),
        (late("BadRequest", "x", answer=DETAILS), DOING, "The cause."),
        (late("RequestDisallowedByPolicy", "'web' was disallowed by policy. Policy identifiers: '[{}]'."), DOING,
         "'web' was disallowed by policy."),
        (late("X", "a\nb"), DOING, "a"),
        (late("X", FORBIDDEN), DOING, "the credential may not do Microsoft.Compute/disks/write on /subscriptions/s/x"),
        (late("VMExtensionProvisioningError", LINUX), DOING,
         "failed to execute command: command terminated with exit status=2"),
        (late("VMExtensionProvisioningError", OLD), DOING, "Finished executing command"),
        (status(f"403 (403 Forbidden) with error: AuthorizationFailed: {FORBIDDEN}"), DOING,
         "the credential may not do Microsoft.Compute/disks/write on /subscriptions/s/x"),
        (status(f"403 (403 Forbidden) with error: LinkedAuthorizationFailed: {LINKED}"), DOING,
         "the credential may not do Microsoft.Network/virtualNetworks/subnets/join/action on /s/subnet"),
        (status("409 (409 Conflict) with error: ScopeLocked: A lock forbids it."), DOING, "A lock forbids it."),
        (status("404 (404 Not Found) with error: no code here"), DOING, "no code here"),
        (status('409 (409 Conflict) with response: {"error":{"code":"X","message":"Taken."}}'), DOING, "Taken."),
        (status("502 (502 Bad Gateway) with response: <html>a proxy</html>"), DOING, "the server says 502 Bad Gateway"),
        (status("500 (500 Internal Server Error) received with no body"), DOING,
         "the server says 500 Internal Server Error"),
        (status("500, could not read response body"), DOING, "the server says 500"),
        (UNREGISTERED, "", "The subscription is not registered to use namespace 'Microsoft.Storage'."),
        ("building account: could not acquire access token to parse claims: clientCredentialsToken: received HTTP "
         f"status 401 with response: {TOKEN}", "",
         "the login was refused: AADSTS7000215: Invalid client secret provided."),
        (f"creating {MACHINE}: polling after CreateOrUpdate: context deadline exceeded", DOING, TIMED_OUT),
        (f"retrieving {MACHINE}: HTTP response was nil; connection may have been reset",
         "retrieving Virtual Machine web", BROKEN_OFF),
        ('A resource with the ID "/s/x" already exists - to be managed via Terraform this resource needs to be',
         "", "/s/x exists already"),
    ],
)  # fmt: skip
def test_one_sentence_is_told(text: str, doing: str, sentence: str) -> None:
    assert provider_errors.parse(text) == ProviderError(doing, sentence)


@pytest.mark.parametrize(
    ("message", "code", "printed"),
    [(LINUX, 2, ["hello", "disk is full"]), (WINDOWS, 3, []), (TERMINAL, 7, ["x"]), (OLD, None, []), ("x", None, [])],
)
def test_a_script_that_failed_has_an_exit_code_and_an_output(
    message: str, code: int | None, printed: list[str]
) -> None:
    text = late("VMExtensionProvisioningError", message)
    assert provider_errors.exit_code(text) == code
    assert provider_errors.output(text) == printed


def test_what_is_not_azurerms_is_left_to_others() -> None:
    assert provider_errors.parse("Invalid index: the given key does not identify an element") is None
