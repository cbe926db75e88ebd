"""The Azure CLI, asked for tokens and for its subscription.

azure-identity's AzureCliCredential would hand it our whole environment, with secrets that are none of its business.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from generator.azure.auth.environment import of_az
from generator.errors import ImagegenError
from generator.system.run import run

SECONDS = 60.0  # it is Python, and may be on a cold disk
NO_COLOUR = {"AZURE_CORE_NO_COLOR": "true", "AZURE_CORE_ONLY_SHOW_ERRORS": "true"}


def installed(path: str) -> bool:
    """Whether it is among the programs of a PATH ("": ours)."""
    return shutil.which("az", path=path or None) is not None


def account() -> dict[str, Any]:
    """The subscription that it is set to, with `id` and `tenantId`. Raises ImagegenError."""
    return _asked("account", "show")


def _asked(*words: str) -> dict[str, Any]:
    """What a command of it answers. It starts in a folder where nobody plants modules for it."""
    said = run(["az", *words, "--output", "json"], extra_env=of_az() | NO_COLOUR, timeout=SECONDS, cwd=Path("/"))
    try:
        value = json.loads(said.stdout)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ImagegenError(f"`az {' '.join(words[:2])}` did not answer in JSON", "does it work by itself?")
    return value


@dataclass(frozen=True)
class AzureCli:
    """A login by the Azure CLI. The subscription tells it which of its logins is meant, as azurerm does it; only where
    none is known, the tenant does."""

    subscription: str
    tenant: str

    def get_token(self, *scopes: str, **_options: Any) -> Any:
        """See azure.core.credentials.TokenCredential."""
        from azure.core.credentials import AccessToken  # noqa: PLC0415 - heavy
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415

        where = ["--subscription", self.subscription] if self.subscription else []
        where = where or (["--tenant", self.tenant] if self.tenant else [])
        try:
            said = _asked("account", "get-access-token", "--resource", scopes[0].removesuffix("/.default"), *where)
            return AccessToken(said["accessToken"], _expiry(said))
        except ImagegenError as error:
            raise ClientAuthenticationError(getattr(error, "output", "") or error.message) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ClientAuthenticationError("`az account get-access-token` gave no token") from error


def _expiry(said: dict[str, Any]) -> int:
    """When a token ends, in seconds of the epoch; older versions tell it in local time alone."""
    if "expires_on" in said:
        return int(said["expires_on"])
    return int(datetime.fromisoformat(said["expiresOn"]).timestamp())
