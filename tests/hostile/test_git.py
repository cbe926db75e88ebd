"""A stranger's repository: whatever its files and its configuration name, looking and committing runs nothing of it."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from generator.builder import record
from generator.errors import ImagegenError
from generator.system import git
from generator.workspace import ledger

HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit",
    "post-index-change", "post-merge", "post-rewrite", "pre-applypatch", "pre-auto-gc", "pre-commit",
    "pre-merge-commit", "pre-push", "pre-rebase", "prepare-commit-msg", "push-to-checkout", "reference-transaction",
    "sendemail-validate",
)  # fmt: skip
ATTRIBUTES = '* filter=evil diff=evil merge=evil\n*.json filter="a=b"\n*.sh filter=process\n'


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(autouse=True)
def _me(monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Me")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "me@example.com")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    monkeypatch.delenv("GIT_ASKPASS", raising=False)


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A program that must not run: it writes down that it did, and by what name."""
    path = tmp_path / "evil.sh"
    path.write_text(f'#!/bin/sh\necho "$0 $*" >>{tmp_path}/ran\ncat\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def repository(tmp_path: Path, evil: Path) -> Path:
    """A clone of a bare repository, with a release in it that is not committed, and with everything evil."""
    remote, path = tmp_path / "remote.git", tmp_path / "evil"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    subprocess.run(["git", "clone", "-q", str(remote), str(path)], check=True, capture_output=True)
    for name, text in {"web/main.tf": "# one\n", "web/a.sh": "true\n", "web/imagegen.lock.json": "{}\n"}.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text)
    _submodule(path, tmp_path, evil)
    _git(path, "add", ".")
    _git(path, "commit", "-q", "-m", "one")
    _git(path, "push", "-q", "origin", "HEAD:refs/heads/main")
    _git(path, "branch", "-q", "-M", "main")
    _git(path, "branch", "-q", "--set-upstream-to=origin/main")
    (path / ".gitattributes").write_text(ATTRIBUTES)
    _git(path, "add", ".gitattributes")
    _git(path, "commit", "-q", "-m", "two")
    _git(path, "push", "-q")
    _configure(path, evil)
    _release(path / "web", "1.0.0")
    (path / "web/a.sh").write_text("false\n")
    (tmp_path / "ran").unlink(missing_ok=True)  # by git itself, in the making
    return path


def _submodule(path: Path, tmp_path: Path, evil: Path) -> None:
    """One with a configuration of its own."""
    inner = tmp_path / "inner"
    subprocess.run(["git", "init", "-q", str(inner)], check=True)
    _git(inner, "commit", "-q", "--allow-empty", "-m", "inner")
    _git(path, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "web/inner")
    _git(path / "web/inner", "config", "core.fsmonitor", str(evil))
    (path / "web/inner/new").write_text("")
    with (path / ".gitmodules").open("a") as file:
        file.write("\tignore = none\n")
    _git(path, "config", "submodule.web/inner.update", f"!{evil}")


def _configure(path: Path, evil: Path) -> None:
    """Every key that names a program; some in a file that the configuration includes."""
    for name in HOOKS:
        (path / ".git/hooks" / name).write_text(evil.read_text())
        (path / ".git/hooks" / name).chmod(0o755)
    keys = [
        "core.fsmonitor", "core.sshCommand", "core.askPass", "core.editor", "core.pager", "core.gitProxy",
        "core.alternateRefsCommand", "diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean",
        "filter.evil.smudge", "filter.a=b.clean", "filter.a=b.smudge", "filter.process.process", "merge.evil.driver",
        "credential.helper", "credential.http://127.0.0.1.helper", "gpg.program", "gpg.ssh.program", "gpg.x509.program",
        "sequence.editor", "interactive.diffFilter", "pager.status", "remote.origin.uploadpack",
        "remote.origin.receivepack", "alias.status", "uploadpack.packObjectsHook", "trailer.evil.command",
    ]  # fmt: skip
    for key in keys[:10]:
        _git(path, "config", key, str(evil))
    included = path / ".git/more"
    for key in keys[10:]:
        _git(path, "config", "--file", str(included), key, str(evil))
    for key in ("filter.evil.required", "filter.a=b.required", "submodule.recurse"):
        _git(path, "config", "--file", str(included), key, "true")
    _git(path, "config", "include.path", "more")


