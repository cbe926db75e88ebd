"""The key pair of one build: outside any workspace, readable by its owner only, gone with the build."""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import run
from generator.build.journal import Journal
from generator.workspace.files import atomic_write, make_folder, sync_path, to_json

VAR_FILE = "secrets.tfvars.json"
MARK = "workspace"  # by it a build's folder is found that no journal names


@dataclass(frozen=True)
class KeyPair:
    """private: the key's file; public: the OpenSSH public key; var_file: what passes it to Terraform.

    A var-file of mode 0600 is the one way that shows in no process list and in no child's environment
    (azure-facts 20).
    """

    private: Path
    public: str
    var_file: Path


def folders_of(workspace: Path, state_dir: Path, record: Journal | None) -> list[Path]:
    """The folders of every build of this workspace that still exist, whether or not its journal knows them.

    Nobody but us makes one, or knows its name: one that a journal names was begun here.
    """
    here = str(workspace.resolve())
    named = folder_of(record, state_dir) if record else None
    found = [named] if named and named.is_dir() else []
    for mark in sorted((state_dir / "builds").glob(f"*/{MARK}")):
        with suppress(FileNotFoundError):  # another workspace's build has just ended
            if mark.read_text("utf-8", "surrogateescape") == here and mark.parent != named:
                found.append(mark.parent)
    return found


def folder_of(record: Journal, state_dir: Path) -> Path | None:
    """The folder that a journal names, if it is one of ours.

    A journal lies in the workspace, so anybody may have written it.
    """
    folder = Path(record.directory)
    return folder if folder.parent == state_dir / "builds" and folder.name.isalnum() else None


def claim(directory: Path, workspace: Path) -> None:
    """Make a build's own folder, which names its workspace: nobody but us can have made it."""
    make_folder(directory.parent)
    directory.mkdir(mode=0o700)
    sync_path(directory.parent)
    atomic_write(directory / MARK, str(workspace.resolve()).encode(errors="surrogateescape"), sync=True)


def remove(directory: Path) -> None:
    """Remove a build's own folder: the key first, and the mark last, by which the next command finds what is left."""
    for path in sorted(directory.iterdir(), key=lambda path: (path.name == MARK, path.is_dir())):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    directory.rmdir()


def make(directory: Path, workspace: Path) -> KeyPair:
    """Make a build's own folder, and a fresh key pair in it."""
    claim(directory, workspace)
    private = directory / "key"
    run.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "imagegen", "-f", str(private)])
    keep(directory, {"ssh_private_key": private.read_text("ascii")})
    return existing(directory)


def existing(directory: Path) -> KeyPair:
    """The key pair that a build's folder holds. Raises FileNotFoundError when it is gone."""
    private = directory / "key"
    return KeyPair(private, private.with_suffix(".pub").read_text("ascii").strip(), directory / VAR_FILE)


def keep(directory: Path, values: dict[str, Any]) -> None:
    """Keep more values in the file that passes secrets to Terraform."""
    path = directory / VAR_FILE
    known = json.loads(path.read_bytes()) if path.exists() else {}
    atomic_write(path, to_json(known | values), mode=0o600)
