"""The blob service: who may ask, and accounts and containers. What concerns one blob is in `blobobjects`.

Accounts stand in the path, as with every storage service at an address without a name. Signatures of SAS tokens and
shared keys are not checked, only that they are there, their time, and their permissions.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from tests.azure_sim import access
from tests.azure_sim.arm import blobobjects, disks, leases, xml
from tests.azure_sim.arm.blobs import Container
from tests.azure_sim.arm.common import canonical, not_found
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.web import Answer, Request, shown
from tests.azure_sim.assigned import TENANT
from tests.azure_sim.contents import Resource
from tests.azure_sim.errors import CloudError

ACCOUNTS = "Microsoft.Storage/storageAccounts"
CONTAINERS = f"{ACCOUNTS}/blobServices/containers"
STORAGE = "https://storage.azure.com"


def keys(arm: Arm, request: Request, parts: Mapping[str, str]) -> Answer:
    """ARM's listKeys."""
    target = canonical(request.path.rpartition("/")[0])
    if not arm.cloud.exists(target.text):
        raise not_found(arm, target)
    arm.cloud.request("listKeys", target.text)
    made = [base64.b64encode(hashlib.sha512(f"{target.key}{number}".encode()).digest()).decode() for number in (1, 2)]
    return shown({
        "keys": [
            {"keyName": f"key{number}", "value": key, "permissions": "FULL"} for number, key in enumerate(made, start=1)
        ]
    })  # fmt: skip


def available(arm: Arm, request: Request, parts: Mapping[str, str]) -> Answer:
    """ARM's checkNameAvailability: the names of accounts are everybody's."""
    name = request.json().get("name")
    if any(one["name"] == name for one in arm.cloud.resources(arm_type=ACCOUNTS)):
        taken = f"The storage account named {name} is already taken."
        return shown({"nameAvailable": False, "reason": "AlreadyExists", "message": taken})
    return shown({"nameAvailable": True})


def serve(arm: Arm, request: Request) -> Answer:
    """Answer a request to an account; errors are told in XML."""
    account, _, rest = request.path.lstrip("/").partition("/")
    container, _, name = rest.partition("/")
    try:
        answer = _answer(arm, request, account, container, name)
    except CloudError as error:
        answer = xml.refused(error)
    return Answer(answer.status, answer.body, {"x-ms-version": "2025-01-05", **answer.headers}, answer.wait)


