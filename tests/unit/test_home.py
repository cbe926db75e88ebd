"""The folders that the environment names, and what it may say wrongly of them."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from generator.errors import ImagegenError
from generator.settings import resolve
from generator.system.home import repair_environment
from generator.system.run import run

OWN = Path(pwd.getpwuid(os.getuid()).pw_dir)


@pytest.mark.parametrize("value", ["cache", "./cache", "", "~/x"])
def test_a_relative_xdg_folder_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    """As the XDG Base Directory Specification says."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("XDG_STATE_HOME", value)
    settings = resolve()
    assert settings.cache_dir == tmp_path / ".cache/imagegen"
    assert settings.state_dir == tmp_path / ".local/state/imagegen"


def test_an_absolute_xdg_folder_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert resolve().cache_dir == tmp_path / "imagegen"


@pytest.mark.parametrize("value", ["", "home", None])
def test_a_home_that_is_none_is_the_one_of_the_password_database(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", value)
    assert resolve().cache_dir == OWN / ".cache/imagegen"
    monkeypatch.setenv("IMAGEGEN_STATE_DIR", "~/state")
    assert resolve().state_dir == OWN / "state"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a container that runs as some number."""

    def unknown(_number: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setenv("HOME", "")
    with pytest.raises(ImagegenError, match=f"the home of user {os.getuid()} is not known") as refused:
        resolve()
    assert "IMAGEGEN_CACHE_DIR and IMAGEGEN_STATE_DIR" in (refused.value.hint or "")
    monkeypatch.setenv("IMAGEGEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("IMAGEGEN_STATE_DIR", str(tmp_path))
    assert resolve().cache_dir == tmp_path


def test_the_home_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEGEN_CACHE_DIR", "~nobody-of-this-name/cache")
    with pytest.raises(ImagegenError, match="IMAGEGEN_CACHE_DIR is `~nobody-of-this-name/cache`"):
        resolve()


def test_programs_see_no_relative_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "somewhere")
    repair_environment()
    seen = dict(line.partition("=")[::2] for line in run(["env"]).stdout.splitlines())
    assert {name: value for name, value in seen.items() if value == "somewhere"} == {}
    assert seen["HOME"] == str(OWN)


def test_the_command_leaves_nothing_in_the_current_folder(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "", "XDG_CACHE_HOME": "c", "XDG_STATE_HOME": "s",
                   "IMAGEGEN_CACHE_DIR": str(tmp_path / "a"), "IMAGEGEN_STATE_DIR": str(tmp_path / "b")}  # fmt: skip
    folder = tmp_path / "here"
    folder.mkdir()
    argv = [sys.executable, "-m", "generator", "doctor", "--json"]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        argv, cwd=folder, env=environment | {"PYTHONPATH": root}, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert list(folder.iterdir()) == []