def _release(workspace: Path, version: str) -> None:
    path = workspace / ledger.FOLDER / version / "release.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"status": "released", "version": version}))


@pytest.fixture(autouse=True)
def _nothing_ran(tmp_path: Path) -> Iterator[None]:
    yield
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


def test_looking_runs_nothing(repository: Path, tmp_path: Path) -> None:
    """It does at the first `git status` of anybody else."""
    workspace = repository / "web"
    assert "git -C" in (record.command(workspace, "web", "1.0.0") or "")
    head = _head(repository)
    assert record.commit_of(workspace) == f"{head}+"
    (workspace / "a.sh").write_text("true\n")
    os.utime(workspace / "a.sh", (1, 1))
    assert record.commit_of(workspace) == head
    os.utime(workspace / "main.tf", (1, 1))  # only a filter could tell that it is the same
    assert record.commit_of(workspace) == head
    subprocess.run(["git", "-C", str(repository), "status"], capture_output=True, check=False)
    assert (tmp_path / "ran").exists(), "the repository is not as evil as it should be"
    (tmp_path / "ran").unlink()


def _head(repository: Path) -> str:
    return (repository / ".git/refs/heads/main").read_text().strip()


def test_committing_and_pushing_run_nothing(repository: Path, tmp_path: Path) -> None:
    """What is committed is what is in the files; onto another's push it is rebased, which runs nothing either."""
    workspace, notes = repository / "web", [""]
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", "-b", "main", str(tmp_path / "remote.git"), str(other)], check=True)
    _release(other / "web", "0.9.0")
    _git(other, "add", ".")
    _git(other, "commit", "-q", "-m", "theirs")
    _git(other, "push", "-q")
    record.commit(workspace, "web", "1.0.0", own_branch=False, note=notes.append)
    log = _git(tmp_path / "remote.git", "log", "--format=%s", "main").splitlines()
    assert log[:2] == ["Release web 1.0.0", "theirs"]
    shown = _git(tmp_path / "remote.git", "show", f"main:web/{ledger.FOLDER}/1.0.0/release.json")
    assert json.loads(shown) == {"status": "released", "version": "1.0.0"}
    assert (workspace / "a.sh").read_text() == "false\n"
    assert record.command(workspace, "web", "1.0.0") is None


