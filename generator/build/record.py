"""The ledger in git: a released version is on record for everybody once it is committed (design.md section 5)."""

import os
import random
import re
import shlex
import time
from collections.abc import Callable
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
# How git says that somebody else's push came first, and how servers say that a branch takes no push.
OVERTAKEN = re.compile(r"non-fast-forward|fetch first|cannot lock ref|failed to update ref|incorrect old value")
PROTECTED = re.compile(r"protected branch|pre-receive hook declined|TF402455|not allowed to push", re.IGNORECASE)
PUSHES = 10
# What a build itself writes is no difference to the commit that it is of.
OURS = (f":(exclude){ledger.FOLDER}", f":(exclude){PROVIDERS_LOCK}")
BRANCHES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_BRANCH", "BUILD_SOURCEBRANCH")
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
        _git(workspace, "add", "--", *files)
        _git(workspace, "commit", "-q", "-m", _message(name, version), "--", *files)
        if own_branch:
            branch = f"imagegen/{name}-{version}"
            _git(workspace, "push", "-q", _remote(workspace), f"HEAD:refs/heads/{branch}")
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
    return "push the commit by hand; where it is lost, `imagegen releases repair` writes the entry again"


def _upstream(workspace: Path) -> tuple[str, str] | None:
    """The remote and branch to push to; None where there is none. Pipelines check out a commit, and name its branch."""
    tracked = _git(workspace, "rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}", check=False)
    if tracked:
        remote = _remote(workspace)
        return remote, tracked.removeprefix(f"{remote}/")
    if _git(workspace, "symbolic-ref", "-q", "HEAD", check=False):
        return None
    named = next((os.environ[name] for name in BRANCHES if os.environ.get(name)), "")
    return (_remote(workspace), named.removeprefix("refs/heads/")) if named else None


def _remote(workspace: Path) -> str:
    branch = _git(workspace, "symbolic-ref", "-q", "--short", "HEAD", check=False)
    return _git(workspace, "config", f"branch.{branch}.remote", check=False) or "origin"


def _push(workspace: Path, remote: str, branch: str) -> None:
    """Push the last commit, rebased where others pushed meanwhile. Raises CommandFailed."""
    for attempt in range(PUSHES):
        try:
            _git(workspace, "push", "-q", remote, f"HEAD:refs/heads/{branch}")
            return
        except CommandFailed as error:
            if attempt + 1 == PUSHES or not OVERTAKEN.search(error.output):
                raise
        time.sleep(random.uniform(0, attempt))  # noqa: S311 - not a secret
        _git(workspace, "fetch", "-q", remote, f"refs/heads/{branch}")
        try:
            _git(workspace, "rebase", "-q", "--autostash", "FETCH_HEAD")
        except CommandFailed:
            _git(workspace, "rebase", "--abort", check=False)
            raise


def commit_of(workspace: Path) -> str | None:
    """The commit that a workspace is of, with `+` at its end where files of it differ; None outside a repository.

    Raises ImagegenError when git is not installed.
    """
    commit = _git(workspace, "rev-parse", "--verify", "--quiet", "HEAD", check=False)
    if not commit:
        return None
    return f"{commit}+" if _git(workspace, "status", "--porcelain", "--", ".", *OURS, check=False) else commit


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
