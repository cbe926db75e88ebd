"""Who and what made a release, for its ledger entry: nothing secret, and no path of a computer."""

import os
import pwd
from pathlib import Path
from typing import Any

from generator import __version__
from generator.builder import record
from generator.builder.terraform import Terraform
from generator.errors import ImagegenError

# The variables in which pipelines say who started a run, and where it can be looked at. Sources: GitHub, "Variables
# reference"; GitLab, "Predefined CI/CD variables reference"; Microsoft, "Use predefined variables" (Azure Pipelines).
PEOPLE = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR")
RUNS = (
    ("GITHUB_RUN_ID", "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"),
    ("CI_JOB_URL", "{CI_JOB_URL}"),
    ("BUILD_BUILDID", "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}"),
)
AZURERM = "registry.terraform.io/hashicorp/azurerm"


def collect(workspace: Path, terraform: Terraform) -> dict[str, Any]:
    """The part of a release that says how it was made: `by`, `pipeline` (URL or null), `commit` (of git, null outside
    a repository; `+` at its end where files differ from it), and the versions `imagegen`, `terraform`, `azurerm`."""
    versions = terraform.versions()
    return {
        "azurerm": versions.get(AZURERM),
        "by": next((os.environ[name] for name in PEOPLE if os.environ.get(name)), _user()),
        "commit": _commit(workspace),
        "imagegen": __version__,
        "pipeline": _pipeline(),
        "terraform": versions.get("terraform"),
    }


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # as in a container with a user of its own number
        return str(os.geteuid())


def _pipeline() -> str | None:
    for name, form in RUNS:
        if os.environ.get(name):
            return form.format_map(_Variables())
    return None


class _Variables(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return os.environ.get(name, "")


def _commit(workspace: Path) -> str | None:
    try:
        return record.commit_of(workspace)
    except ImagegenError:  # git is not installed
        return None
