"""The ledger in git: other checkouts know a released version once its ledger entry is committed and pushed."""

import os
import random
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path

from generator.errors import ImagegenError, UsageError
from generator.settings import Settings
from generator.system import git
from generator.system.run import CommandFailed
from generator.workspace import ledger
from generator.workspace.store import PROVIDERS_LOCK

# How git says that somebody else's push came first, and how servers say that a branch takes no push.
OVERTAKEN = re.compile(r"non-fast-forward|fetch first|cannot lock ref|failed to update ref|incorrect old value")
PROTECTED = re.compile(r"protected branch|pre-receive hook declined|TF402455|not allowed to push", re.IGNORECASE)
PUSHES = 10
# What a build itself writes is no difference to the commit that it is of.
OURS = (f":(exclude){ledger.FOLDER}", f":(exclude){PROVIDERS_LOCK}")
NO_SUBMODULES = "--ignore-submodules=all"  # of `git status`: a file of the repository may say otherwise
BRANCHES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_BRANCH", "BUILD_SOURCEBRANCH")


def command(workspace: Path, name: str, version: str) -> str | None:
    """The command that puts a release on record; None where there is no git, or nothing to commit."""
    if not _changed(workspace):
        return None
    folder = shlex.quote(str(workspace))
    return f"git -C {folder} add . && git -C {folder} commit -m {shlex.quote(_message(name, version))}"


def check(workspace: Path, settings: Settings) -> None:
    """Raise ImagegenError where `commit` would have nothing to do: told before a build, not after it."""
    if settings.target != "azure":
        raise UsageError(
            "--commit means nothing with the target local: its images stay on this computer", "leave it out"
        )
    try:
        git.require_repository(workspace)
    except ImagegenError as error:
        raise ImagegenError(f"--commit: {error.message}", error.hint) from error
    if remote := _remote(workspace):
        git.require_remote(workspace, remote)


def commit(workspace: Path, name: str, version: str, *, own_branch: bool, note: Callable[[str], None]) -> None:
    """Commit the ledger and Terraform's lock of providers, and push.

    Where another release was pushed meanwhile the commit is rebased onto it. own_branch: push to a branch of this
    release, for branches that take no push. Raises ImagegenError when that fails: the version is released all the same,
    and the ledger file says so.
    """
    if not _changed(workspace):
        return
    files = [file for file in (ledger.FOLDER, PROVIDERS_LOCK) if (workspace / file).exists()]
    try:
        git.do(workspace, "add", "--", *files)
        git.do(workspace, "commit", "-q", "-m", _message(name, version), "--", *files)
    except CommandFailed as error:
        raise ImagegenError(
            f"{version} is released, but its ledger entry could not be committed: {error.message}",
            f"commit {ledger.FOLDER} by hand, and push it",
        ) from error
    try:
        if own_branch:
            branch = f"imagegen/{name}-{version}"
            git.push(workspace, _remote(workspace), f"HEAD:refs/heads/{branch}")
            note(f"the release is committed on the branch {branch}: open a pull request for it")
        elif where := _upstream(workspace):
            _push(workspace, *where)
        else:
            note("the release is committed; it was not pushed, because the branch has no upstream")
    except CommandFailed as error:
        raise ImagegenError(
            f"{version} is released, but its ledger entry could not be pushed: {error.message}", _push_hint(error)
        ) from error


def _push_hint(error: CommandFailed) -> str:
    """What to do about a push that was refused."""
    if PROTECTED.search(error.output):
        return "the branch takes no push: build with --commit=branch; now push the commit to a branch of its own"
    return "push the commit by hand; where it is lost, `imagegen releases repair DIR` writes the entry again"


def _upstream(workspace: Path) -> tuple[str, str] | None:
    """The remote and branch to push to; None where there is none. Pipelines check out a commit, and name its branch."""
    tracked = git.ask(workspace, "rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}")
    if tracked:
        remote = _remote(workspace)
        return remote, tracked.removeprefix(f"{remote}/")
    if git.ask(workspace, "symbolic-ref", "-q", "HEAD"):
        return None
    named = next((os.environ[name] for name in BRANCHES if os.environ.get(name)), "")
    return (_remote(workspace), named.removeprefix("refs/heads/")) if named else None


def _remote(workspace: Path) -> str:
    branch = git.ask(workspace, "symbolic-ref", "-q", "--short", "HEAD")
    return git.ask(workspace, "config", f"branch.{branch}.remote") or "origin"


def _push(workspace: Path, remote: str, branch: str) -> None:
    """Push the last commit, rebased where others pushed meanwhile. Raises CommandFailed."""
    for attempt in range(PUSHES):
        try:
            git.push(workspace, remote, f"HEAD:refs/heads/{branch}")
            return
        except CommandFailed as error:
            if attempt + 1 == PUSHES or not OVERTAKEN.search(error.output):
                raise
        time.sleep(random.uniform(0, attempt))  # noqa: S311 - not a secret
        git.fetch(workspace, remote, f"refs/heads/{branch}")
        try:
            git.do(workspace, "rebase", "-q", "--autostash", "FETCH_HEAD")
        except CommandFailed:
            git.ask(workspace, "rebase", "--abort")
            raise


def commit_of(workspace: Path) -> str | None:
    """The commit that a workspace is of, with `+` at its end where files of it differ; None outside a repository.

    Raises ImagegenError when git is not installed.
    """
    commit = git.ask(workspace, "rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        return None
    return f"{commit}+" if git.ask(workspace, "status", "--porcelain", NO_SUBMODULES, "--", ".", *OURS) else commit


def _message(name: str, version: str) -> str:
    return f"Release {name} {version}"


def _changed(workspace: Path) -> bool:
    """Whether the workspace is in git and its ledger differs from what is committed."""
    try:
        return bool(git.ask(workspace, "status", "--porcelain", NO_SUBMODULES, "--", ledger.FOLDER))
    except ImagegenError:  # git is not installed
        return False