def _answer(arm: Arm, request: Request, account: str, container: str, name: str) -> Answer:
    if account.startswith("md-") or account == "bootdiagnostics":
        return _closed(arm, request, account, name)
    owner = next((one for one in arm.cloud.resources(arm_type=ACCOUNTS) if one["name"] == account), None)
    if owner is None:  # with the real one, the account's name would not be found
        raise CloudError(404, "ResourceNotFound", f"There is no storage account '{account}'.")
    if not _authorize(arm, request, owner):
        arm = replace(arm, cloud=arm.cloud.for_caller(caller=False))
    with arm.blobs.lock:
        if not container:
            return _account(arm, request, owner)
        place = f"{owner['id']}/blobServices/default/containers/{container}"
        if not name:
            return _container(arm, request, owner, container, place)
        action = {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(request.method, "create")
        arm.cloud.request(action, f"{place}/blobs/{quote(name, safe='')}")
        if not arm.cloud.exists(place):
            raise _no_container()
        return blobobjects.serve(arm, request, (account, container, name))


def _authorize(arm: Arm, request: Request, owner: Resource) -> bool:
    """A token for storage, a shared key where the account takes them, or a SAS. Whether roles decide the rest."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        problem = arm.tokens.problem(credential, {STORAGE, arm.endpoint, f"{arm.endpoint}/{owner['name']}"})
        if problem:
            raise CloudError(
                401, "InvalidAuthenticationInfo", f"Authentication failed: the token is not good: {problem}."
            )
    elif scheme.lower() == "sharedkey":
        if owner["properties"].get("allowSharedKeyAccess") is False:
            raise CloudError(
                403, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this account."
            )
    elif request.query.get("sig"):
        _check_signature(request)
    else:
        raise CloudError(
            401, "NoAuthenticationInformation", "Server failed to authenticate the request. Please refer to the "
            "information in the www-authenticate header.",
        )  # fmt: skip
    return scheme.lower() == "bearer"


def _check_signature(request: Request) -> None:
    """Refuse a SAS whose time is over, or that does not permit the request."""
    expiry = request.query.get("se", "")
    if not expiry or _time(expiry) <= datetime.now(UTC):
        raise CloudError(403, "AuthenticationFailed", f"Signature not valid in the specified time frame: {expiry}.")
    if (start := request.query.get("st")) and _time(start) > datetime.now(UTC):
        raise CloudError(403, "AuthenticationFailed", f"Signature not valid in the specified time frame: {start}.")
    wanted = {"GET": "r", "HEAD": "r", "DELETE": "d"}.get(request.method, "cwa")
    if request.query.get("comp") == "list":
        wanted = "l"
    if not set(wanted) & set(request.query.get("sp", "")):
        raise CloudError(
            403, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation."
        )


def _time(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _closed(arm: Arm, request: Request, account: str, name: str) -> Answer:
    """What Azure itself puts at an address: a disk's bytes while there is a grant, and the console's text."""
    _check_signature(request)
    if account.startswith("md-"):
        content = disks.content(arm, account)
        if content is None:
            raise CloudError(403, "AuthenticationFailed", "The shared access signature was revoked.")
        return blobobjects.bytes_of(request, content, {"x-ms-blob-type": "PageBlob"})
    machine = name.partition(".")[0]
    text = arm.cloud.hook("console").get(machine, f"Debian GNU/Linux 12 {machine} ttyS0\n\n{machine} login: ")
    return blobobjects.bytes_of(request, text.encode(), {"x-ms-blob-type": "AppendBlob"})


def _account(arm: Arm, request: Request, owner: Resource) -> Answer:
    comp = request.query.get("comp")
    if comp == "userdelegationkey":
        arm.cloud.request("generateUserDelegationKey", f"{owner['id']}/blobServices/default")
        wanted = xml.values(request.body)
        return xml.document("UserDelegationKey", {
            "SignedOid": access.OBJECT_ID, "SignedTid": TENANT, "SignedStart": wanted.get("Start", ""),
            "SignedExpiry": wanted.get("Expiry", ""), "SignedService": "b", "SignedVersion": "2025-01-05",
            "Value": base64.b64encode(hashlib.sha256(owner["id"].encode()).digest()).decode(),
        })  # fmt: skip
    if comp == "list":
        names = [one["name"] for one in arm.cloud.listed(owner["id"], CONTAINERS)]
        found = [(one, arm.blobs.container(owner["name"], one)) for one in sorted(names)]
        return xml.containers(arm.endpoint, request, found)
    if comp == "properties" and request.query.get("restype") == "account":
        return Answer(200, b"", {"x-ms-sku-name": "Standard_LRS", "x-ms-account-kind": "StorageV2"})
    raise _unsupported()


def _container(arm: Arm, request: Request, owner: Resource, name: str, place: str) -> Answer:
    comp, key = request.query.get("comp"), (owner["name"], name)
    if request.method == "PUT" and comp is None:
        if arm.cloud.exists(place):
            raise CloudError(409, "ContainerAlreadyExists", "The specified container already exists.")
        arm.cloud.put(place, {"properties": {}})
        arm.blobs.containers[key] = Container()
        return Answer(201, b"", _marks(arm.blobs.containers[key]))
    arm.cloud.request("delete" if request.method == "DELETE" else "read", place)
    if not arm.cloud.exists(place):
        raise _no_container()
    container = arm.blobs.container(*key)
    if comp == "lease":
        return leases.lease(container.properties, request)
    if comp == "list":
        return xml.blobs(arm.endpoint, request, name, container)
    if request.method == "DELETE":
        arm.cloud.delete(place)
        del arm.blobs.containers[key]
        return Answer(202)
    if request.method in ("GET", "HEAD"):
        return Answer(200, b"", _marks(container) | leases.headers(container.properties.lease))
    raise _unsupported()


def _marks(container: Container) -> dict[str, str]:
    return {"ETag": container.properties.etag, "Last-Modified": container.properties.modified}


def _no_container() -> CloudError:
    return CloudError(404, "ContainerNotFound", "The specified container does not exist.")


def _unsupported() -> CloudError:
    return CloudError(400, "UnsupportedOperation", "The simulated blob service does not know this.")
