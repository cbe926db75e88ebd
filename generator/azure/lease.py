"""One build at a time for one Terraform state: a lease beside it, over all phases of the build.

Terraform's own lock covers only each command (FACTS.md 14). The lease lasts a minute and is renewed: that of a
build that died frees itself.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from generator.azure import blobs
from generator.azure.auth.errors import is_code, told
from generator.azure.session import Session
from generator.errors import ImagegenError
from generator.settings import Settings

STORAGE_VERSION = "2023-05-01"  # of Microsoft.Storage
SECONDS = 60  # the longest that Azure grants, but for leases without an end
RENEW_SECONDS = 20.0
SAFE_SECONDS = 40.0  # after so long without a renewal it is given up, with what one more try takes still to spare
# Microsoft, "Blob service error codes": another has it, or nobody.
GONE = (
    "LeaseIdMismatchWithLeaseOperation", "LeaseNotPresentWithLeaseOperation", "LeaseIsBrokenAndCannotBeRenewed",
    "LeaseLost", "BlobNotFound",
)  # fmt: skip
# A try that hangs, or is made again and again, would outlast the lease.
PROMPTLY: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 5, "retry_total": 0}
SUFFIX = ".imagegen"
CI_VARIABLES = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL")


def refuse_local_state_in_ci(settings: Settings) -> None:
    """A runner is thrown away, and a local state with it (FACTS.md 12). Raises ImagegenError."""
    if not settings.allow_local_state and any(os.environ.get(name) for name in CI_VARIABLES):
        raise ImagegenError(
            "in a pipeline a local Terraform state is lost with the runner",
            "generate with --backend azurerm:…, or say --allow-local-state",
        )


@contextmanager
def hold_or_stop(session: Session, backend: Mapping[str, str], lost: threading.Event) -> Iterator[None]:
    """Hold the lease of a state while the block runs in the main thread; whoever loses it stops, since another build
    may be under way by now. Raises ImagegenError then.

    lost: is set in that moment. From then on nothing may be ended either: it may be the other build's.
    """

    def stop() -> None:
        lost.set()
        # Unlike interrupt_main this wakes who waits in a system call.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with hold(session, backend, on_lost=stop):
        try:
            yield
        except KeyboardInterrupt:
            if lost.is_set():
                raise lost_error() from None
            raise


def lost_error() -> ImagegenError:
    """What is told when it is lost."""
    return ImagegenError("the lease of the Terraform state was lost", "is another build of this workspace under way?")


@contextmanager
def hold(
    session: Session, backend: Mapping[str, str], version: str = "", on_lost: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold the lease of a state while the block runs.

    backend: arguments of the azurerm backend; on_lost: called, in another thread, when the lease is lost meanwhile.
    Raises ImagegenError, saying who, when another build holds it.
    """
    name = backend["key"] + SUFFIX
    with told(f"taking the lease {name}"):
        where = _service(session, backend).get_blob_client(backend["container_name"], name)
        lease = _acquired(where)
        where.set_blob_metadata(_who(version), lease=lease)
    over = threading.Event()
    renewer = threading.Thread(target=_renew, args=(lease, over, on_lost), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        over.set()
        renewer.join(RENEW_SECONDS)
        _release(lease)


def _service(session: Session, backend: Mapping[str, str]) -> Any:
    """The state's storage account, entered as the azurerm backend does: by an access key unless told otherwise.

    Source: Terraform, "Backend Type: azurerm", authentication.
    """
    account = backend["storage_account_name"]
    url = blobs.account_url(session, account)
    if given := os.environ.get("ARM_ACCESS_KEY") or os.environ.get("ARM_SAS_TOKEN"):
        return session.blobs(url, given)
    by_login = backend.get("use_azuread_auth") or os.environ.get("ARM_USE_AZUREAD") or ""
    if by_login.lower() in ("1", "true") or "resource_group_name" not in backend:
        return session.blobs(url)
    scope = f"/subscriptions/{backend.get('subscription_id') or session.subscription_id}"
    where = f"{scope}/resourceGroups/{backend['resource_group_name']}/providers/Microsoft.Storage/storageAccounts"
    keys = session.arm("POST", f"{where}/{account}/listKeys", STORAGE_VERSION)["keys"]
    return session.blobs(url, keys[0]["value"])


def _acquired(where: Any) -> Any:
    from azure.core.exceptions import HttpResponseError, ResourceExistsError  # noqa: PLC0415 - heavy

    with suppress(ResourceExistsError):
        if not where.exists():
            where.upload_blob(b"")
    try:
        return where.acquire_lease(lease_duration=SECONDS)
    except HttpResponseError as error:
        if not is_code(error, "LeaseAlreadyPresent"):
            raise
        holder = where.get_blob_properties().metadata or {}
        shown = " ".join(f"{name} {holder[name]}" for name in ("host", "pid", "version", "since") if name in holder)
        raise ImagegenError(
            f"another build of this state is under way: {shown or 'it does not say whose'}",
            "wait for it; if it died, its lease ends within a minute",
        ) from error


def _who(version: str) -> dict[str, str]:
    """Who holds the lease, for those who meet it."""
    host = socket.gethostname().encode("ascii", "replace").decode()
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"host": host, "pid": str(os.getpid()), "since": since} | ({"version": version} if version else {})


def _renew(lease: Any, over: threading.Event, on_lost: Callable[[], None]) -> None:
    """Renew until it is over. One failure is no loss: there is time for another try before the lease ends."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    renewed = time.monotonic()
    pause = RENEW_SECONDS
    while not over.wait(pause):
        asked = time.monotonic()
        try:
            lease.renew(**PROMPTLY)
            renewed, pause = asked, RENEW_SECONDS
        except (AzureError, ImagegenError, OSError) as error:  # a login may fail in its own ways
            pause = RENEW_SECONDS / 4
            if is_code(error, *GONE) or time.monotonic() - renewed > SAFE_SECONDS:
                if not over.is_set():
                    on_lost()
                return


def _release(lease: Any) -> None:
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    with suppress(AzureError):
        lease.release()
