"""The one door for git. A repository may be a stranger's: it says what is in it, and not what runs on this computer.

Git runs programs that a repository's configuration names: hooks, filters, a monitor of its files, merge drivers,
credential helpers, ssh. So each command is run without hooks and filters, and whatever else of the repository's
configuration names a program, or leads a connection elsewhere, is replaced by what the user's own configuration says.
Sources: git-config(1), gitattributes(5), githooks(5), git(1) on GIT_CONFIG_COUNT and GIT_ALLOW_PROTOCOL.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from generator.errors import ImagegenError
from generator.system.run import CommandFailed, Completed, run

# What git needs of the caller's environment: who commits, and the keys to push with.
PASSED_ON = (
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_SSH_COMMAND",
    "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME",
)  # fmt: skip
FLAGS = (
    "--no-optional-locks", "--no-pager", "-c", "safe.bareRepository=explicit", "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
)  # fmt: skip
# Submodules have configurations of their own; the rest runs more programs, or asks questions.
FIXED = {
    "submodule.recurse": "false", "fetch.recurseSubmodules": "false", "push.recurseSubmodules": "no",
    "diff.ignoreSubmodules": "all", "status.submoduleSummary": "false", "gc.auto": "0", "maintenance.auto": "false",
    "log.showSignature": "false", "core.pager": "cat",
}  # fmt: skip
NEVER = re.compile(r"filter\..*\.(clean|smudge|process)")  # not the user's either: a stranger's files choose among them
REQUIRED = re.compile(r"filter\..*\.required")
MERGES = re.compile(r"merge\..*\.driver")
# Programs, and what leads a connection elsewhere, as git shows the keys: section and name in small letters.
GUARDED = re.compile(
    r"core\.(sshcommand|askpass|editor|pager|gitproxy|alternaterefscommand)|sequence\.editor|diff\.external"
    r"|diff\..*\.(command|textconv)|credential\.(.*\.)?helper|gpg\.(.*\.)?program|gpg\.ssh\.defaultkeycommand"
    r"|interactive\.difffilter|pager\..*|remote\..*\.(vcs|proxy)|uploadpack\.packobjectshook"
    r"|trailer\..*\.(cmd|command)|tar\..*\.command|init\.templatedir"
    r"|http\.(.*\.)?(proxy|sslverify|sslcainfo|sslcapath|curloptresolve|cookiefile|savecookies)"
)
# What stands for a guarded value that the user does not have; for others it is empty, which resets lists too.
DEFAULTS = tuple(
    (re.compile(form), value)
    for form, value in (
        (r"http\.(.*\.)?sslverify", "true"), (r"gpg\.(openpgp\.)?program", "gpg"), (r"gpg\.x509\.program", "gpgsm"),
        (r"gpg\.ssh\.program", "ssh-keygen"),
    )
)  # fmt: skip
OF_REPOSITORY = ("local", "worktree")
OFFLINE, ONLINE = "", "https:http:ssh:file"


def ask(folder: Path, *arguments: str) -> str:
    """What a git command prints, without space around it; "" where it fails, as outside a repository.

    Raises ImagegenError when git is not installed.
    """
    done = _run(folder, arguments, OFFLINE)
    return done.stdout.strip() if done.code == 0 else ""


def do(folder: Path, *arguments: str) -> None:
    """Run a git command, which uses no network. Raises CommandFailed."""
    _check(_run(folder, arguments, OFFLINE), arguments)


def push(folder: Path, remote: str, refs: str) -> None:
    """Push. The remote's program is the usual one: of several in a configuration the first would count, which is the
    repository's. Raises CommandFailed; ImagegenError for a remote in the repository itself."""
    require_remote(folder, remote)
    arguments = ("push", "-q", "--receive-pack=git-receive-pack", "--", remote, refs)
    _check(_run(folder, arguments, ONLINE), arguments)


def fetch(folder: Path, remote: str, ref: str) -> None:
    """Fetch to FETCH_HEAD. Raises as `push` does."""
    require_remote(folder, remote)
    arguments = ("fetch", "-q", "--upload-pack=git-upload-pack", "--", remote, ref)
    _check(_run(folder, arguments, ONLINE), arguments)


