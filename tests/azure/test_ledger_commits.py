"""The ledger in git, where several people and pipelines release: no entry is lost."""

import subprocess
from pathlib import Path

import pytest

from tests.azure.conftest import Azure, Write
from tests.azure.making import SHELL, private, shared
from tests.azure.rest import terraform
from tests.invariants import read_ledger, write_ledger

WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


class Team:
    """A bare repository, and clones of it with one workspace."""

    def __init__(self, azure: Azure, folder: Path, template: Path) -> None:
        self.azure, self.folder = azure, folder
        azure.imagegen.environment |= WHO
        self.origin = folder / "origin"
        first = folder / "first"
        azure.imagegen("generate", template, "--out", first / "web")
        self.git("init", "-q", "--bare", "-b", "main", str(self.origin), cwd=folder)
        self.git("init", "-q", "-b", "main", cwd=first)
        self.git("add", ".", cwd=first)
        self.git("commit", "-qm", "Generate", cwd=first)
        self.git("remote", "add", "origin", str(self.origin), cwd=first)
        self.git("push", "-qu", "origin", "main", cwd=first)

    def clone(self, name: str) -> Path:
        """A clone; returns its workspace."""
        self.git("clone", "-q", str(self.origin), name, cwd=self.folder)
        return self.folder / name / "web"

    def git(self, *arguments: str, cwd: Path) -> str:
        """Run git in a folder; returns what it prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=self.azure.imagegen.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


@pytest.fixture
def team(azure: Azure, template: Write, tmp_path: Path) -> Team:
    """Two people, one gallery."""
    path = template(SHELL, vmProfile=private(azure), distribute=[shared(azure.definition("image"))])
    return Team(azure, tmp_path, path)


def test_two_clones_release_and_no_entry_is_lost(team: Team) -> None:
    """The second push is not a fast-forward: its commit is rebased onto the first."""
    one, two = team.clone("one"), team.clone("two")
    team.azure.imagegen("apply", one, "--commit")
    (two / "notes.txt").write_text("not committed")
    team.azure.imagegen("apply", two, "--commit")
    assert team.git("log", "--format=%s", "origin/main", cwd=two).splitlines() == [
        "Release web 1.0.1", "Release web 1.0.0", "Generate",
    ]  # fmt: skip
    assert list(read_ledger(two)) == ["1.0.0", "1.0.1"]
    assert (two / "notes.txt").read_text() == "not committed"
    team.git("pull", "-q", cwd=one)
    assert read_ledger(one) == read_ledger(two)


def test_a_checked_out_commit_of_a_pipeline_is_pushed_to_its_branch(team: Team) -> None:
    """GitLab and Azure Pipelines check out a commit, not a branch, and name the branch in a variable."""
    one = team.clone("one")
    team.git("checkout", "-q", "--detach", cwd=one)
    team.azure.imagegen.environment |= {
        "CI_COMMIT_BRANCH": "main", "GITLAB_USER_LOGIN": "anna", "CI_JOB_URL": "https://ci/7",
    }  # fmt: skip
    commit = team.git("rev-parse", "HEAD", cwd=one)
    team.azure.imagegen("apply", one, "--commit")
    release = read_ledger(team.clone("two"))["1.0.0"]
    assert (release["by"], release["pipeline"], release["commit"]) == ("anna", "https://ci/7", commit)
    assert release["terraform"].startswith("1.")
    assert release["azurerm"].startswith("5.")


def test_a_branch_that_takes_no_push_gets_a_branch_of_the_release(team: Team) -> None:
    hook = team.origin / "hooks/pre-receive"
    hook.write_text(
        '#!/bin/sh\nread -r _ _ name\n[ "$name" != refs/heads/main ] || { echo "a protected branch"; exit 1; }\n'
    )
    hook.chmod(0o755)
    one = team.clone("one")
    refused = team.azure.imagegen("apply", one, "--commit", code=1).stderr
    assert "1.0.0 is released, but its ledger entry could not be pushed" in refused
    assert "build with --commit=branch" in refused
    told = team.azure.imagegen("apply", one, "--commit=branch").stderr
    assert "on the branch imagegen/web-1.0.1" in told
    assert "Release web 1.0.1" in team.git("log", "--format=%s", "imagegen/web-1.0.1", cwd=team.origin)


@pytest.mark.parametrize("source", ["state", "gallery"])
def test_a_lost_entry_is_brought_back(team: Team, source: str) -> None:
    """From the copy in the state; where that is gone too, from the tags of the version."""
    one = team.clone("one")
    team.azure.imagegen("apply", one)
    team.azure.imagegen("apply", one)
    known = read_ledger(one)
    write_ledger(one, {"1.0.1": known["1.0.1"]})
    if source == "gallery":
        (one / "terraform.tfstate").unlink()
    else:
        assert "imagegen releases repair" in team.azure.imagegen("apply", one, code=1).stderr
    told = team.azure.imagegen("releases", "repair", one, "--commit").stderr
    assert "1.0.0: written again (Debian:debian-12:12-gen2:" in told
    found = read_ledger(one)
    assert found["1.0.1"] == known["1.0.1"]
    assert found["1.0.0"]["images"] == known["1.0.0"]["images"]
    assert [found["1.0.0"][part] for part in ("content", "source", "status")] == [
        known["1.0.0"][part] for part in ("content", "source", "status")
    ]
    assert source == "gallery" or found == known
    assert team.git("status", "--porcelain", cwd=one) == ""
    terraform(team.azure, one, "init")
    planned = terraform(team.azure, one, "plan").stdout
    assert "0 to add, 0 to change, 0 to destroy" in planned or "No changes" in planned
    assert "no entry is missing" in team.azure.imagegen("releases", "repair", one).stderr
