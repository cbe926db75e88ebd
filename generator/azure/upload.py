"""A file to a machine that nobody logs in to: by way of a blob, with an address that is good for an hour."""

import base64
import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from generator.azure import ids, runcommands
from generator.azure.auth.errors import told
from generator.azure.session import Session
from generator.errors import ImagegenError

STORAGE_VERSION = "2023-05-01"  # of Microsoft.Storage
LIFE = timedelta(hours=1)
# The clock here may be ahead of Azure's.
EARLY = timedelta(minutes=5)

# The file is owned by the build user, and put in place as that user, as if it came over SSH. `Address` is a protected
# parameter: it stands in no state and no log.
LINUX = """set -eu
cd "$(getent passwd '{user}' | cut -d: -f6)"
to=$(printf %s '{destination}' | base64 -d)
part=$(mktemp)
trap 'rm -f "$part"' EXIT
if command -v curl >/dev/null; then curl -fsS --retry 5 -o "$part" "$Address"
elif command -v wget >/dev/null; then wget -q -t 5 -O "$part" "$Address"
else python3 -c 'import os, sys, urllib.request; urllib.request.urlretrieve(os.environ["Address"], sys.argv[1])' "$part"
fi
echo '{sha256} '" $part" | sha256sum -c --quiet
chown '{user}' "$part"
runuser -u '{user}' -- cp "$part" "$to"
"""
WINDOWS = """param([string]$Address)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$to = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{destination}'))
$folder = Split-Path -Parent $to
if ($folder) {{ [void](New-Item -ItemType Directory -Force -Path $folder) }}
$part = [IO.Path]::GetTempFileName()
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
Invoke-WebRequest -UseBasicParsing -Uri $Address -OutFile $part
if ((Get-FileHash -Algorithm SHA256 $part).Hash -ne '{sha256}') {{ throw 'the file did not arrive whole' }}
Move-Item -Force -LiteralPath $part -Destination $to
"""


def upload(session: Session, arguments: dict[str, Any], say: Callable[[str], None]) -> None:
    """Bring a file to the machine.

    Arguments: vm_id, system, storage_account_id, container, file, sha256, destination, user, timeout_seconds, key.
    Raises ImagegenError when the file is another one than was planned, or does not arrive whole.
    """
    content = Path(arguments["file"]).read_bytes()
    if hashlib.sha256(content).hexdigest() != arguments["sha256"].lower():
        raise ImagegenError(f"{arguments['file']} has changed since it was planned", "run the build again")
    with told(f"storing {arguments['key']} for the machine"):
        account = session.arm("GET", arguments["storage_account_id"], STORAGE_VERSION)
        service = session.blobs(account["properties"]["primaryEndpoints"]["blob"])
        blob = _stored(service, arguments, content)
    try:
        with told(f"making an address for {arguments['key']}"):
            address = _address(service, ids.name(arguments["storage_account_id"]), blob, session.now())
        script = (WINDOWS if arguments["system"] == "windows" else LINUX).format(
            user=arguments["user"], sha256=arguments["sha256"],
            destination=base64.b64encode(arguments["destination"].encode()).decode(),
        )  # fmt: skip
        ran = runcommands.run(
            session, arguments["vm_id"], f"imagegen-{arguments['key']}", script, protected={"Address": address},
            timeout=float(arguments["timeout_seconds"]), on_line=say,
        )  # fmt: skip
    finally:
        _remove(blob)
    if ran.exit_code != 0:
        raise ImagegenError(
            f"the file did not get to {arguments['destination']}: {ran.last_line}",
            "the machine needs a way out to the storage account by HTTPS",
        )
    say(f"{len(content)} bytes to {arguments['destination']}")


def _stored(service: Any, arguments: dict[str, Any], content: bytes) -> Any:
    """The blob with the file, in a container that is made if need be."""
    from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - heavy

    with suppress(ResourceExistsError):
        service.create_container(arguments["container"])
    blob = service.get_blob_client(arguments["container"], arguments["key"])
    blob.upload_blob(content, overwrite=True)
    return blob


def _address(service: Any, account: str, blob: Any, now: datetime) -> str:
    """An address that reads this one blob for an hour from `now` (by Azure's clock), signed by our own login."""
    from azure.storage.blob import BlobSasPermissions, generate_blob_sas  # noqa: PLC0415

    begins, ends = now - EARLY, now + LIFE
    signature = generate_blob_sas(
        account, blob.container_name, blob.blob_name,
        user_delegation_key=service.get_user_delegation_key(begins, ends), permission=BlobSasPermissions(read=True),
        start=begins, expiry=ends, protocol="https",
    )  # fmt: skip
    return f"{blob.url}?{signature}"


def _remove(blob: Any) -> None:
    """Delete the blob; its group goes with the build anyway."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    with suppress(AzureError):
        blob.delete_blob()