def _check(done: Completed, arguments: Sequence[str]) -> None:
    if done.code != 0:
        raise CommandFailed(["git", *arguments], done.code, done.stdout + done.stderr)


def require_repository(folder: Path) -> None:
    """Raise ImagegenError, with git's own reason, where a folder is in no repository that git takes."""
    done = _run(folder, ("rev-parse", "--show-toplevel"), OFFLINE)
    if done.code != 0:
        if "not a git repository" in done.stderr:
            raise ImagegenError(f"{folder} is in no git repository", "run `git init`, or leave it out")
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.code}"]
        raise ImagegenError(f"git refuses {folder}: {lines[0].removeprefix('fatal: ')}", "`git status` there says more")


def require_remote(folder: Path, remote: str) -> None:
    """Raise ImagegenError for a remote that lies within the repository itself: its hooks would come with a checkout."""
    top = Path(ask(folder, "rev-parse", "--show-toplevel") or folder)
    for url in ask(folder, "remote", "get-url", "--push", "--all", "--", remote).splitlines() or [remote]:
        places = (top / path, folder / path) if (path := _local(url)) else ()
        for place in (*places, *(Path(os.path.normpath(one)) for one in places)):  # git leaves out `NAME/..` itself
            if place.exists() and place.resolve().is_relative_to(top.resolve()):
                raise ImagegenError(f"the remote `{remote}` is {place}, in the repository itself", "push by hand")


def _local(url: str) -> Path | None:
    """The path of a remote on this computer; None for one elsewhere (git-clone(1), "Git URLs")."""
    if url.startswith("file://"):
        return Path(unquote(urlsplit(url).path))
    colon = url.find(":")
    return None if "://" in url or 0 <= colon < (url.find("/") % (len(url) + 1)) else Path(url)


def _run(folder: Path, arguments: Sequence[str], protocols: str) -> Completed:
    own = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    own |= {
        "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_EDITOR": "true",
        "GIT_SEQUENCE_EDITOR": "true", "GIT_ALLOW_PROTOCOL": protocols,
    }  # fmt: skip
    configured = list(_configured(folder, own))
    changed = [*FIXED.items(), *_overrides(configured)]
    own["GIT_CONFIG_COUNT"] = str(len(changed))
    for number, (key, value) in enumerate(changed):  # not by `-c`, where a key with `=` in it would be another
        own |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    if "GIT_SSH_COMMAND" not in own:
        users = [value for scope, key, value in configured if key == "core.sshcommand" and scope not in OF_REPOSITORY]
        own["GIT_SSH_COMMAND"] = users[-1] if users else "ssh"
    return _git([*FLAGS, "-C", str(folder), *arguments], own)


def _git(arguments: Sequence[str], environment: Mapping[str, str]) -> Completed:
    if shutil.which("git") is None:
        raise ImagegenError("`git` is not installed", "install it from your distribution's packages")
    return run(["git", *arguments], check=False, extra_env=environment)


def _configured(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Scope, key and value of everything that is configured for a folder. To list it runs nothing."""
    listing = [*FLAGS, "-C", str(folder), "config", "--list", "--show-scope", "-z"]
    fields = _git(listing, environment).stdout.split("\0")
    for scope, entry in zip(fields[::2], fields[1::2], strict=False):
        key, _, value = entry.partition("\n")
        if scope != "command":
            yield scope, key, value


def _overrides(configured: list[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """What replaces values that would run a program, or lead elsewhere."""
    for key in dict.fromkeys(key for _, key, _ in configured):
        if NEVER.fullmatch(key):
            yield key, ""
        elif REQUIRED.fullmatch(key):
            yield key, "false"
    for key in dict.fromkeys(key for scope, key, _ in configured if scope in OF_REPOSITORY):
        if MERGES.fullmatch(key):
            yield key, "false"  # the program: what it would merge is a conflict
        elif GUARDED.fullmatch(key):
            yield key, next((value for form, value in DEFAULTS if form.fullmatch(key)), "")
            yield from (
                (key, value) for scope, other, value in configured if other == key and scope not in OF_REPOSITORY
            )
