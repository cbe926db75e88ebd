"""The ledger in git: a released version is on record for everybody once it is committed (design.md section 5)."""

import os
import shlex
from pathlib import Path

from generator.errors import ImagegenError
from generator.run import CommandFailed, run
from generator.settings import Settings
from generator.workspace import ledger
from generator.workspace.store import PROVIDERS_LOCK

# What git needs of the caller's environment: who commits, and the keys to push with.
PASSED_ON = (
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_SSH_COMMAND",
    "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME",
)  # fmt: skip
# A repository that lies in a checkout as its files do is none of the caller's, and none may choose a program that looks
# for changes (git-config(1): safe.bareRepository, core.fsmonitor). Hooks are run for a commit that was asked for.
UNTRUSTED = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false")


def command(workspace: Path, name: str, version: str) -> str | None:
    """The command that puts a release on record; None where there is no git, or nothing to commit."""
    if not _changed(workspace):
        return None
    folder = shlex.quote(str(workspace))
    return f"git -C {folder} add . && git -C {folder} commit -m {shlex.quote(_message(name, version))}"


def check(workspace: Path, settings: Settings) -> None:
    """Raise ImagegenError where `commit` would have nothing to do: told before a build, not after it."""
    if settings.target != "azure":
        raise ImagegenError("--commit is for images in Azure; local ones are on this computer only", "leave it out")
    if not _git(workspace, "rev-parse", "--show-toplevel", check=False):
        raise ImagegenError(f"--commit: {workspace} is in no git repository", "run `git init`, or leave it out")


def commit(workspace: Path, name: str, version: str) -> None:
    """Commit the ledger and Terraform's lock of providers, and push where the branch has an upstream.

    Raises ImagegenError when that fails: the version is released all the same, and the ledger file says so.
    """
    if not _changed(workspace):
        return
    files = [file for file in (ledger.FOLDER, PROVIDERS_LOCK) if (workspace / file).exists()]
    try:
        _git(workspace, "add", "--", *files)
        _git(workspace, "commit", "-q", "-m", _message(name, version), "--", *files)
        if _git(workspace, "rev-parse", "--abbrev-ref", "@{upstream}", check=False):
            _git(workspace, "push", "-q")
    except CommandFailed as error:
        raise ImagegenError(
            f"{version} is released, but its record is not with the others: {error.message}",
            f"commit and push {workspace / ledger.FOLDER} by hand",
        ) from error


def commit_of(workspace: Path) -> str | None:
    """The commit that a workspace is of, with `+` at its end where files of it differ; None outside a repository.

    Raises ImagegenError when git is not installed.
    """
    commit = _git(workspace, "rev-parse", "--verify", "--quiet", "HEAD", check=False)
    if not commit:
        return None
    return f"{commit}+" if _git(workspace, "status", "--porcelain", "--", ".", check=False) else commit


def _message(name: str, version: str) -> str:
    return f"Release {name} {version}"


def _changed(workspace: Path) -> bool:
    """Whether the workspace is in git and its ledger differs from what is committed."""
    try:
        return bool(_git(workspace, "status", "--porcelain", "--", ledger.FOLDER, check=False))
    except ImagegenError:  # git is not installed
        return False


def _git(workspace: Path, *arguments: str, check: bool = True) -> str:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    done = run(["git", *UNTRUSTED, "-C", str(workspace), *arguments], check=check, extra_env=passed)
    return done.stdout.strip() if done.code == 0 else ""
