"""An ordinary user for tests that run as root: one that may not do what root may, with a home of its own."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NAME = f"imagegen-{os.getpid()}"  # another run of the tests has another one
ROOT = Path(__file__).parents[2]
NEEDED = ("generator", "modules", "templates")


@dataclass(frozen=True)
class User:
    """An account, its folder, and the Python that runs the command for it."""

    account: pwd.struct_passwd
    home: Path
    python: Path

    def own(self, path: Path) -> None:
        """Give everything below a path to the user."""
        for one in (path, *path.rglob("*")):
            os.chown(one, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)

    def prefix(self) -> tuple[str, ...]:
        """What runs a command as that user."""
        number = str(self.account.pw_uid)
        return ("setpriv", "--reuid", number, "--regid", str(self.account.pw_gid), "--clear-groups", "--no-new-privs")


@contextmanager
def user() -> Iterator[User]:
    """The user, made where it is missing, with an empty home; what it leaves is removed, its processes are ended."""
    try:
        account = pwd.getpwnam(NAME)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/bin/sh", NAME], check=True)
        account = pwd.getpwnam(NAME)
    home = Path("/var/tmp", NAME)  # short and for everybody to reach, which the folders of pytest are not
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o755)
    try:
        made = User(account, home, _python(home))
        made.own(home)
        yield made
    finally:
        subprocess.run(["pkill", "--signal", "KILL", "--uid", str(account.pw_uid)], check=False)
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run(["userdel", NAME], check=False, capture_output=True)


def _python(home: Path) -> Path:
    """A Python that an ordinary user can run, with this source tree and what it needs.

    That of the tests may be in root's home. Debian's is of the same version, so it loads the same packages.
    """
    packages = Path(next(path for path in sys.path if path.endswith("site-packages")))
    source = home / "source"
    for name in NEEDED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    program = sys.executable if _reachable(Path(sys.executable).resolve()) else "/usr/bin/python3"
    ask = [program, "-c", "import sys; print(sys.version_info[:2])"]
    version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    assert version == str(sys.version_info[:2]), program
    subprocess.run([program, "-m", "venv", "--without-pip", home / "venv"], check=True)
    folder = next((home / "venv/lib").glob("python*")) / "site-packages"
    if not _reachable(packages):
        shutil.copytree(packages, home / "packages", copy_function=_link, symlinks=True)
        packages = home / "packages"
    (folder / "source.pth").write_text(f"{source}\n{packages}\n")
    return home / "venv/bin/python"


def _link(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)


def _reachable(path: Path) -> bool:
    """Whether everybody may go to a path and read it."""
    return all(one.stat().st_mode & 0o001 for one in path.parents) and bool(path.stat().st_mode & 0o004)