def test_a_signature_is_not_made_by_their_program(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own may well refuse."""
    _git(repository, "config", "commit.gpgSign", "true")
    for form in ("openpgp", "ssh", "x509"):
        _git(repository, "config", "gpg.format", form)
        with pytest.raises(ImagegenError, match="its ledger entry could not be committed"):
            record.commit(repository / "web", "web", "1.0.0", own_branch=False, note=print)


def test_a_merge_driver_of_theirs_is_a_conflict(repository: Path, tmp_path: Path) -> None:
    """And the rebase is undone."""
    workspace, other = repository / "web", tmp_path / "other"
    subprocess.run(["git", "clone", "-q", "-b", "main", str(tmp_path / "remote.git"), str(other)], check=True)
    _release(other / "web", "1.0.0")
    (other / "web" / ledger.FOLDER / "1.0.0/release.json").write_text('{"theirs": true}')
    _git(other, "add", ".")
    _git(other, "commit", "-q", "-m", "theirs")
    _git(other, "push", "-q")
    with pytest.raises(ImagegenError, match="its ledger entry could not be pushed"):
        record.commit(workspace, "web", "1.0.0", own_branch=False, note=print)
    assert not (repository / ".git/rebase-merge").exists()
    assert '"version": "1.0.0"' in (workspace / ledger.FOLDER / "1.0.0/release.json").read_text()


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c {evil}% x", "ssh://127.0.0.1:1/x", "git://127.0.0.1:1/x", "me@127.0.0.1:x", "evil://x",
     "--receive-pack={evil}"],
)  # fmt: skip
def test_a_remote_starts_nothing_of_the_repository(repository: Path, evil: Path, url: str) -> None:
    """Its own ssh, proxy and transports among them."""
    _git(repository, "config", "protocol.ext.allow", "always")
    _git(repository, "config", "remote.origin.url", url.format(evil=evil))
    with pytest.raises(ImagegenError):
        git.push(repository, "origin", "HEAD:refs/heads/main")
    with pytest.raises(ImagegenError):
        git.push(repository, url.format(evil=evil), "HEAD:refs/heads/main")
    with pytest.raises(ImagegenError):
        git.fetch(repository, "origin", "refs/heads/main")


def test_a_remote_in_the_checkout_is_refused(repository: Path, tmp_path: Path, evil: Path) -> None:
    """Its hooks would run as part of the push."""
    inside = repository / "web/x.git"
    subprocess.run(["git", "init", "-q", "--bare", str(inside)], check=True)
    (inside / "hooks/pre-receive").write_text(evil.read_text())
    (inside / "hooks/pre-receive").chmod(0o755)
    (tmp_path / "link").symlink_to(inside)
    for url in (
        str(inside),
        f"file://{inside}",
        "./web/x.git",
        str(tmp_path / "link"),
        f"{tmp_path}/y/../evil/web/x.git",
    ):
        _git(repository, "config", "remote.origin.url", url)
        with pytest.raises(ImagegenError, match="in the repository itself"):
            git.push(repository / "web", "origin", "HEAD:refs/heads/main")
    _git(repository, "config", "--remove-section", "remote.origin")  # `git remote` would run hooks
    git.require_remote(repository / "web", "origin")
    inside.rename(repository / "web/origin")
    with pytest.raises(ImagegenError, match="in the repository itself"):
        git.push(repository / "web", "origin", "HEAD:refs/heads/main")


class _Asks(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_credentials_come_from_the_users_helper_only(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repository's own is not asked."""
    mine = tmp_path / "mine.sh"
    mine.write_text(f"#!/bin/sh\necho asked >>{tmp_path}/mine\necho username=u\necho password=p\n")
    mine.chmod(0o755)
    (tmp_path / "mine.config").write_text(f"[credential]\n\thelper = {mine}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "mine.config"))
    server = HTTPServer(("127.0.0.1", 0), _Asks)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/x.git"
        with pytest.raises(ImagegenError):
            git.push(repository, url, "HEAD:refs/heads/main")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert (tmp_path / "mine").read_text().startswith("asked\n")


def test_nothing_is_fetched_to_look(repository: Path, evil: Path) -> None:
    """A clone that lacks objects would be completed from wherever its configuration says."""
    for name, value in {
        "extensions.partialClone": "origin", "remote.origin.promisor": "true", "core.repositoryFormatVersion": "1",
        "remote.origin.url": f"ext::sh -c {evil}% x", "protocol.ext.allow": "always",
    }.items():  # fmt: skip
        _git(repository, "config", name, value)
    for pack in (repository / ".git/objects").rglob("*"):
        if pack.is_file():
            pack.chmod(0o644)
            pack.unlink()
    record.commit_of(repository / "web")
    record.command(repository / "web", "web", "1.0.0")


def test_why_a_repository_is_not_used_is_told(tmp_path: Path) -> None:
    """There is none, or it belongs to another user."""
    with pytest.raises(ImagegenError, match="is in no git repository"):
        git.require_repository(tmp_path)
    if os.geteuid() != 0:
        pytest.skip("only root can give a repository away")
    theirs = tmp_path / "theirs"
    subprocess.run(["git", "init", "-q", str(theirs)], check=True)
    for path in (theirs, theirs / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(ImagegenError, match="dubious ownership"):
        git.require_repository(theirs)
